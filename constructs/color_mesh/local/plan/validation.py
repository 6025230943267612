"""Validation of declarations before a run: what cannot run here is left out, and so is what depends on it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from color_mesh.ecs.cloud_map import CloudMapInstance, DiscoveryService
from color_mesh.ecs.declarations import Declarations
from color_mesh.ecs.hosted_zones import Record
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.services import Registration, Service
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.local.plan.left_out import LeftOut, Omissions, undeclared_problem
from color_mesh.local.plan.network import private_zones
from color_mesh.local.plan.programs import Commands
from color_mesh.local.plan.runnable import runnable_containers
from color_mesh.local.plan.runnable_load_balancers import runnable_load_balancers, runnable_target_groups
from color_mesh.model.checks import check_range
from color_mesh.model.errors import problem
from color_mesh.model.task import MAX_DESIRED_COUNT


def runnable_declarations(declarations: Declarations, commands: Commands) -> tuple[Declarations, tuple[LeftOut, ...]]:
    """Return the declarations that can run on this machine, and what is left out.

    Args:
        declarations: All that the templates declare.
        commands: Programs that run in place of images.
    """
    omissions = Omissions((each.place, each.text) for each in declarations.problems)
    definitions = _runnable_task_definitions(declarations, commands, omissions)
    discovery = _runnable_discovery(declarations, omissions)
    groups = runnable_target_groups(declarations, omissions)
    balancers = runnable_load_balancers(declarations, groups, omissions)
    services = _runnable_services(declarations, definitions, discovery, balancers, omissions)
    runnable = replace(
        declarations,
        task_definitions={place: each for place, each in definitions.items() if _is_used(place, services)},
        services=services,
        discovery_services=discovery,
        instances=_runnable_instances(declarations, discovery, omissions),
        target_groups=groups,
        load_balancers=balancers,
        records=_runnable_records(declarations, omissions),
        roles={place: each for place, each in declarations.roles.items() if place not in omissions},
        log_groups={place: each for place, each in declarations.log_groups.items() if place not in omissions},
    )
    return runnable, omissions.items


def _is_used(task_definition: str, services: Mapping[str, Service]) -> bool:
    return any(service.task_definition == task_definition for service in services.values())


def _runnable_task_definitions(
    declarations: Declarations, commands: Commands, omissions: Omissions
) -> dict[str, TaskDefinition]:
    """Return the task definitions of services, without the containers that cannot run if those are not essential."""
    runnable = {}
    for place, definition in declarations.task_definitions.items():
        if place not in omissions and _is_used(place, declarations.services):
            containers = runnable_containers(place, definition, commands, omissions)
            if place not in omissions:
                runnable[place] = replace(definition, containers=containers)
    return runnable


def _runnable_discovery(declarations: Declarations, omissions: Omissions) -> dict[str, DiscoveryService]:
    registered = {service for service, _ in declarations.instances.values()}
    for place, service in declarations.discovery_services.items():
        if service.namespace is None and (service.records or place in registered):
            fix = "a namespace that a template declares"
            text = problem(f"{place}.NamespaceId", "no template declares the namespace", service.name, fix)
            omissions.leave_out(place, [text])
    return {place: each for place, each in declarations.discovery_services.items() if place not in omissions}


def _runnable_instances(
    declarations: Declarations, discovery: Mapping[str, DiscoveryService], omissions: Omissions
) -> dict[str, tuple[str, CloudMapInstance]]:
    for place, (service, _) in declarations.instances.items():
        if service in omissions:
            omissions.leave_out_dependent(place, place, service)
        elif service not in discovery:
            omissions.leave_out(place, [undeclared_problem(f"{place}.ServiceId", service)])
    return {place: each for place, each in declarations.instances.items() if place not in omissions}


def _runnable_records(declarations: Declarations, omissions: Omissions) -> dict[str, Record]:
    private = private_zones(declarations).records
    for place, record in declarations.records.items():
        if record in private and not record.values and place not in omissions:
            fix = "values in ResourceRecords; aliases are not supported here"
            omissions.leave_out(place, [problem(f"record {record.name!r}", "has no value", record.values, fix)])
    return {place: each for place, each in declarations.records.items() if place not in omissions}


def _runnable_services(
    declarations: Declarations,
    definitions: Mapping[str, TaskDefinition],
    discovery: Mapping[str, DiscoveryService],
    balancers: Mapping[str, LoadBalancer],
    omissions: Omissions,
) -> dict[str, Service]:
    """Return the services whose tasks can run, registered where that is possible."""
    names = {place: each for place, each in discovery.items() if each.namespace is not None}
    groups = {group for balancer in balancers.values() for group in balancer.target_groups}
    runnable = {}
    for place, service in declarations.services.items():
        omissions.leave_out(place, _service_problems(place, service, declarations))
        if place in omissions:
            continue
        if service.task_definition not in definitions:
            omissions.leave_out_dependent(place, f"{place} ({service.name})", service.task_definition)
            continue
        registries = [
            each for each in service.discovery if _is_registered(place, "ServiceRegistries", each, names, omissions)
        ]
        targets = [each for each in service.targets if _is_registered(place, "LoadBalancers", each, groups, omissions)]
        runnable[place] = replace(service, discovery=tuple(registries), targets=tuple(targets))
    return runnable


def _service_problems(place: str, service: Service, declarations: Declarations) -> Iterator[str]:
    yield from check_range(f"{place}.DesiredCount", "desired count", service.desired_count, 0, MAX_DESIRED_COUNT)
    definition = declarations.task_definitions.get(service.task_definition)
    if definition is None and service.task_definition not in {each.place for each in declarations.problems}:
        yield undeclared_problem(f"{place}.TaskDefinition", service.task_definition)
    if not service.subnets:
        mode = (definition.network_mode if definition is not None else None) or "awsvpc"
        if mode != "awsvpc":
            yield problem(f"{place}.TaskDefinition", "network mode does not run here", mode, "awsvpc")
        else:
            yield problem(f"{place}.NetworkConfiguration", "has no subnet", (), "one or more")
    for target in service.targets:
        if target.port is None:
            yield problem(f"{place}.LoadBalancers", "has no ContainerPort", None, "it is required")
        else:
            yield from check_range(f"{place}.LoadBalancers.ContainerPort", "port", target.port, 1, 65535)


def _is_registered(
    place: str, key: str, registration: Registration, runnable: Mapping[str, object] | set[str], omissions: Omissions
) -> bool:
    """Return whether tasks are registered in a Cloud Map service or target group: one that runs."""
    registry = registration.registry
    if registry in runnable:
        return True
    if registry in omissions:
        omissions.leave_out_dependent_part(place, f"{place}.{key}", registry)
    else:
        omissions.leave_out_part(place, undeclared_problem(f"{place}.{key}", registry))
    return False
