"""Validation of declarations before a run: resources that cannot run on this machine, and undeclared resources."""

from collections.abc import Iterator, Mapping

from color_mesh.ecs.declarations import Declarations
from color_mesh.local.plan.network import private_zones
from color_mesh.local.plan.programs import Commands
from color_mesh.local.plan.runnable import task_problems
from color_mesh.model.checks import check_range
from color_mesh.model.errors import problem
from color_mesh.model.task import MAX_DESIRED_COUNT


def declaration_problems(declarations: Declarations, commands: Commands) -> Iterator[str]:
    """Validate that the declared resources can run on this machine."""
    yield from (each.text for each in declarations.problems)
    for place, definition in declarations.task_definitions.items():
        yield from task_problems(place, definition, commands)
    for place, ecs_service in declarations.services.items():
        yield from check_range(
            f"{place}.DesiredCount", "desired count", ecs_service.desired_count, 0, MAX_DESIRED_COUNT
        )
    yield from _cloud_map_problems(declarations)
    for record in private_zones(declarations).records:
        if not record.values:
            fix = "values in ResourceRecords; aliases are not supported here"
            yield problem(f"record {record.name!r}", "has no value", record.values, fix)
    yield from _load_balancer_problems(declarations)


def _cloud_map_problems(declarations: Declarations) -> Iterator[str]:
    instances = {service for service, _ in declarations.instances.values()}
    for place, service in declarations.discovery_services.items():
        if service.namespace is None and (service.records or place in instances):
            fix = "a namespace that a template declares"
            yield problem(f"{place}.NamespaceId", "no template declares the namespace", service.name, fix)
    for place, (key, _) in declarations.instances.items():
        if key not in declarations.discovery_services:
            yield problem(f"{place}.ServiceId", "refers to an undeclared resource", key, "declare it in the templates")


def _load_balancer_problems(declarations: Declarations) -> Iterator[str]:
    for place, group in declarations.target_groups.items():
        if group.target_type != "ip":
            yield problem(f"{place}.TargetType", "does not run here", group.target_type, "ip")
        if group.protocol != "TCP":
            yield problem(f"{place}.Protocol", "does not run here", group.protocol, "TCP")
    for place, balancer in declarations.load_balancers.items():
        if balancer.type != "network":
            fix = "a network load balancer; application load balancers do not run here"
            yield problem(f"{place}.Type", "does not run here", balancer.type, fix)
    for place, listener in declarations.listeners.items():
        if listener.protocol != "TCP":
            yield problem(f"{place}.Protocol", "does not run here", listener.protocol, "TCP")


def reference_problems(declarations: Declarations) -> Iterator[str]:
    """Validate that templates declare the resources that services and load balancers refer to."""
    discovery = {place: each for place, each in declarations.discovery_services.items() if each.records}
    for place, service in declarations.services.items():
        references: list[tuple[str, str, Mapping[str, object]]] = [
            ("TaskDefinition", service.task_definition, declarations.task_definitions),
            *(("ServiceRegistries", each.registry, discovery) for each in service.discovery),
            *(("LoadBalancers", each.registry, declarations.target_groups) for each in service.targets),
        ]
        for name, key, declared in references:
            if key not in declared:
                yield problem(f"{place}.{name}", "refers to an undeclared resource", key, "declare it in the templates")
        if any(each.port is None for each in service.targets):
            yield problem(f"{place}.LoadBalancers", "has no ContainerPort", None, "it is required")
        if not service.subnets:
            yield problem(f"{place}.NetworkConfiguration", "has no subnet", (), "one or more")
    for place, balancer in declarations.load_balancers.items():
        for listener in balancer.listeners:
            if listener.target_group not in declarations.target_groups:
                subject, got = f"{place}: listener {listener.port}", listener.target_group
                yield problem(subject, "has no target group", got, "a target group that a template declares")
