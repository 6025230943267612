"""``color-mesh parity``: print the Envoy equivalent of each App Mesh property; and the page of all properties."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from color_mesh.appmesh.declared import DeclaredResource
from color_mesh.aws_json.app_mesh import cloudformation_spelling
from color_mesh.cli.sources import print_result, read_selected_meshes
from color_mesh.envoy import parity
from color_mesh.report import table


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    source, meshes = read_selected_meshes(options)
    names = {mesh.name for mesh in meshes}
    print_result(parity_table([each for each in source.resources if each.mesh_name in names]), source)
    return 0


def parity_table(resources: Sequence[DeclaredResource]) -> str:
    """Render, for each property of the resources, its Envoy equivalent or the reason why it is not supported."""
    rows = [
        (resource.place, path.split(".", 1)[1], _shortened(value), _outcome(path))
        for resource in resources
        for path, value in _leaves(resource)
    ]
    return table(("resource", "property", "value", "in Envoy"), rows)


def parity_page() -> str:
    """Render the documentation page that lists every property."""
    rows = "\n".join(
        f"| {_escaped(row.properties)} | {_escaped(row.envoy)} | {_escaped(row.unsupported or '–')} |"
        for row in parity.ROWS
    )
    return _PAGE.format(count=len(parity.rows_by_path()), rows=rows)


_PAGE = """# Parity with App Mesh

This table lists all {count} properties of the seven `AWS::AppMesh` resource types, with the equivalent of each in
Envoy's configuration. Braces contain alternatives. `color-mesh parity SOURCE` prints the rows for the properties of a
template. `make gold` writes this page from the table in `color_mesh/envoy/parity.py`, which the tests of the compiler
check.

| App Mesh property | Envoy configuration | not supported |
| --- | --- | --- |
{rows}
"""


def _leaves(resource: DeclaredResource) -> Iterator[tuple[str, Any]]:
    """Yield the properties that a resource sets, with their CloudFormation paths."""
    kind = cloudformation_spelling(resource.kind)

    def walk(path: str, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            for key, each in value.items():
                yield from walk(f"{path}.{cloudformation_spelling(key)}", each)
        elif isinstance(value, list):
            for each in value:
                yield from walk(f"{path}[]", each)
        else:
            yield path, value

    for path, value in walk(kind, resource.properties):
        if path in parity.rows_by_path():
            yield path, value


def _outcome(path: str) -> str:
    row = parity.rows_by_path()[path]
    return f"{row.envoy}; not supported {row.unsupported}" if row.unsupported else row.envoy


def _shortened(value: Any) -> str:
    text = str(value).replace("\n", "\\n")
    return text if len(text) <= 40 else f"{text[:37]}..."


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
