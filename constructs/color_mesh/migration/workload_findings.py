"""What whoever owns a workload must know of its migration."""

from collections.abc import Iterator, Mapping

from color_mesh.ecs.roles import Role
from color_mesh.ecs.services import Service
from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.migration.sizes import container_memory
from color_mesh.migration.workload import ROUTE_MANAGER, Workload

# App Mesh is gone, and what its Envoys fetched from ACM; ECS Exec gets its permissions with ``execute_command``.
_SEEN_TO = ("acm:Export", "acm-pca:", "appmesh:", "ssmmessages:")


def workload_findings(place: str, workload: Workload, roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Report the properties of a workload that are lost or changed, and the work that remains."""
    permissions = _permissions(roles, workload.definition.task_role)
    definition, size = workload.definition, workload.size
    no_limit = workload.app is not None and container_memory(workload.app.definition) is None
    if no_limit or (definition.cpu, definition.memory_mib) != (size.cpu, size.memory_mib):
        yield changed(place, f"its tasks have {size.cpu} CPU units and {size.memory_mib} MiB, {_shares_text(workload)}")
    yield from _service_findings(place, workload.service)
    if permissions:
        yield to_do(place, f"the role of its tasks is a new one: let it do what the old one may, {permissions}")
    for envoy in definition.envoys[1:]:
        yield lost(place, f"the second Envoy of its tasks, {envoy.name!r}")
    for container in definition.containers:
        if ROUTE_MANAGER in (container.image or ""):
            yield changed(place, f"its container {container.name!r}, which redirected traffic, is not needed any more")
    if workload.part.kind == "virtualGateway":
        yield from _gateway_findings(place, workload)
    else:
        yield from _node_findings(place, workload)


def _service_findings(place: str, service: Service) -> Iterator[Finding]:
    if service.launch_type not in (None, "FARGATE"):
        yield changed(place, "its tasks run on Fargate")
    for each in (service.deployment_controller, service.scheduling_strategy):
        if each not in ("ECS", "REPLICA"):
            yield lost(place, f"its {each}: ECS replaces as many tasks as are desired here, a few at a time")
    if (service.minimum_percent, service.maximum_percent) != (100, 200):
        yield changed(place, "a deployment keeps 100 % of its tasks, and has 200 % of them at the most")


def _shares_text(workload: Workload) -> str:
    if workload.app is None:
        return "all of it Envoy's limit"
    app = workload.memory_mib.of_app(workload.size.memory_mib)
    return f"of which the limit of {workload.app.name!r} is {app} MiB and that of Envoy {workload.memory_mib.envoy} MiB"


def _node_findings(place: str, workload: Workload) -> Iterator[Finding]:
    service, name = workload.service, workload.part.name
    if workload.target_groups:
        before = " and ".join(map(str, workload.entries)) or "a load balancer"
        text = (
            f"{before} before virtual node {name!r}: only gateways have load balancers here. In mesh_stack.py write "
            f'MeshGateway(self, "Entry", mesh=mesh, port=80) and its add_route("All", to=...), to the node, or to a '
            "ColorService with the node as its provider; in services_stack.py its implement(...)"
        )
        yield to_do(place, text)
    if service.public:
        yield changed(place, "its tasks are in private subnets, and have no public addresses")
    ports = [*workload.app.definition.ports] if workload.app else []
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
    allowed = (each.actions for each in role.statements if each.effect == "Allow" and not each.except_actions)
    said = sorted({action for actions in allowed for action in actions if not action.startswith(_SEEN_TO)})
    return ", ".join((*said, *(() if role.known else ("and by policies that are not at hand",))))


def _gateway_findings(place: str, workload: Workload) -> Iterator[Finding]:
    """Tell what of the ways to a gateway is otherwise."""
    if workload.service.public and not workload.target_groups:
        return
    reached = "the internet reaches" if workload.internet_facing else "the VPC alone reaches (internet_facing=False)"
    new = f"a new network load balancer, which {reached} at the gateway's own port, over TCP"
    if not workload.target_groups:
        yield changed(place, f"it had no load balancer, and gets {new}")
        return
    called = ", ".join(dict.fromkeys(map(str, workload.entries))) or "a load balancer that is not at hand"
    yield to_do(place, f"clients called {called}: they are to call {new}")
    for each in dict.fromkeys(workload.entries):
        if each.protocol in ("HTTPS", "TLS"):
            yield lost(place, f"TLS of {each}, which ended at the load balancer")
        if each.authenticates:
            yield lost(place, f"who is let in at {each}: the load balancer asked clients who they are")
        if each.rule:
            yield lost(place, f"the rules of {each}: what they chose by is to be routes of the gateway")
