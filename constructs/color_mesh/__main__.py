"""The ``color-mesh`` command: what a mesh is, what each of its Envoys is given, and the mesh on this machine."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from color_mesh.cli.local_commands import add_commands
from color_mesh.model import MeshError

KINDS = ("bootstrap", "listeners", "routes", "clusters", "files")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0, or 1 when something is wrong with the input. What is wrong with the command itself ends it
        with 2.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # What follows is not for this command, but for the one that it runs.
    end = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:end], argparse.Namespace(rest=words[end + 1 :]))
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
    show.set_defaults(run=_reading("show"))
    parity = commands.add_parser("parity", parents=[source], help="print what each property becomes in Envoy")
    parity.set_defaults(run=_reading("parity"))
    compiling = commands.add_parser("compile", parents=[source], help="print the configuration of one Envoy, as JSON")
    compiling.set_defaults(run=_reading("compile"))
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
    migrating = commands.add_parser(
        "migrate", parents=[source], help="write a CDK app with the same mesh, on Envoys that need no App Mesh"
    )
    migrating.add_argument("--out", metavar="FOLDER", help="where to write it, a new folder (default: the mesh's name)")
    migrating.set_defaults(run=_reading("migrate"))
    add_commands(commands)
    return parser


def _reading(work: str) -> Callable[[argparse.Namespace], int]:
    """Let a command have what it needs only when it runs: others start sooner."""

    def run(options: argparse.Namespace) -> int:
        from color_mesh.cli import mesh_commands

        print(mesh_commands.inspect(work, options))
        return 0

    return run


if __name__ == "__main__":
    sys.exit(main())
