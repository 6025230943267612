"""Workloads of a mesh: the ECS services whose tasks run its Envoys."""

from collections.abc import Iterator, Mapping

from color_mesh.cloudformation import Templates
from color_mesh.ecs import Declarations, read_declarations
from color_mesh.ecs.containers import Container
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.reading import UnusedProperty, path_text
from color_mesh.ecs.services import Service
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.migration.containers import container_findings, converted_container
from color_mesh.migration.converted_properties import CONVERTED, REPLACED, SERVICE, TASK_DEFINITION
from color_mesh.migration.findings import Finding, lost
from color_mesh.migration.load_balancers import ForwardingListener, forwarding_listeners
from color_mesh.migration.sizes import container_memory, cpu_shares, fargate_size, gateway_shares, memory_shares
from color_mesh.migration.workload import ROUTE_MANAGER, Workload
from color_mesh.migration.workload_findings import workload_findings
from color_mesh.model import Mesh
from color_mesh.model.errors import problem, refuse


def read_workloads(templates: Templates, mesh: Mesh, findings: list[Finding]) -> list[Workload]:
    """Read the workloads of a mesh, and add findings about everything else that runs tasks.

    Raises:
        MeshError: With every property of them that is invalid or cannot be evaluated.
    """
    declarations = read_declarations(templates, CONVERTED)
    # The constructs create new roles and load balancers: unknown properties of the old ones are no problem.
    problems = [each.text for each in declarations.problems if each.resource_type in (TASK_DEFINITION, SERVICE)]
    definitions: dict[str, TaskDefinition] = {}
    for place, definition in declarations.task_definitions.items():
        findings += _definition_findings(place, definition, declarations)
        reason = _exclusion(mesh, definition)
        if reason is None:
            definitions[place] = definition
        else:
            findings.append(lost(place, reason))
    listeners = forwarding_listeners(declarations)
    workloads: list[Workload] = []
    for place, service in declarations.services.items():
        named = _definition_of(service, definitions)
        if named is None:
            findings += _missing_definition(place, service, declarations)
            continue
        workload = _workload(mesh, named, service, listeners)
        if workload is None:
            got = f"{place}: {service.task_definition}"
            problems.append(problem(place, "needs a larger task than Fargate has", got, "16 vCPU, 120 GiB"))
            continue
        findings += (lost(place, f"property {path_text(each.path)}") for each in _unsupported(declarations, place))
        findings += workload_findings(place, workload, declarations.roles)
        workloads.append(workload)
    used = [workload.definition for workload in workloads]
    findings += (
        lost(place, "no service in the templates runs its tasks")
        for place, definition in definitions.items()
        if definition not in used
    )
    refuse(dict.fromkeys(problems))
    return workloads


def _definition_findings(place: str, definition: TaskDefinition, declarations: Declarations) -> Iterator[Finding]:
    """Report the properties of a task definition with an Envoy of App Mesh that are not migrated."""
    if not definition.envoys:
        return
    for container in definition.containers:
        yield from container_findings(f"{place} container {container.name!r}", container)
    for each in _unsupported(declarations, place):
        match each.path:
            case ("ContainerDefinitions", int(index), *path):
                container = definition.containers[index]
                # The constructs create a new container of Envoy.
                if container.mesh_resource is None:
                    yield lost(f"{place} container {container.name!r}", f"property {path_text(path)}")
            case path:
                yield lost(place, f"property {path_text(path)}")


def _unsupported(declarations: Declarations, place: str) -> Iterator[UnusedProperty]:
    """Yield the properties of a resource that are neither migrated nor replaced."""
    for each in declarations.unused:
        if each.place == place and each.name not in REPLACED.get(each.resource_type, ()):
            yield each


def _exclusion(mesh: Mesh, definition: TaskDefinition) -> str | None:
    """Return the reason why a task definition is not migrated; ``None`` if it has the Envoy of a part of the mesh."""
    if not definition.envoys:
        return "has no Envoy of App Mesh: its services stay as they are"
    part = definition.envoys[0].mesh_resource
    assert part is not None
    parts = mesh.nodes if part.kind == "virtualNode" else mesh.gateways
    if part.mesh != mesh.name or part.name not in {each.name for each in parts}:
        return f"its Envoy is that of {part}, which is not in this mesh"
    if part.kind == "virtualNode" and len(definition.envoys) == len(definition.containers):
        return "has no container except Envoy"
    return None


def _definition_of(service: Service, definitions: Mapping[str, TaskDefinition]) -> TaskDefinition | None:
    """Look up the task definition of a service, which names it by reference, family or ARN."""
    named = service.task_definition
    if named in definitions:
        return definitions[named]
    family = named.rpartition("/")[2].partition(":")[0]
    return next((each for each in definitions.values() if family and each.declared_family == family), None)


def _missing_definition(place: str, service: Service, declarations: Declarations) -> Iterator[Finding]:
    """Report a service whose task definition no template declares."""
    if service.task_definition not in declarations.task_definitions:
        yield lost(place, f"no template declares its task definition, {service.task_definition or 'nothing'}")


def _workload(
    mesh: Mesh, definition: TaskDefinition, service: Service, listeners: Mapping[str, list[ForwardingListener]]
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
        listeners=tuple(each for target in service.targets for each in listeners.get(target.registry, ())),
    )


def _application(mesh: Mesh, part: MeshResource, containers: list[Container]) -> Container | None:
    """Return the application of a node: the container with the port of a listener, or else the first essential one."""
    if part.kind != "virtualNode":
        return None
    ports = {listener.port for listener in mesh.node(part.name).listeners}
    listening = (each for each in containers if ports & each.ports.keys())
    essential = (each for each in containers if each.essential)
    return next(listening, None) or next(essential, containers[0])
