"""Arguments of all ``color-mesh`` commands."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn, TypeAlias

from color_mesh.local.plan.validity import VALID_DAYS
from color_mesh.local.run.aws.apis import APIS, OUTAGES
from color_mesh.local.run.propagation import CLOUD_MAP_DELAY_SECONDS, DNS_DELAY_SECONDS

KINDS = ("bootstrap", "listeners", "routes", "clusters", "files")
_TASK = "service, task family, virtual node, container, or the start of a task id"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with one line that names the problem, without the usage."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


_Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; exits with 2 if it is invalid.

    Returns:
        The options: ``command`` is the name of the command, ``rest`` the words after ``--``.
    """
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    parser = _parser()
    options, unknown = parser.parse_known_args(words[:end])
    options.rest = words[end + 1 :]
    if unknown and options.command == "exec":
        parser.error(f"unrecognized arguments: {unknown[0]}; write -- before a command that has options")
    if unknown or (options.rest and options.command != "exec"):
        parser.error(f"unrecognized arguments: {' '.join(unknown or options.rest)}")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="color-mesh",
        description="Show an App Mesh service mesh, compile it to Envoy configuration, run it on this machine, or "
        "migrate it to Envoys without App Mesh.",
    )
    parser.add_argument("--version", action="version", version=f"color-mesh {version('color-mesh')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    values = _Parser(add_help=False)
    values.add_argument(
        "--set",
        dest="values",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="value of a template parameter, of a pseudo parameter (AWS::Region), of an import (the name of the "
        "export), or of an attribute that is known only after deployment (Balancer.DNSName); can be repeated",
    )
    values.add_argument(
        "--parameters",
        action="append",
        default=[],
        metavar="FILE",
        help="parameter file of CloudFormation, in JSON; --set overrides it; can be repeated",
    )
    _add_mesh_commands(commands, values)
    _add_run_commands(commands, values)
    _add_change_commands(commands)
    return parser


def _add_mesh_commands(commands: _Commands, values: _Parser) -> None:
    """Add the commands that read a mesh from templates."""
    source = _Parser(add_help=False, parents=[values])
    source.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="cloud assembly (cdk.out), CloudFormation template, JSON of the AWS CLI, Terraform state or "
        "`terraform show -json`, or folder of these; templates that refer to each other are one stack",
    )
    source.add_argument("--mesh", metavar="NAME", help="mesh to use, if the source has several")
    _add(commands, "show", "print the mesh as tables", source)
    analyze = _add(commands, "analyze", "print findings about a mesh that will not do what was meant", source)
    analyze.add_argument("--format", choices=("text", "json", "sarif"), default="text", help="default: text")
    analyze.add_argument(
        "--severity",
        choices=("error", "warning", "note"),
        default="error",
        help="exit with 1 if there is a finding of this severity or above (default: error)",
    )
    analyze.add_argument(
        "--suppress",
        dest="suppressed",
        action="append",
        default=[],
        metavar="ID=REASON",
        help="leave out the findings of a rule, for a reason; can be repeated",
    )
    _add(commands, "parity", "print the Envoy equivalent of each App Mesh property", source)

    envoy = _add(commands, "compile", "print the configuration of one Envoy as JSON", source)
    part = envoy.add_mutually_exclusive_group(required=True)
    part.add_argument("--node", metavar="NAME", help="virtual node of the Envoy")
    part.add_argument("--gateway", metavar="NAME", help="virtual gateway of the Envoy")
    envoy.add_argument("--kind", choices=KINDS, default="bootstrap", help="part to print (default: bootstrap)")
    envoy.add_argument(
        "--interception",
        choices=("transparent", "loopback"),
        default="transparent",
        help="transparent: traffic is redirected to ports 15000 and 15001 (default); loopback: each backend has a "
        "loopback address at which Envoy listens",
    )
    envoy.add_argument(
        "--watch",
        metavar="FOLDER",
        help="folder of files that Envoy watches for listeners, routes, clusters and endpoints (see --kind files); "
        "default: static configuration, endpoints by DNS",
    )
    envoy.add_argument("--sds-socket", metavar="PATH", help="Unix socket of a Secret Discovery Service")

    certificates = _add(
        commands, "certificates", "issue the certificates of a mesh, to be stored in AWS Secrets Manager", source
    )
    certificates.add_argument(
        "--node",
        dest="nodes",
        action="append",
        default=[],
        metavar="NAME",
        help="node or gateway to issue a certificate for; can be repeated (default: all)",
    )
    certificates.add_argument(
        "--out",
        default="certificates",
        metavar="FOLDER",
        help="folder of the authority and the certificates; one that exists is renewed (default: certificates)",
    )
    certificates.add_argument("--days", type=int, default=365, help="days until the certificates expire (default: 365)")

    migrate = _add(commands, "migrate", "write a CDK app with the same mesh, on Envoys without App Mesh", source)
    migrate.add_argument("--out", metavar="FOLDER", help="new folder of the app (default: the name of the mesh)")


