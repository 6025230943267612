"""The tasks that implement a mesh, as the constructs are told of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from color_mesh.cloudformation import Templates
from color_mesh.local.permissions import Role, read_roles
from color_mesh.local.reading import MeshResource, Reader
from color_mesh.migration.balancers import public_target_groups
from color_mesh.migration.containers import ContainerDefinition
from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.migration.sizes import FargateSize, Shares, fargate_size, shares
from color_mesh.migration.task_definitions import Service, TaskDefinition, read_service, read_task_definition
from color_mesh.model import Mesh
from color_mesh.model.errors import problem, refuse

# What the constructs give Envoy beside an application, unless they are told something else.
ENVOY_CPU, ENVOY_MEMORY_MIB = 128, 384
_LEAST_CPU, _LEAST_MEMORY_MIB = 64, 128
# App Mesh is gone; ECS Exec gets its permissions with ``execute_command``.
_SEEN_TO = ("appmesh:", "ssmmessages:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """Hold what runs a node or a gateway.

    Attributes:
        part: The node or gateway.
        app: The application's container; a gateway has none.
        others: The containers that are neither that nor Envoy's.
        size: The task's size.
        cpu: What of its CPU each container gets.
        memory_mib: What of its memory each container gets.
        definition: What its task definition says.
        service: What its service says.
        internet_facing: Whether the internet reaches its load balancer.
    """

    part: MeshResource
    app: ContainerDefinition | None
    others: tuple[ContainerDefinition, ...]
    size: FargateSize
    cpu: Shares
    memory_mib: Shares
    definition: TaskDefinition
    service: Service
    internet_facing: bool


def read_workloads(templates: Templates, mesh: Mesh, findings: list[Finding]) -> list[Workload]:
    """Find the services whose tasks run an Envoy of the mesh.

    Raises:
        MeshError: With everything in them that cannot be worked out.
    """
    problems: list[str] = []
    definitions: dict[str, TaskDefinition] = {}
    for resource in templates.resources("AWS::ECS::TaskDefinition"):
        definition = read_task_definition(resource, problems, findings)
        if definition is not None and _is_of(mesh, resource.place, definition, findings):
            definitions[resource.place] = definition
    public = public_target_groups(templates)
    # What cannot be worked out of a role is not asked for: it is made anew.
    roles = read_roles(templates, Reader())
    workloads: list[Workload] = []
    for resource in templates.resources("AWS::ECS::Service"):
        unread: list[Finding] = []
        service = read_service(resource, problems, unread)
        definition = definitions.get(service.task_definition) if service is not None else None
        if service is None or definition is None:
            continue
        workload = _workload(mesh, definition, service, public)
        if workload is None:
            got = f"{resource.place}: {service.task_definition}"
            problems.append(problem(resource.place, "needs a larger task than Fargate has", got, "16 cores, 120 GiB"))
            continue
        findings += (*unread, *_workload_findings(resource.place, workload, _permissions(roles, definition.role)))
        workloads.append(workload)
    run = {workload.service.task_definition for workload in workloads}
    findings += (lost(place, "its tasks, which no service at hand runs") for place in definitions if place not in run)
    refuse(problems)
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


def _workload(mesh: Mesh, definition: TaskDefinition, service: Service, public: frozenset[str]) -> Workload | None:
    envoy, *_ = definition.envoys
    part = envoy.envoy_of
    assert part is not None
    others = [each for each in definition.containers if each.envoy_of is None]
    app = _application(mesh, part, others)
    rest = tuple(each for each in others if each is not app)
    least_cpu, least_memory = (_LEAST_CPU, _LEAST_MEMORY_MIB) if app else (0, 0)
    cpu = shares(
        definition.cpu,
        envoy.cpu,
        app.cpu if app else None,
        [each.cpu for each in rest],
        usual=ENVOY_CPU,
        least=least_cpu,
    )
    memory = shares(
        definition.memory_mib,
        envoy.memory_mib,
        app.memory_mib if app else None,
        [each.memory_mib for each in rest],
        usual=ENVOY_MEMORY_MIB,
        least=least_memory,
    )
    size = fargate_size(
        max(definition.cpu or 0, cpu.total(least_cpu)),
        max(definition.memory_mib or 0, memory.total(least_memory)),
    )
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
        internet_facing=bool(public & set(service.target_groups)),
    )


def _application(mesh: Mesh, part: MeshResource, containers: list[ContainerDefinition]) -> ContainerDefinition | None:
    """Find the container that answers for a node: the one with the port of a listener, or the first essential one."""
    if part.kind != "virtualNode":
        return None
    ports = {listener.port for listener in mesh.node(part.name).listeners}
    answering = (each for each in containers if ports & dict(each.ports).keys())
    essential = (each for each in containers if each.essential)
    return next(answering, None) or next(essential, containers[0])


def _workload_findings(place: str, workload: Workload, permissions: str) -> Iterator[Finding]:
    definition, service, size = workload.definition, workload.service, workload.size
    if (definition.cpu, definition.memory_mib) != (size.cpu, size.memory_mib):
        fits = f"{size.cpu} CPU units and {size.memory_mib} MiB, the size of Fargate that fits"
        yield changed(place, f"its tasks have {fits}")
    if not service.fargate:
        yield changed(place, "its tasks run on Fargate")
    if permissions:
        yield to_do(place, f"the role of its tasks is a new one: let it do what the old one may, {permissions}")
    if service.percents not in (None, (100, 200)):
        yield changed(place, "a deployment keeps 100 % of its tasks, and has 200 % of them at the most")
    for envoy in definition.envoys[1:]:
        yield lost(place, f"the second Envoy of its tasks, {envoy.name!r}")
    if workload.part.kind == "virtualGateway":
        yield from _gateway_findings(place, workload)
        return
    if service.target_groups:
        yield lost(place, "its load balancer: only gateways have one here, so put a MeshGateway before the node")
    if service.public:
        yield changed(place, "its tasks are in private subnets, and have no public addresses")
    ports = [port for port, _ in (workload.app.ports if workload.app else ())]
    if len(ports) > 1:
        said = ", ".join(map(str, ports))
        yield changed(place, f"others reach Envoy's ports only: of {said} those that are ports of listeners, by Envoy")


def _permissions(roles: Mapping[str, Role], name: str | None) -> str:
    """Say what a role allows, beside what the constructs see to themselves."""
    if name is None:
        return ""
    role = roles.get(name)
    if role is None:
        return f"as {name} says"
    allowed = (each["Action"] for each in role.statements if each.get("Effect") == "Allow" and "Action" in each)
    actions = (action for each in allowed for action in ([each] if isinstance(each, str) else each))
    said = sorted({str(action) for action in actions if not str(action).startswith(_SEEN_TO)})
    return ", ".join((*said, *(() if role.known else ("and by policies that are not at hand",))))


def _gateway_findings(place: str, workload: Workload) -> Iterator[Finding]:
    if workload.service.public:
        return
    reached = "internet-facing" if workload.internet_facing else "internal"
    yield changed(
        place, f"its load balancer is a new one, a network load balancer, {reached}: names and listeners are new"
    )
