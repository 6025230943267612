"""What whoever owns a workload must know of its migration."""

from collections.abc import Iterator, Mapping, Sequence

from color_mesh.ecs.roles import Role
from color_mesh.migration.balancers import Entry
from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.migration.task_definitions import Service
from color_mesh.migration.workload import ROUTE_MANAGER, Workload

# App Mesh is gone, and what its Envoys fetched from ACM; ECS Exec gets its permissions with ``execute_command``.
_SEEN_TO = ("acm:Export", "acm-pca:", "appmesh:", "ssmmessages:")


def workload_findings(place: str, workload: Workload, roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Tell what of a workload is lost or otherwise, and what is to be done for it."""
    permissions = _permissions(roles, workload.definition.role)
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
        if ROUTE_MANAGER in container.image:
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
