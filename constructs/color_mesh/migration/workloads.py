"""The tasks that implement a mesh, as the constructs are told of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from color_mesh.cloudformation import Templates
from color_mesh.local.permissions import Role, read_roles
from color_mesh.local.reading import MeshResource, Reader
from color_mesh.migration.balancers import Entry, entries
from color_mesh.migration.containers import ContainerDefinition
from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.migration.sizes import (
    FargateSize,
    Shares,
    cpu_shares,
    fargate_size,
    gateway_shares,
    memory_shares,
)
from color_mesh.migration.task_definitions import Service, TaskDefinition, read_service, read_task_definition
from color_mesh.model import Mesh
from color_mesh.model.errors import problem, refuse

# App Mesh is gone, and what its Envoys fetched from ACM; ECS Exec gets its permissions with ``execute_command``.
_SEEN_TO = ("acm:Export", "acm-pca:", "appmesh:", "ssmmessages:")
# Redirected traffic where ECS does not; it takes NET_ADMIN.
_ROUTE_MANAGER = "aws-appmesh-proxy-route-manager"


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
        entries: The listeners of load balancers before it.
    """

    part: MeshResource
    app: ContainerDefinition | None
    others: tuple[ContainerDefinition, ...]
    size: FargateSize
    cpu: Shares
    memory_mib: Shares
    definition: TaskDefinition
    service: Service
    entries: tuple[Entry, ...]

    @property
    def internet_facing(self) -> bool:
        """Whether the internet reached it as it will reach a load balancer that asks nothing of clients."""
        asks_nothing = (each.protocol in ("HTTP", "TCP") and not each.authenticates for each in self.entries)
        return bool(self.entries) and all(each.public for each in self.entries) and all(asks_nothing)


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
        findings += (*unread, *_workload_findings(resource.place, workload, _permissions(roles, definition.role)))
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
    rest = tuple(each for each in others if each is not app and _ROUTE_MANAGER not in each.image)
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


def _workload_findings(place: str, workload: Workload, permissions: str) -> Iterator[Finding]:
    definition, service, size = workload.definition, workload.service, workload.size
    unsaid = workload.app is not None and workload.app.memory_mib is None
    if unsaid or (definition.cpu, definition.memory_mib) != (size.cpu, size.memory_mib):
        yield changed(place, f"its tasks have {size.cpu} CPU units and {size.memory_mib} MiB, {_shares_text(workload)}")
    if not service.fargate:
        yield changed(place, "its tasks run on Fargate")
    for each in service.otherwise:
        yield lost(place, f"its {each}: ECS replaces as many tasks as are desired here, a few at a time")
    if permissions:
        yield to_do(place, f"the role of its tasks is a new one: let it do what the old one may, {permissions}")
    if service.percents not in (None, (100, 200)):
        yield changed(place, "a deployment keeps 100 % of its tasks, and has 200 % of them at the most")
    for envoy in definition.envoys[1:]:
        yield lost(place, f"the second Envoy of its tasks, {envoy.name!r}")
    for container in definition.containers:
        if _ROUTE_MANAGER in container.image:
            yield changed(place, f"its container {container.name!r}, which redirected traffic, is not needed any more")
    if workload.part.kind == "virtualGateway":
        yield from _gateway_findings(place, workload.entries, workload.service, workload.internet_facing)
    else:
        yield from _node_findings(place, workload)


def _shares_text(workload: Workload) -> str:
    if workload.app is None:
        return "all of it Envoy's limit"
    app = workload.memory_mib.of_app(workload.size.memory_mib)
    return f"of which the limit of {workload.app.name!r} is {app} MiB and that of Envoy {workload.memory_mib.envoy} MiB"


def _node_findings(place: str, workload: Workload) -> Iterator[Finding]:
    service, name = workload.service, workload.part.name
    if service.target_groups:
        before = " and ".join(map(str, workload.entries)) or "a load balancer"
        text = (
            f"{before} before virtual node {name!r}: only gateways have load balancers here. In mesh_stack.py write "
            f'MeshGateway(self, "Entry", mesh=mesh, port=80) and its add_route("All", to=...), to the node, or to a '
            "ColorService with the node as its provider; in services_stack.py its implement(...)"
        )
        yield to_do(place, text)
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


def _gateway_findings(
    place: str, before: Sequence[Entry], service: Service, internet_facing: bool
) -> Iterator[Finding]:
    """Tell what of the ways to a gateway is otherwise."""
    if service.public and not service.target_groups:
        return
    reached = "the internet reaches" if internet_facing else "the VPC alone reaches (internet_facing=False)"
    new = f"a new network load balancer, which {reached} at the gateway's own port, over TCP"
    if not service.target_groups:
        yield changed(place, f"it had no load balancer, and gets {new}")
        return
    called = ", ".join(dict.fromkeys(map(str, before))) or "a load balancer that is not at hand"
    yield to_do(place, f"clients called {called}: they are to call {new}")
    for each in dict.fromkeys(before):
        if each.protocol in ("HTTPS", "TLS"):
            yield lost(place, f"TLS of {each}, which ended at the load balancer")
        if each.authenticates:
            yield lost(place, f"who is let in at {each}: the load balancer asked clients who they are")
        if each.rule:
            yield lost(place, f"the rules of {each}: what they chose by is to be routes of the gateway")
