"""The tasks that implement a mesh, as the constructs are told of them."""

from collections.abc import Collection, Iterator, Mapping

from color_mesh.cloudformation import Templates
from color_mesh.ecs.reading import MeshResource, Reader
from color_mesh.ecs.roles import read_roles
from color_mesh.migration.balancers import Entry, entries
from color_mesh.migration.containers import ContainerDefinition
from color_mesh.migration.findings import Finding, lost
from color_mesh.migration.sizes import (
    cpu_shares,
    fargate_size,
    gateway_shares,
    memory_shares,
)
from color_mesh.migration.task_definitions import Service, TaskDefinition, read_service, read_task_definition
from color_mesh.migration.workload import ROUTE_MANAGER, Workload
from color_mesh.migration.workload_findings import workload_findings
from color_mesh.model import Mesh
from color_mesh.model.errors import problem, refuse


def read_workloads(templates: Templates, mesh: Mesh, findings: list[Finding]) -> list[Workload]:
    """Find the services whose tasks run an Envoy of the mesh.

    Raises:
        MeshError: With everything in them that cannot be worked out.
    """
    problems: list[str] = []
    definitions: dict[str, TaskDefinition] = {}
    known = {resource.place for resource in templates.resources("AWS::ECS::TaskDefinition")}
    for resource in templates.resources("AWS::ECS::TaskDefinition"):
        definition = read_task_definition(resource, problems, findings)
        if definition is not None and _is_of(mesh, resource.place, definition, findings):
            definitions[resource.place] = definition
    ways = entries(templates)
    # What cannot be worked out of a role is not asked for: it is made anew.
    roles = read_roles(templates, Reader())
    workloads: list[Workload] = []
    for resource in templates.resources("AWS::ECS::Service"):
        unread: list[Finding] = []
        service = read_service(resource, problems, unread)
        if service is None:
            continue
        definition = _definition(definitions, service.task_definition)
        if definition is None:
            findings += _without_definition(resource.place, service, known)
            continue
        workload = _workload(mesh, definition, service, ways)
        if workload is None:
            got = f"{resource.place}: {service.task_definition}"
            problems.append(problem(resource.place, "needs a larger task than Fargate has", got, "16 cores, 120 GiB"))
            continue
        findings += (*unread, *workload_findings(resource.place, workload, roles))
        workloads.append(workload)
    run = [workload.definition for workload in workloads]
    findings += (
        lost(place, "its tasks, which no service at hand runs")
        for place, definition in definitions.items()
        if definition not in run
    )
    refuse(dict.fromkeys(problems))
    return workloads


def _is_of(mesh: Mesh, place: str, definition: TaskDefinition, findings: list[Finding]) -> bool:
    """Tell whether a task definition has the Envoy of a part of the mesh."""
    if not definition.envoys:
        findings.append(lost(place, "its tasks, which run no Envoy of App Mesh: they stay where they are"))
        return False
    part = definition.envoys[0].envoy_of
    assert part is not None
    parts = mesh.nodes if part.kind == "virtualNode" else mesh.gateways
    known = part.mesh == mesh.name and part.name in {each.name for each in parts}
    if not known:
        findings.append(lost(place, f"its tasks, whose Envoy is that of {part}, which is not in this mesh"))
    elif part.kind == "virtualNode" and len(definition.envoys) == len(definition.containers):
        findings.append(lost(place, "its tasks, which have no container but Envoy"))
        return False
    return known


def _definition(definitions: Mapping[str, TaskDefinition], named: str) -> TaskDefinition | None:
    """Find the task definition that a service names: by reference, by its family, or by its ARN."""
    if named in definitions:
        return definitions[named]
    family = named.rpartition("/")[2].partition(":")[0]
    return next((each for each in definitions.values() if family and each.family == family), None)


def _without_definition(place: str, service: Service, known: Collection[str]) -> Iterator[Finding]:
    """Tell of a service of which the task definition is not at hand, and not of one that runs no part of the mesh."""
    if service.task_definition not in known:
        got = service.task_definition or "nothing"
        yield lost(place, f"its tasks: their task definition, {got}, is in no template at hand")


def _workload(
    mesh: Mesh, definition: TaskDefinition, service: Service, ways: Mapping[str, list[Entry]]
) -> Workload | None:
    envoy, *_ = definition.envoys
    part = envoy.envoy_of
    assert part is not None
    others = [each for each in definition.containers if each.envoy_of is None]
    app = _application(mesh, part, others)
    rest = tuple(each for each in others if each is not app and ROUTE_MANAGER not in each.image)
    if app is None:
        cpu, memory = (
            gateway_shares(said, [getattr(each, share) for each in rest])
            for share, said in (("cpu", envoy.cpu), ("memory_mib", envoy.memory_mib))
        )
    else:
        cpu = cpu_shares(definition.cpu, envoy.cpu, app.cpu, [each.cpu for each in rest])
        kept = [each.memory_mib for each in rest]
        memory = memory_shares(definition.memory_mib, envoy.memory_mib, app.memory_mib, kept)
    size = fargate_size(max(definition.cpu or 0, cpu.total), max(definition.memory_mib or 0, memory.total))
    if size is None:
        return None
    return Workload(
        part=part,
        app=app,
        others=rest,
        size=size,
        cpu=cpu,
        memory_mib=memory,
        definition=definition,
        service=service,
        entries=tuple(each for group in service.target_groups for each in ways.get(group, ())),
    )


def _application(mesh: Mesh, part: MeshResource, containers: list[ContainerDefinition]) -> ContainerDefinition | None:
    """Find the container that answers for a node: the one with the port of a listener, or the first essential one."""
    if part.kind != "virtualNode":
        return None
    ports = {listener.port for listener in mesh.node(part.name).listeners}
    answering = (each for each in containers if ports & dict(each.ports).keys())
    essential = (each for each in containers if each.essential)
    return next(answering, None) or next(essential, containers[0])
