"""What the commands do that read a mesh: its tables, the configurations of its Envoys, and its migration."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from color_mesh.appmesh.source import Source, read_source
from color_mesh.cli.local_commands import parse_values
from color_mesh.cli.parity import parity_table
from color_mesh.envoy import Configuration, DnsEndpoints, FileEndpoints, Loopback, Transparent, configure
from color_mesh.migration.migration import REPORT, migrate, write_files
from color_mesh.migration.report import TITLES, summary, told
from color_mesh.model import Mesh, MeshError, VirtualGateway, VirtualNode
from color_mesh.model.checks import check_known
from color_mesh.model.errors import problem, refuse
from color_mesh.report import mesh_table


def inspect(command: str, options: argparse.Namespace) -> str:
    """Read the source that the options name, and write what the command is asked for.

    Raises:
        MeshError: With everything that is wrong with the source or the options.
    """
    source = read_source([Path(path) for path in options.source], parse_values(options.values))
    text = _COMMANDS[command](source, options)
    for note in source.notes:
        print(f"note: {note}", file=sys.stderr)
    return text


def _show(source: Source, options: argparse.Namespace) -> str:
    return "\n\n".join(mesh_table(mesh) for mesh in _chosen(source, options))


def _parity(source: Source, options: argparse.Namespace) -> str:
    names = {mesh.name for mesh in _chosen(source, options)}
    return parity_table([resource for resource in source.resources if resource.mesh_name in names])


def _compile(source: Source, options: argparse.Namespace) -> str:
    mesh = _one(source, options)
    configuration = configure(
        mesh,
        _part(mesh, options),
        interception=Loopback() if options.interception == "loopback" else Transparent(),
        endpoints=FileEndpoints(directory=os.path.abspath(options.watch)) if options.watch else DnsEndpoints(),
        sds_socket=options.sds_socket,
    )
    return json.dumps(_of_kind(configuration, options.kind), indent=2)


def _migrate(source: Source, options: argparse.Namespace) -> str:
    mesh = _one(source, options)
    migration = migrate(source, mesh)
    folder = Path(options.out or mesh.name)
    said = shlex.join([*options.source, *(word for value in options.values for word in ("--set", value))])
    write_files(folder, migration.files(said, source.notes))
    lines = [f"{folder}: a CDK app with {summary(migration.carried, migration.workloads)}"]
    for kind, title in TITLES.items():
        found = [f"  {each}" for each in told(migration.findings, kind)]
        lines += [f"{title}:", *found] if found else []
    return "\n".join((*lines, f"{folder / REPORT} says it all. Next: cd {shlex.quote(str(folder))} && cdk synth"))


def _one(source: Source, options: argparse.Namespace) -> Mesh:
    meshes = _chosen(source, options)
    if len(meshes) > 1:
        names = ", ".join(mesh.name for mesh in meshes)
        raise MeshError([problem("--mesh", "the source has several meshes", None, f"one of: {names}")])
    return meshes[0]


def _chosen(source: Source, options: argparse.Namespace) -> tuple[Mesh, ...]:
    if options.mesh is None:
        return source.meshes
    refuse(check_known("--mesh", "mesh", options.mesh, [mesh.name for mesh in source.meshes]))
    return tuple(mesh for mesh in source.meshes if mesh.name == options.mesh)


def _part(mesh: Mesh, options: argparse.Namespace) -> VirtualNode | VirtualGateway:
    if options.node is not None:
        refuse(check_known("--node", "virtual node", options.node, [node.name for node in mesh.nodes]))
        return mesh.node(options.node)
    refuse(check_known("--gateway", "virtual gateway", options.gateway, [each.name for each in mesh.gateways]))
    return mesh.gateway(options.gateway)


def _of_kind(configuration: Configuration, kind: str) -> Any:
    return getattr(configuration, kind)


_COMMANDS: Mapping[str, Callable[[Source, argparse.Namespace], str]] = {
    "show": _show,
    "parity": _parity,
    "compile": _compile,
    "migrate": _migrate,
}
