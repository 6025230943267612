"""``color-mesh up``: run a cloud assembly on this machine, or print what would run."""

import argparse
from pathlib import Path

from color_mesh.cli.images import read_images
from color_mesh.cli.sources import parse_values
from color_mesh.local.plan.assembly import Plan, read_plan
from color_mesh.local.plan.diagnosis import warnings
from color_mesh.model.errors import printable
from color_mesh.report import table


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    paths = [Path(path) for path in options.source]
    images, values = read_images(paths, options.images), parse_values(options.values)
    if options.plan:
        print(plan_table(read_plan(paths, images, values)))
        return 0
    # Imported here because `--plan` works without the packages of the extra `local`.
    from color_mesh.local.run.up import up

    return up(paths, images, values, options.port, options.dns_delay)


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
        (balancer.name, str(listener.port), plan.target_groups[listener.target_group].name)
        for balancer in plan.load_balancers.values()
        for listener in balancer.listeners
        if listener.target_group is not None
    )
    parts = [
        table(("service", "tasks", "task definition", "containers", "registered in"), services),
        table(("load balancer", "port", "target group"), balancers),
        "\n".join(f"warning: {printable(each)}" for each in warnings(plan)),
        printable(f"not emulated: {'; '.join(plan.not_emulated)}"),
    ]
    return "\n\n".join(part for part in parts if part)
