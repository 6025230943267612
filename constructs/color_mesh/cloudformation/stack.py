"""A template together with what its parameters are: a stack as it would be deployed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from color_mesh.cloudformation.load import is_template, load
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Hold a template and where it would be deployed.

    Attributes:
        path: The template's file.
        name: The stack's name.
        document: The template.
        pseudo: Pseudo parameters that are known.
        parameters: Values of its parameters, from whoever deploys it.
        parent: The stack that it is nested in.
        children: Those nested in it, by their logical ids, as far as their templates are at hand.
    """

    path: Path
    name: str
    document: Mapping[str, Any]
    pseudo: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parent: "tuple[Stack, str] | None" = None
    children: "dict[str, Stack]" = field(default_factory=dict)

    def section(self, name: str) -> Mapping[str, Any]:
        """Find a section of the template, an object of objects."""
        found = self.document.get(name, {})
        if not isinstance(found, dict):
            raise MeshError([problem(f"{self.path.name}: {name}", "is no object", found, "keys and values")])
        return found


def stacks_of(path: Path) -> list[Stack]:
    """Find the stacks at a path: a template, a folder of templates, or a cloud assembly.

    Raises:
        MeshError: When there is none, or one cannot be read.
    """
    if path.is_dir() and (path / "manifest.json").exists():
        found = _assembled(path)
        wrong = "holds no stack"
    elif path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in (".json", ".yaml", ".yml", ".template"))
        documents = [(file, load(file)) for file in files]
        found = [_stack(file, document, file.stem) for file, document in documents if is_template(document)]
        wrong = "holds no template"
    else:
        document = load(path)
        found = [_stack(path, document, path.name.split(".")[0])] if is_template(document) else []
        wrong = "is no template"
    if not found:
        fix = "a cloud assembly such as cdk.out, CloudFormation templates, or a folder of them"
        raise MeshError([problem(str(path), wrong, "no Resources", fix)])
    return found


def _assembled(folder: Path) -> list[Stack]:
    manifest = load(folder / "manifest.json", max_bytes=100_000_000)
    stacks = []
    for artifact in manifest.get("artifacts", {}).values():
        properties = artifact.get("properties", {})
        if artifact.get("type") == "cdk:cloud-assembly":
            stacks += _assembled(folder / properties["directoryName"])
        elif artifact.get("type") == "aws:cloudformation:stack":
            file = folder / properties["templateFile"]
            name = properties.get("stackName") or file.name.split(".")[0]
            pseudo = _environment(artifact.get("environment", ""))
            # The CDK's own parameters are for the assets of whoever deploys.
            stacks.append(_stack(file, load(file), name, pseudo, properties.get("parameters", {})))
    return stacks


def _environment(environment: str) -> dict[str, str]:
    account, _, region = environment.removeprefix("aws://").partition("/")
    known = {"AWS::AccountId": account, "AWS::Region": region}
    return {name: value for name, value in known.items() if value and not value.startswith("unknown-")}


def _stack(
    path: Path,
    document: Mapping[str, Any],
    name: str,
    pseudo: Mapping[str, str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    parent: tuple[Stack, str] | None = None,
) -> Stack:
    stack = Stack(path, name, document, pseudo or {}, parameters or {}, parent)
    _check_resources(stack)
    for logical_id, resource in stack.section("Resources").items():
        file = _nested_template(path, resource) if resource["Type"] == NESTED else None
        if file is not None:
            _check_nesting(stack, file)
            stack.children[logical_id] = _stack(
                file, load(file), f"{name}-{logical_id}", stack.pseudo, parent=(stack, logical_id)
            )
    return stack


def _check_resources(stack: Stack) -> None:
    for logical_id, resource in stack.section("Resources").items():
        place = f"{stack.path.name}: {logical_id}"
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise MeshError([problem(place, "is no resource", resource, "it needs a Type")])
        if not isinstance(resource.get("Properties", {}), dict):
            raise MeshError([problem(f"{place}.Properties", "is no object", resource["Properties"], "keys and values")])


def _check_nesting(stack: Stack, file: Path) -> None:
    above: Stack | None = stack
    while above is not None:
        if above.path.resolve() == file.resolve():
            raise MeshError([problem(f"{stack.path.name}", "is nested in itself", file.name, "nest another template")])
        above = above.parent[0] if above.parent else None


def _nested_template(path: Path, resource: Mapping[str, Any]) -> Path | None:
    """Find the template of a nested stack: where the CDK says that it put it, or beside its parent."""
    metadata = resource.get("Metadata", {})
    asset = metadata.get("aws:asset:path") if isinstance(metadata, dict) else None
    url = resource.get("Properties", {}).get("TemplateURL")
    for name in (asset, url):
        if isinstance(name, str) and "://" not in name and (path.parent / name).is_file():
            return path.parent / name
    return None
