"""Stacks: templates with their parameters, from files, folders and cloud assemblies."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from color_mesh.cloudformation.files import Files
from color_mesh.cloudformation.load import is_template
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

T = TypeVar("T")

NESTED = "AWS::CloudFormation::Stack"
MAX_NESTED = 200
MAX_STACKS = 1000
_MAX_PARTS = 8  # Of a URL's path.
MAX_RESOURCES = 500  # AWS CloudFormation User Guide, Understand CloudFormation quotas: resources of a template.
MAX_MANIFEST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A stack.

    Attributes:
        path: File of the template.
        name: Name of the stack.
        document: Template.
        pseudo: Values of pseudo parameters, as far as they are known.
        parameters: Values of parameters in the cloud assembly, or of secrets in a Terraform state.
        parent: Parent stack, and logical id of this stack in it, if this stack is nested.
        children: Nested stacks by logical id, as far as their templates were found.
        files: Files of resources and of names such as ``Outputs.Url``, if the stack has several. Default: ``path``.
    """

    path: Path
    name: str
    document: Mapping[str, Any] = field(repr=False)
    pseudo: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    parent: "tuple[Stack, str] | None" = None
    children: "dict[str, Stack]" = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict, repr=False)

    def section(self, name: str) -> Mapping[str, Any]:
        """Return a section of the template, an object of objects."""
        section: Mapping[str, Any] = self.document.get(name, {})
        return section

    def file(self, name: str) -> Path:
        """Return the file of a resource, or of a name in another section, such as ``Outputs.Url``."""
        return self.files.get(name, self.path)

    def place(self, name: str) -> str:
        """Return the place of a resource, or of a name in another section, in error messages."""
        return f"{self.file(name).name}: {name}"

    def is_secret(self, parameter: str) -> bool:
        """Return whether a parameter has ``NoEcho`` (CloudFormation User Guide, *Parameters*)."""
        return str(self.section("Parameters")[parameter].get("NoEcho", "")).lower() == "true"


def read_stacks(path: Path, files: Files) -> tuple[list[Stack], list[tuple[Path, Any]]]:
    """Read the stacks at a path: a template, a folder of templates, or a cloud assembly; without nested stacks.

    Returns:
        The stacks, and the documents of files that are no templates.

    Raises:
        MeshError: If a file cannot be read.
    """
    if path.is_dir() and _is_assembly(path / "manifest.json", files):
        return _read_assembly(path, files, set()), []
    documents = files.documents(path) if path.is_dir() else [(path, files.document(path))]
    stacks, others = [], []
    for file, declared in documents:
        # The answer of `aws cloudformation get-template` has the template as a part.
        document = declared["TemplateBody"] if isinstance(declared, dict) and "TemplateBody" in declared else declared
        if is_template(document):
            stack = Stack(file, file.stem if path.is_dir() else file.name.split(".")[0], document)
            _check(stack)
            stacks.append(stack)
        else:
            others.append((file, document))
    return stacks, others


def with_nested(stack: Stack) -> list[Stack]:
    """Return a stack and all stacks nested in it."""
    return [stack, *(each for child in stack.children.values() for each in with_nested(child))]


def _is_assembly(manifest: Path, files: Files) -> bool:
    """Return whether a file is the manifest of a cloud assembly: other programs have files of this name too."""
    document = files.document(manifest, MAX_MANIFEST_BYTES) if manifest.exists() else None
    return isinstance(document, dict) and "artifacts" in document


def _read_assembly(folder: Path, files: Files, read: set[Path], above: tuple[Path, ...] = ()) -> list[Stack]:
    """Read the stacks of a cloud assembly and of those nested in it, except of those in ``read``."""
    file = folder / "manifest.json"
    manifest = files.load(file, MAX_MANIFEST_BYTES)
    if folder.resolve() in above:
        raise MeshError([problem(str(file), "is nested in itself", str(folder), "nest another cloud assembly")])
    if folder.resolve() in read:
        return []
    read.add(folder.resolve())
    stacks: list[Stack] = []
    for name, artifact in _object(manifest.get("artifacts", {}), f"{file}: artifacts").items():
        place = f"{file}: artifacts.{name}"
        kind = _object(artifact, place).get("type")
        properties = _object(artifact.get("properties", {}), f"{place}.properties")
        if kind == "cdk:cloud-assembly":
            nested = folder / _text(properties.get("directoryName"), f"{place}.properties.directoryName")
            stacks += _read_assembly(nested, files, read, (*above, folder.resolve()))
        elif kind == "aws:cloudformation:stack":
            template = folder / _text(properties.get("templateFile"), f"{place}.properties.templateFile")
            stack_name = str(properties.get("stackName") or template.name.split(".")[0])
            pseudo = _environment(str(artifact.get("environment", "")))
            # Values that the CDK sets, such as the locations of assets.
            parameters = _object(properties.get("parameters", {}), f"{place}.properties.parameters")
            stack = Stack(template, stack_name, files.load(template), pseudo, parameters)
            _check(stack)
            stacks.append(stack)
        if len(stacks) > MAX_STACKS:
            raise MeshError([problem(str(file), "has too many stacks", f"more than {MAX_STACKS}", "deploy fewer")])
    return stacks


