"""The workloads of a mesh: the services whose tasks run its Envoys."""

from collections.abc import Iterator, Mapping

from color_mesh.cloudformation import Templates
from color_mesh.ecs import Declarations, read_declarations
from color_mesh.ecs.containers import Container
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.reading import UnusedProperty, path_text
from color_mesh.ecs.services import Service
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.migration.balancers import Entry, entries
from color_mesh.migration.containers import container_findings, converted_container
from color_mesh.migration.converted_properties import CONVERTED, REPLACED, SERVICE, TASK_DEFINITION
from color_mesh.migration.findings import Finding, lost
from color_mesh.migration.sizes import container_memory, cpu_shares, fargate_size, gateway_shares, memory_shares
from color_mesh.migration.workload import ROUTE_MANAGER, Workload
from color_mesh.migration.workload_findings import workload_findings
from color_mesh.model import Mesh
from color_mesh.model.errors import problem, refuse


def read_workloads(templates: Templates, mesh: Mesh, findings: list[Finding]) -> list[Workload]:
    """Read the services whose tasks run an Envoy of the mesh.

    Raises:
        MeshError: With everything in them that cannot be resolved.
    """
    declarations = read_declarations(templates, CONVERTED)
    # The constructs create roles and load balancers anew: what is unknown of the old ones is no problem.
    problems = [each.text for each in declarations.problems if each.resource_type in (TASK_DEFINITION, SERVICE)]
    definitions: dict[str, TaskDefinition] = {}
    for place, definition in declarations.task_definitions.items():
        findings += _definition_findings(place, definition, declarations)
        if _is_of(mesh, place, definition, findings):
            definitions[place] = definition
    listeners = entries(declarations)
    workloads: list[Workload] = []
    for place, service in declarations.services.items():
        found = _definition(definitions, service.task_definition)
        if found is None:
            findings += _without_definition(place, service, declarations)
            continue
        workload = _workload(mesh, found, service, listeners)
        if workload is None:
            got = f"{place}: {service.task_definition}"
            problems.append(problem(place, "needs a larger task than Fargate has", got, "16 cores, 120 GiB"))
            continue
        findings += (lost(place, f"its {path_text(each.path)}") for each in _lost(declarations, place))
        findings += workload_findings(place, workload, declarations.roles)
        workloads.append(workload)
    run = [workload.definition for workload in workloads]
    findings += (
        lost(place, "its tasks, which no service at hand runs")
        for place, definition in definitions.items()
        if definition not in run
    )
    refuse(dict.fromkeys(problems))
    return workloads


def _definition_findings(place: str, definition: TaskDefinition, declarations: Declarations) -> Iterator[Finding]:
    """Report the lost properties of a task definition with an Envoy of App Mesh."""
    if not definition.envoys:
        return
    for container in definition.containers:
        yield from container_findings(f"{place} container {container.name!r}", container)
    for each in _lost(declarations, place):
        match each.path:
            case ("ContainerDefinitions", int(index), *path):
                container = definition.containers[index]
                # The constructs create the container of Envoy anew.
                if container.mesh_resource is None:
                    yield lost(f"{place} container {container.name!r}", f"its {path_text(path)}")
            case path:
                yield lost(place, f"its {path_text(path)}")


def _lost(declarations: Declarations, place: str) -> Iterator[UnusedProperty]:
    """Return the properties of a resource that are neither carried over nor replaced."""
    for each in declarations.unused:
        if each.place == place and each.name not in REPLACED.get(each.resource_type, ()):
            yield each


def _is_of(mesh: Mesh, place: str, definition: TaskDefinition, findings: list[Finding]) -> bool:
    """Tell whether a task definition has the Envoy of a part of the mesh."""
    if not definition.envoys:
        findings.append(lost(place, "its tasks, which run no Envoy of App Mesh: they stay where they are"))
        return False
    part = definition.envoys[0].mesh_resource
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
    return next((each for each in definitions.values() if family and each.declared_family == family), None)


def _without_definition(place: str, service: Service, declarations: Declarations) -> Iterator[Finding]:
    """Tell of a service of which the task definition is not at hand, and not of one that runs no part of the mesh."""
    if service.task_definition not in declarations.task_definitions:
        got = service.task_definition or "nothing"
        yield lost(place, f"its tasks: their task definition, {got}, is in no template at hand")


def _workload(
    mesh: Mesh, definition: TaskDefinition, service: Service, listeners: Mapping[str, list[Entry]]
) -> Workload | None:
    envoy, *_ = definition.envoys
    part = envoy.mesh_resource
    assert part is not None
    others = [each for each in definition.containers if each.mesh_resource is None]
    app = _application(mesh, part, others)
    rest = tuple(each for each in others if each is not app and ROUTE_MANAGER not in (each.image or ""))
    if app is None:
        cpu = gateway_shares(envoy.cpu, [each.cpu for each in rest])
        memory_mib = gateway_shares(container_memory(envoy), [container_memory(each) for each in rest])
    else:
        cpu = cpu_shares(definition.cpu, envoy.cpu, app.cpu, [each.cpu for each in rest])
        others_memory = [container_memory(each) for each in rest]
        memory_mib = memory_shares(definition.memory_mib, container_memory(envoy), container_memory(app), others_memory)
    size = fargate_size(max(definition.cpu or 0, cpu.total), max(definition.memory_mib or 0, memory_mib.total))
    if size is None:
        return None
    return Workload(
        part=part,
        app=None if app is None else converted_container(app),
        others=tuple(map(converted_container, rest)),
        size=size,
        cpu=cpu,
        memory_mib=memory_mib,
        definition=definition,
        service=service,
        entries=tuple(each for target in service.targets for each in listeners.get(target.registry, ())),
    )


def _application(mesh: Mesh, part: MeshResource, containers: list[Container]) -> Container | None:
    """Find the container that answers for a node: the one with the port of a listener, or the first essential one."""
    if part.kind != "virtualNode":
        return None
    ports = {listener.port for listener in mesh.node(part.name).listeners}
    answering = (each for each in containers if ports & each.ports.keys())
    essential = (each for each in containers if each.essential)
    return next(answering, None) or next(essential, containers[0])
