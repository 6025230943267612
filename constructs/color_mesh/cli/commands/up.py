"""``color-mesh up``: run a cloud assembly on this machine, or print what would run."""

import argparse
import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from color_mesh.cli.images import read_images
from color_mesh.cli.sources import given_values
from color_mesh.local.plan.assembly import Plan, read_plan
from color_mesh.local.plan.diagnosis import warnings
from color_mesh.model.errors import printable
from color_mesh.report import table


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    hide_values(options.values)
    paths = [Path(path) for path in options.source]
    images, values = read_images(paths, options.images), given_values(options)
    if options.plan:
        plan = read_plan(paths, images, values)
        print(plan.without_secrets(plan_table(plan)))
        return 0
    # Imported here because `--plan` works without the packages of the extra `local`.
    from color_mesh.local.run.up import up

    return up(paths, images, values, options.port, options.dns_delay, options.cloud_map_delay)


def hide_values(options: Sequence[str]) -> None:
    """Overwrite values of ``--set`` in the arguments of this process, which all users of the machine may read.

    Args:
        options: Values of ``--set``: ``NAME=VALUE``.
    """
    try:
        # proc(5), /proc/pid/stat: the fields after the name of the program begin with the third.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return  # There is no such file but on Linux.
    position, end = int(fields[48 - 3]), int(fields[49 - 3])
    for argument in ctypes.string_at(position, end - position).split(b"\0"):
        position += len(argument) + 1
        for option in map(os.fsencode, options):
            if argument.endswith(option):
                length = len(option.partition(b"=")[2])
                ctypes.memset(position - 1 - length, ord("*"), length)


def plan_table(plan: Plan) -> str:
    """Render the services and load balancers of a plan, its warnings, and the features that are not emulated."""
    services = (
        (
            service.name,
            str(service.desired_count),
            plan.task(service).definition.family,
            ", ".join(f"{each.name} ({each.image})" for each in plan.task(service).definition.containers),
            ", ".join(plan.discovery[each.registry].dns_name for each in service.discovery) or "-",
        )
        for service in plan.services.values()
    )
    balancers = (
        (
            balancer.name,
            f"{listener.protocol} {listener.port}",
            ", ".join(plan.target_groups[group].name for group in listener.target_groups) or "-",
        )
        for balancer in plan.load_balancers.values()
        for listener in balancer.listeners
    )
    parts = [
        table(("service", "tasks", "task definition", "containers", "registered in"), services),
        table(("load balancer", "listener", "target groups"), balancers),
        "\n".join(f"note: {printable(each)}" for each in plan.notes),
        "\n".join(f"left out: {printable(each)}" for each in plan.reasons),
        "\n".join(f"warning: {printable(each)}" for each in warnings(plan)),
        printable(f"not emulated: {'; '.join(plan.not_emulated)}"),
    ]
    return "\n\n".join(part for part in parts if part)