def _environment(environment: str) -> dict[str, str]:
    account, _, region = environment.removeprefix("aws://").partition("/")
    known = {"AWS::AccountId": account, "AWS::Region": region}
    return {name: value for name, value in known.items() if value and not value.startswith("unknown-")}


def nest(stack: Stack, files: Files) -> None:
    """Read the nested stacks of a stack, as far as their templates are found.

    Raises:
        MeshError: If a template cannot be read, is nested in itself, or has too many below it.
    """
    for logical_id, resource in stack.section("Resources").items():
        file = _nested_template(stack.file(logical_id), resource) if resource["Type"] == NESTED else None
        if file is not None:
            _check_nesting(stack, file)
            name = f"{stack.name}-{logical_id}"
            child = Stack(file, name, files.load(file), stack.pseudo, parent=(stack, logical_id))
            stack.children[logical_id] = child
            _check(child)
            nest(child, files)


def _check(stack: Stack) -> None:
    file = stack.path.name
    for section in ("Conditions", "Mappings", "Outputs", "Parameters"):
        for name, each in _object(stack.section(section), f"{file}: {section}").items():
            _object(each, f"{file}: {section}.{name}")
    resources = _object(stack.section("Resources"), f"{file}: Resources")
    if len(resources) > MAX_RESOURCES:
        raise MeshError([problem(file, "has too many resources", len(resources), f"at most {MAX_RESOURCES}")])
    for logical_id, resource in resources.items():
        place = f"{file}: {logical_id}"
        _text(_object(resource, place).get("Type"), f"{place}.Type")
        for key in ("Properties", "Metadata"):
            _object(resource.get(key, {}), f"{place}.{key}")


def _object(value: Any, subject: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MeshError([problem(subject, "is not an object", value, "keys and values")])
    return value


def _text(value: Any, subject: str) -> str:
    if not isinstance(value, str):
        raise MeshError([problem(subject, "is not text", value, "text, which is required")])
    return value


def _check_nesting(stack: Stack, file: Path) -> None:
    above = [stack]
    while above[-1].parent is not None:
        above.append(above[-1].parent[0])
    if file.resolve() in [each.path.resolve() for each in above]:
        raise MeshError([problem(stack.path.name, "is nested in itself", file.name, "nest another template")])
    if len(with_nested(above[-1])) > MAX_NESTED:
        got = f"more than {MAX_NESTED}"
        raise MeshError([problem(above[-1].path.name, "has too many nested stacks", got, "nest fewer")])


def _nested_template(path: Path, resource: Mapping[str, Any]) -> Path | None:
    """Return the template file of a nested stack: the CDK's asset, or a file at or below the folder of its parent."""
    metadata = resource.get("Metadata", {})
    asset = metadata.get("aws:asset:path") if isinstance(metadata, dict) else None
    url = resource.get("Properties", {}).get("TemplateURL")
    for name in (asset, url):
        if isinstance(name, str) and "://" not in name and os.path.isfile(path.parent / name):
            return path.parent / name
    names = _last_parts(url)
    return next((path.parent / name for name in names if os.path.isfile(path.parent / name)), None)


def _last_parts(url: Any) -> Iterator[str]:
    """Yield the end of a URL as paths, the longest first: ``a/b.yaml`` and ``b.yaml`` of ``https://${Bucket}/a/b.yaml``.

    The beginning may have parameters without values.
    """
    match url:
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), *_]} | str(text):
            pass
        case {"Fn::Join": [str(delimiter), [*values]]}:
            text = delimiter.join(each if isinstance(each, str) else "${}" for each in values)
        case _:
            return
    parts = text.partition("?")[0].split("/")[-_MAX_PARTS:]
    while parts:
        if all(part not in ("", ".", "..") and "${" not in part and "\0" not in part for part in parts):
            yield "/".join(parts)
        parts = parts[1:]
