"""Templates of files, folders and cloud assemblies, and of what is read as a template."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from color_mesh.aws_json import convert, unread_terraform
from color_mesh.cloudformation.addons import ADDON_PARAMETERS, with_addon_parameters
from color_mesh.cloudformation.evaluate import Evaluator
from color_mesh.cloudformation.files import Files
from color_mesh.cloudformation.functions import FUNCTIONS
from color_mesh.cloudformation.merging import merged
from color_mesh.cloudformation.references import REFERENCES
from color_mesh.cloudformation.stack import NESTED, Stack, nest, read_stacks, with_nested
from color_mesh.cloudformation.templates import Templates
from color_mesh.cloudformation.uses import imported_names
from color_mesh.model.errors import listed, problem, refuse

MAX_RESOURCES = 5_000  # Of all stacks.
_MAX_NAMED = 10  # Files in a note.
_NOTHING = "has no template and no JSON of the AWS CLI or Terraform"
_FIX = "a cloud assembly such as cdk.out, templates, JSON of the AWS CLI, a Terraform state, or a folder of them"


def read_templates(
    paths: Sequence[Path],
    values: Mapping[str, str],
    known_attributes: Mapping[tuple[str, str], str],
    files: Files | None = None,
) -> Templates:
    """Read templates, JSON of the AWS CLI and of Terraform, folders of both, and cloud assemblies.

    Args:
        paths: Paths of the files, folders and cloud assemblies.
        values: Values of parameters, pseudo parameters (``AWS::Region``) and attributes (``Balancer.DNSName``).
        known_attributes: Property that an attribute repeats, by resource type and attribute name. For a resource
            without the property the attribute is a generated name. A text that begins with ``arn:`` is the first part
            of an ARN that the attribute is, for which a name is generated, too. ``Ref`` stands for a reference.
        files: Files that the caller has read already. Default: none.

    Raises:
        MeshError: If a template cannot be read, or a value matches nothing in the templates.
    """
    files = files or Files()
    roots, notes = _roots(paths, files)
    nested = {each.path.resolve() for root in roots for each in with_nested(root)[1:]}
    # The template of a nested stack is not a stack of its own.
    stacks = tuple(each for root in roots if root.path.resolve() not in nested for each in with_nested(root))
    refuse(_too_many(stacks))
    notes += [
        f"{stack.file(logical_id).name}: the template of nested stack {logical_id} was not found"
        for stack in stacks
        for logical_id, resource in stack.section("Resources").items()
        if resource["Type"] == NESTED and logical_id not in stack.children
    ]
    evaluator = Evaluator(stacks, values, known_attributes, {**REFERENCES, **FUNCTIONS})
    refuse(_unused(values, stacks, evaluator))
    return Templates(tuple(notes), stacks, evaluator)


def _roots(paths: Sequence[Path], files: Files) -> tuple[list[Stack], list[str]]:
    """Read the stacks that are not nested in others, the last one of what is no template, and notes for the user."""
    stacks: dict[Path, Stack] = {}
    documents: dict[Path, Any] = {}
    contents = []
    for path in paths:
        own, others = read_stacks(path, files)
        stacks |= {stack.path.resolve(): stack for stack in own}
        documents |= {file.resolve(): document for file, document in others}
        contents.append((path, bool(own), [file.resolve() for file, _ in others]))
    conversion = convert(documents.items(), _mesh_names(stacks.values()))
    files.left_out += conversion.left_out
    unread = {file: found for file, each in documents.items() if (found := unread_terraform(each)) is not None}
    problems: list[str] = []
    for path, has_stack, at_path in contents:
        if not has_stack and conversion.understood.isdisjoint(at_path):
            states = [problem(file.name, *unread[file]) for file in at_path if file in unread]
            problems += states or [problem(str(path), _NOTHING, "no resource", _FIX)]
    refuse(problems)
    roots, notes = merged([*stacks.values()])
    addons = {file: each for file, each in documents.items() if file.name in ADDON_PARAMETERS}
    roots = [with_addon_parameters(stack, addons, notes) for stack in roots]
    for stack in roots:
        nest(stack, files)
    if conversion.files:
        first = next(iter(conversion.files.values()))
        name = first.name.split(".")[0]
        values = conversion.pseudo, conversion.secrets
        roots.insert(0, Stack(first, name, conversion.template, *values, files=conversion.files))
    notes += [problem(file.name, *found) for file, found in unread.items()]
    unknown = sorted(file.name for file in documents if file not in {*conversion.understood, *unread, *addons})
    if unknown:
        more = f" and {len(unknown) - _MAX_NAMED} more" if len(unknown) > _MAX_NAMED else ""
        notes.append(f"not understood: {', '.join(unknown[:_MAX_NAMED])}{more}")
    return roots, [*conversion.notes, *notes]


def _mesh_names(stacks: Iterable[Stack]) -> Iterator[str]:
    """Yield the names of meshes that templates declare, as far as they need no evaluation."""
    for stack in stacks:
        for resource in stack.section("Resources").values():
            name = resource.get("Properties", {}).get("MeshName")
            if resource["Type"] == "AWS::AppMesh::Mesh" and isinstance(name, str):
                yield name


def _too_many(stacks: Sequence[Stack]) -> Iterator[str]:
    count = sum(len(stack.section("Resources")) for stack in stacks)
    if count > MAX_RESOURCES:
        subject = stacks[0].path.name
        yield problem(subject, "and other templates have too many resources", count, f"at most {MAX_RESOURCES}")


def _unused(values: Mapping[str, str], stacks: Sequence[Stack], evaluator: Evaluator) -> list[str]:
    parameters = {name for stack in stacks for name in stack.section("Parameters")}
    resources = {logical_id for stack in stacks for logical_id in stack.section("Resources")}
    unknown = [
        name
        for name in values
        if name not in parameters
        and not name.startswith("AWS::")
        and not ("." in name and name.split(".")[0] in resources)
    ]
    # Names of imports are evaluated, which may need the other values.
    imports = imported_names(evaluator) if unknown else set()
    fix = f"parameters: {listed(parameters)}" + (f"; imports: {listed(imports)}" if imports else "")
    return [
        problem(f"value of {name!r}", "matches nothing in the templates", name, fix)
        for name in unknown
        if name not in imports
    ]