def _add_run_commands(commands: _Commands, values: _Parser) -> None:
    """Add the commands that run a mesh on this machine and show the running mesh."""
    up = _add(commands, "up", "run a cloud assembly on this machine, with real Envoys", values)
    up.add_argument(
        "source",
        nargs="*",
        default=["cdk.out"],
        metavar="SOURCE",
        help="cloud assembly, templates, JSON of the AWS CLI, or Terraform state (default: cdk.out)",
    )
    up.add_argument(
        "--image",
        dest="images",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="program to run in place of an image; overrides color-mesh.json; can be repeated",
    )
    up.add_argument("--port", type=int, default=8080, help="port of the gateway on this machine (default: 8080)")
    up.add_argument(
        "--dns-delay",
        type=int,
        default=DNS_DELAY_SECONDS,
        metavar="SECONDS",
        help=f"delay until DNS answers change when tasks start or stop, 0 to 120 (default: {DNS_DELAY_SECONDS})",
    )
    up.add_argument(
        "--cloud-map-delay",
        type=int,
        default=CLOUD_MAP_DELAY_SECONDS,
        metavar="SECONDS",
        help="delay until the API of Cloud Map has a change when tasks start or stop, 0 to 120 "
        f"(default: {CLOUD_MAP_DELAY_SECONDS})",
    )
    up.add_argument("--plan", action="store_true", help="print the services that would run, without running them")

    _add(commands, "down", "stop the running mesh")
    _add(commands, "status", "print services, tasks and containers with their status and health")
    _add(commands, "watch", "print the requests between services, and their failures, every second")

    traces = _add(commands, "traces", "print recent traces as trees, with times and errors")
    traces.add_argument("--count", type=int, default=5, help="number of traces (default: 5)")

    exec_command = _add(commands, "exec", "run a command in a container")
    exec_command.add_argument("target", metavar="TASK", help=_TASK)
    exec_command.add_argument("--container", metavar="NAME", help="container of the task (default: the application)")
    exec_command.add_argument(
        "arguments",
        nargs="*",
        metavar="COMMAND",
        help="such as: curl localhost; write -- before a command that has options, as in: -- curl -s localhost",
    )

    logs = _add(commands, "logs", "print the logs of a task's containers")
    logs.add_argument("target", metavar="TASK", help=_TASK)
    logs.add_argument("-f", "--follow", action="store_true", help="wait for new lines and print them")

    hits = _add(commands, "hits", "send GET requests and print a histogram of the responses")
    hits.add_argument("url", metavar="URL", help="such as http://localhost:8080/router")
    hits.add_argument("--count", type=int, default=100, help="number of requests (default: 100)")


def _add_change_commands(commands: _Commands) -> None:
    """Add the commands that change a running mesh, or what it depends on."""
    parts = _add(
        commands, "set", "change a route or a virtual node of the running mesh, until it stops or its templates change"
    ).add_subparsers(dest="part", required=True, metavar="PART")
    route = _add(parts, "route", "change the targets and weights of a route")
    route.add_argument("name", metavar="ROUTE", help="name of the route")
    route.add_argument("weights", metavar="NODE=WEIGHT,...", help="such as green=4,yellow=1")
    node = _add(parts, "node", "change the backends of a virtual node")
    node.add_argument("name", metavar="NODE", help="name of the virtual node")
    node.add_argument(
        "--backends", required=True, metavar="SERVICE,...", help="virtual services, such as router,blue; '' for none"
    )
    fail = _add(commands, "fail", "let an API of AWS fail in the running mesh")
    fail.add_argument("api", choices=APIS, metavar="API", help=", ".join(APIS))
    fail.add_argument("kind", choices=OUTAGES, metavar="FAILURE", help=", ".join(OUTAGES))
    heal = _add(commands, "heal", "let an API of AWS work again in the running mesh")
    heal.add_argument("api", choices=APIS, metavar="API", help=", ".join(APIS))
    renew = _add(commands, "renew", "replace certificates of the running mesh by new ones, as ACM renews them")
    renew.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="ARN, name of a secret, or DNS name of the certificate (default: all certificates)",
    )
    renew.add_argument(
        "--days",
        type=int,
        default=VALID_DAYS,
        help=f"days until the new certificates expire, 0 for expired ones (default: {VALID_DAYS})",
    )


def _add(commands: _Commands, name: str, help: str, *parents: _Parser) -> _Parser:
    """Add a command whose own help begins with the text that the list of commands has."""
    return commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.", parents=parents)
