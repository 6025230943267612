"""The tables that ``color-mesh up --plan`` prints."""

from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.diagnosis import warnings
from color_mesh.report import table


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
        "\n".join(f"warning: {each}" for each in warnings(plan)),
        f"not emulated: {'; '.join(plan.not_emulated)}",
    ]
    return "\n\n".join(part for part in parts if part)
