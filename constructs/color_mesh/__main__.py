"""The ``color-mesh`` command: what a mesh is, what each of its Envoys is given, and the mesh on this machine."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from color_mesh.appmesh.source import Source, read_source
from color_mesh.envoy import Configuration, DnsEndpoints, FileEndpoints, Loopback, Transparent, configure
from color_mesh.local.commands import add_commands, parse_values
from color_mesh.model import Mesh, MeshError, VirtualGateway, VirtualNode
from color_mesh.model.checks import check_known
from color_mesh.model.errors import problem, refuse
from color_mesh.report import mesh_table, parity_table

KINDS = ("bootstrap", "listeners", "routes", "clusters", "files")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0, or 1 when something is wrong with the input. What is wrong with the command itself ends it
        with 2.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except MeshError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0  # Whoever follows or watches has seen enough.
    except BrokenPipeError:
        # So has whoever reads, such as `head`. Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="color-mesh",
        description="Read a service mesh from CloudFormation, compile it to Envoy's configuration, and run it on this "
        "machine.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="a cloud assembly (cdk.out), CloudFormation templates, or a folder of either, or of the AWS CLI's JSON",
    )
    source.add_argument(
        "--set",
        dest="values",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="the value of a template's parameter, of a pseudo parameter (AWS::Region), or of an attribute that only "
        "a deployment knows (Balancer.DNSName); may be given several times",
    )
    source.add_argument("--mesh", metavar="NAME", help="which mesh, when the source has several")

    show = commands.add_parser("show", parents=[source], help="print the mesh as a table")
    show.set_defaults(run=_reading(_show))
    parity = commands.add_parser("parity", parents=[source], help="print what each property becomes in Envoy")
    parity.set_defaults(run=_reading(_parity))
    compiling = commands.add_parser("compile", parents=[source], help="print the configuration of one Envoy, as JSON")
    compiling.set_defaults(run=_reading(_compile))
    part = compiling.add_mutually_exclusive_group(required=True)
    part.add_argument("--node", metavar="NAME", help="that of a virtual node")
    part.add_argument("--gateway", metavar="NAME", help="that of a virtual gateway")
    compiling.add_argument("--kind", choices=KINDS, default="bootstrap", help="one part of it (default: all of it)")
    compiling.add_argument(
        "--interception",
        choices=("transparent", "loopback"),
        default="transparent",
        help="how traffic reaches Envoy: redirected, on ports 15000 and 15001 (the default), or at one loopback "
        "address a backend",
    )
    compiling.add_argument(
        "--watch",
        metavar="FOLDER",
        help="take everything that changes from files in this folder, which Envoy watches, and endpoints too; without "
        "it endpoints are found by DNS. `--kind files` prints the files by name",
    )
    compiling.add_argument("--sds-socket", metavar="PATH", help="the Unix socket of a Secret Discovery Service")
    add_commands(commands)
    return parser


def _reading(work: Callable[[Source, argparse.Namespace], str]) -> Callable[[argparse.Namespace], int]:
    """Let a command have the source that its arguments name."""

    def run(options: argparse.Namespace) -> int:
        source = read_source([Path(path) for path in options.source], parse_values(options.values))
        text = work(source, options)
        for note in source.notes:
            print(f"note: {note}", file=sys.stderr)
        print(text)
        return 0

    return run


def _show(source: Source, options: argparse.Namespace) -> str:
    return "\n\n".join(mesh_table(mesh) for mesh in _chosen(source, options))


def _parity(source: Source, options: argparse.Namespace) -> str:
    names = {mesh.name for mesh in _chosen(source, options)}
    return parity_table([resource for resource in source.resources if resource.mesh_name in names])


def _compile(source: Source, options: argparse.Namespace) -> str:
    meshes = _chosen(source, options)
    if len(meshes) > 1:
        names = ", ".join(mesh.name for mesh in meshes)
        raise MeshError([problem("--mesh", "the source has several meshes", None, f"one of: {names}")])
    configuration = configure(
        meshes[0],
        _part(meshes[0], options),
        interception=Loopback() if options.interception == "loopback" else Transparent(),
        endpoints=FileEndpoints(directory=os.path.abspath(options.watch)) if options.watch else DnsEndpoints(),
        sds_socket=options.sds_socket,
    )
    return json.dumps(_of_kind(configuration, options.kind), indent=2)


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


if __name__ == "__main__":
    sys.exit(main())
