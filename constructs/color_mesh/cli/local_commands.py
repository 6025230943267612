"""The commands that run a mesh on this machine, and those that ask a running one."""

import argparse
from pathlib import Path
from typing import Any

from color_mesh.local.run.propagation import DNS_DELAY_SECONDS
from color_mesh.model.errors import problem, refuse


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to those of the command line."""
    starting = commands.add_parser("up", help="run a cloud assembly on this machine, with real Envoys")
    starting.add_argument("source", nargs="*", default=["cdk.out"], metavar="SOURCE", help="(default: cdk.out)")
    starting.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="the program that stands in for an image; may be given several times",
    )
    starting.add_argument("--port", type=int, default=8080, help="of this machine, for the gateway (default: 8080)")
    starting.add_argument(
        "--set", dest="values", action="append", default=[], metavar="NAME=VALUE", help="as of the other commands"
    )
    starting.add_argument(
        "--dns-delay",
        type=int,
        default=DNS_DELAY_SECONDS,
        metavar="SECONDS",
        help=f"how long DNS takes to hear of tasks that come and go, 0 to 120 (default: {DNS_DELAY_SECONDS})",
    )
    starting.add_argument("--plan", action="store_true", help="print what would run, and run nothing")
    starting.set_defaults(run=_up)

    commands.add_parser("down", help="end the mesh that runs").set_defaults(run=_down)
    commands.add_parser("status", help="print its tasks and how they are").set_defaults(run=_status)
    commands.add_parser("watch", help="print every second who calls whom, and what fails").set_defaults(run=_watch)

    executing = commands.add_parser("exec", help="run a command in a container of it")
    executing.add_argument("target", metavar="TASK", help="a service, node, container or task")
    executing.add_argument("--container", metavar="NAME", help="which container (default: the application)")
    executing.add_argument(
        "arguments",
        nargs="*",
        metavar="COMMAND",
        help="such as: curl localhost; options of it follow a --, as in: -- curl -s localhost",
    )
    executing.set_defaults(run=_exec)

    logging = commands.add_parser("logs", help="print the logs of its containers")
    logging.add_argument("target", metavar="TASK", help="a service, node, container or task")
    logging.add_argument("-f", "--follow", action="store_true", help="go on with what is added")
    logging.set_defaults(run=_logs)

    hitting = commands.add_parser("hits", help="send requests, and print a histogram of the answers")
    hitting.add_argument("url", metavar="URL")
    hitting.add_argument("--count", type=int, default=100, help="how many (default: 100)")
    hitting.set_defaults(run=_hits)

    setting = commands.add_parser("set", help="change the running mesh").add_subparsers(required=True, metavar="WHAT")
    route = setting.add_parser("route", help="the targets and weights of a route")
    route.add_argument("name", metavar="ROUTE")
    route.add_argument("weights", metavar="NODE=WEIGHT,...", help="such as green=4,yellow=1")
    route.set_defaults(run=_set_route)
    node = setting.add_parser("node", help="the backends of a virtual node")
    node.add_argument("name", metavar="NODE")
    node.add_argument("--backends", required=True, metavar="SERVICE,...", help="such as router,blue; empty for none")
    node.set_defaults(run=_set_node)


def parse_values(given: list[str]) -> dict[str, str]:
    """Read ``NAME=VALUE`` pairs.

    Raises:
        MeshError: With every pair that is none.
    """
    refuse(
        problem("--set", "has no value", each, "such as --set AWS::Region=eu-west-1")
        for each in given
        if "=" not in each
    )
    return dict(each.split("=", 1) for each in given)


def _up(options: argparse.Namespace) -> int:
    from color_mesh.cli.images import read_images
    from color_mesh.cli.plan_table import plan_table
    from color_mesh.local.plan.assembly import read_plan
    from color_mesh.local.run.up import up

    paths = [Path(path) for path in options.source]
    images = read_images(paths, options.image)
    values = parse_values(options.values)
    if options.plan:
        print(plan_table(read_plan(paths, images, values)))
        return 0
    return up(paths, images, values, options.port, options.dns_delay)


def _down(_options: argparse.Namespace) -> int:
    from color_mesh.local.client.connection import down

    print("The mesh has ended." if down() else "No mesh runs from here.")
    return 0


def _status(_options: argparse.Namespace) -> int:
    from color_mesh.local.client.connection import request, status_text

    print(status_text(request({"command": "status"})))
    return 0


def _exec(options: argparse.Namespace) -> int:
    from color_mesh.local.client.connection import execute

    arguments = [*options.arguments, *options.rest]
    if not arguments:
        refuse(
            [problem("exec", "has no command", None, f"such as: color-mesh exec {options.target} -- curl localhost")]
        )
    return execute(options.target, options.container, arguments)


def _logs(options: argparse.Namespace) -> int:
    from color_mesh.local.client.connection import logs

    return _print_all(logs(options.target, options.follow))


def _watch(_options: argparse.Namespace) -> int:
    from color_mesh.local.client.watch import watch

    return _print_all(watch())


def _hits(options: argparse.Namespace) -> int:
    from color_mesh.local.client.hits import histogram, hits, parse_url

    if options.count < 1:
        refuse([problem("--count", "out of range", options.count, "1 or more")])
    answers, seconds = hits(parse_url(options.url), options.count)
    _print_all(histogram(answers, seconds))
    return 1 if any(answer.startswith("failed") for answer in answers) else 0


def _set_route(options: argparse.Namespace) -> int:
    weights = [each.partition("=") for each in options.weights.split(",")]
    refuse(
        problem(f"set route {options.name}", "has no weight", "".join(each), "such as green=4,yellow=1")
        for each in weights
        if not (each[0] and each[2].isdigit())
    )
    return _set({"what": "route", "name": options.name, "weights": {name: int(weight) for name, _, weight in weights}})


def _set_node(options: argparse.Namespace) -> int:
    backends = [each.strip() for each in options.backends.split(",") if each.strip()]
    return _set({"what": "node", "name": options.name, "backends": backends})


def _set(change: Any) -> int:
    from color_mesh.local.client.connection import request

    request({"command": "set", **change})
    print(f"{change['what']} {change['name']} is changed, until the templates change or the mesh ends.")
    return 0


def _print_all(lines: Any) -> int:
    for line in lines:
        print(line, flush=True)
    return 0
