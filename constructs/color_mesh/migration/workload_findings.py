"""Findings about a workload: lost and changed properties, and work that remains."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from color_mesh.ecs.roles import Role, Statement
from color_mesh.ecs.services import Service
from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.migration.sizes import container_memory
from color_mesh.migration.tags import TAG_SOURCES
from color_mesh.migration.workload import ROUTE_MANAGER, Workload

# Permissions that the new role does not need, or that ``execute_command`` grants: those of App Mesh, of certificates
# that its Envoy got from ACM, and of ECS Exec.
_IGNORED_PERMISSIONS = ("acm:Export", "acm-pca:", "appmesh:", "ssmmessages:")
# Security groups are not migrated.
_OPEN = (
    "the gateway accepts connections from every address, also if the old security groups did not: pass "
    "entry_security_group=... to its implement(...) to limit them"
)


def workload_findings(
    place: str,
    workload: Workload,
    roles: Mapping[str, Role],
    ports: Collection[int] = (),
    balanced: Collection[str] = (),
) -> Iterator[Finding]:
    """Yield the findings about a workload.

    Args:
        place: Place of the ECS service in the templates.
        workload: Workload.
        roles: IAM roles of the templates, by place.
        ports: Ports of the listeners that targets of the new app are. Default: none.
        balanced: Target groups whose load balancers are migrated. Default: none.
    """
    definition, size = workload.definition, workload.size
    unlimited = workload.app is not None and container_memory(workload.app.definition) is None
    if unlimited or (definition.cpu, definition.memory_mib) != (size.cpu, size.memory_mib):
        yield changed(place, f"a task has {size.cpu} CPU units and {size.memory_mib} MiB, {_limits(workload)}")
    yield from _service_findings(place, workload.service)
    permissions = _permissions(roles, definition.task_role)
    if permissions:
        yield to_do(place, f"the task role is a new one: grant it the permissions of the old one, {permissions}")
    for envoy in definition.envoys[1:]:
        yield lost(place, f"the second Envoy container {envoy.name!r} is removed")
    for container in definition.containers:
        if ROUTE_MANAGER in (container.image or ""):
            yield changed(place, f"the container {container.name!r} is removed: traffic is not redirected any more")
    if workload.part.kind == "virtualGateway":
        yield from _gateway_findings(place, workload, ports, balanced)
    else:
        yield from _node_findings(place, workload, ports, balanced)


def _limits(workload: Workload) -> str:
    if workload.app is None:
        return "all of which Envoy may use"
    app_mib = workload.memory_mib.of_app(workload.size.memory_mib)
    return f"with limits of {app_mib} MiB for {workload.app.name!r} and {workload.memory_mib.envoy} MiB for Envoy"


def _service_findings(place: str, service: Service) -> Iterator[Finding]:
    controller, strategy = service.deployment_controller, service.scheduling_strategy
    if service.launch_type not in (None, "FARGATE"):
        yield changed(place, f"tasks run on Fargate, not on {service.launch_type}")
    if controller != "ECS":
        yield lost(place, f"the deployment controller {controller} is replaced by rolling updates of ECS")
    if strategy != "REPLICA":
        yield lost(place, f"the scheduling strategy {strategy} is replaced by a desired number of tasks")
    if service.propagate_tags not in (None, "NONE", *TAG_SOURCES):
        yield lost(place, f"property PropagateTags: there is no such source, {service.propagate_tags}")
    if (service.minimum_percent, service.maximum_percent) != (100, 200):
        yield changed(place, "a deployment keeps 100 % of the desired tasks running, and runs at most 200 %")


def _permissions(roles: Mapping[str, Role], name: str | None) -> str:
    """Return the permissions of a role as text, without those that the constructs grant or do not need."""
    if name is None:
        return ""
    role = roles.get(name)
    if role is None:
        return f"{name}, which is in no template"
    texts = [*_actions(role.statements, "Allow"), *(f"without {each}" for each in _actions(role.statements, "Deny"))]
    return ", ".join((*texts, *(() if role.known else ("those of policies that are in no template",))))


def _actions(statements: Sequence[Statement], effect: str) -> Iterator[str]:
    """Yield the actions of the statements with an effect; with ``NotAction`` those that a statement is not about."""
    of_effect = [each for each in statements if each.effect == effect]
    actions = {action for each in of_effect if not each.except_actions for action in each.actions}
    yield from sorted(each for each in actions if not each.startswith(_IGNORED_PERMISSIONS))
    yield from (f"every action but {' and '.join(each.actions)}" for each in of_effect if each.except_actions)


def _node_findings(
    place: str, workload: Workload, ports: Collection[int], balanced: Collection[str]
) -> Iterator[Finding]:
    if workload.app is not None and workload.app.definition.user is not None:
        text = f"the container {workload.app.name!r} runs as the user of its image, not {workload.app.definition.user}"
        yield lost(place, text)
    yield from _other_balancers(place, workload, ports, balanced, "nodes")
    if workload.service.public:
        yield changed(place, "tasks run in private subnets, without public addresses")
    own_ports = [*workload.app.definition.ports] if workload.app else []
    if len(own_ports) > 1:
        listed = ", ".join(map(str, own_ports))
        yield changed(place, f"of the ports {listed} clients reach only those of listeners, through Envoy")


def _other_balancers(
    place: str, workload: Workload, ports: Collection[int], balanced: Collection[str], owner: str
) -> Iterator[Finding]:
    """Yield the work for load balancers that are not migrated.

    Args:
        place: Place of the ECS service in the templates.
        workload: Workload.
        ports: Ports of the listeners that targets of the new app are.
        balanced: Target groups whose load balancers are migrated.
        owner: Variable of the generated app that has the node or gateway.
    """
    if any(group not in balanced for group in workload.target_groups):
        listeners = " and ".join(map(str, dict.fromkeys(workload.listeners))) or "a load balancer"
        kind = "virtual node" if owner == "nodes" else "virtual gateway"
        text = (
            f"{listeners} forwarded to {kind} {workload.part.name!r}{_other_ports(workload, ports)}: add a load "
            f"balancer in services_stack.py, with targets=[{owner}[{workload.part.name!r}].load_balancer_target()]"
        )
        yield to_do(place, text)


def _other_ports(workload: Workload, ports: Collection[int]) -> str:
    """Return the ports of target groups that are no listener which a target of the new app is."""
    others = {each.port for each in workload.service.targets if each.port is not None} - {*ports}
    if not others:
        return ""
    old, new = (" and ".join(map(str, sorted(each))) for each in (others, ports))
    return f" at port {old}, and targets of the mesh are at port {new or 'none'}"


def _gateway_findings(
    place: str, workload: Workload, ports: Collection[int], balanced: Collection[str]
) -> Iterator[Finding]:
    if any(group in balanced for group in workload.target_groups):
        yield from _other_balancers(place, workload, ports, balanced, "gateways")
        return
    if workload.service.public and not workload.target_groups:
        yield to_do(place, _OPEN)
        return
    scheme = "internet-facing (exposure='internet')" if workload.internet_facing else "internal"
    new_balancer = f"a new network load balancer, {scheme}, which forwards TCP on the port of the gateway"
    if workload.internet_facing:
        yield to_do(place, _OPEN)
    if not workload.target_groups:
        yield changed(place, f"there was no load balancer; there is {new_balancer}")
        return
    listeners = [*dict.fromkeys(workload.listeners)]
    called = ", ".join(dict.fromkeys(map(str, listeners))) or "a load balancer that is in no template"
    called += _other_ports(workload, ports)
    yield to_do(place, f"change the address for clients of {called}: they connect to {new_balancer}")
    for each in listeners:
        if each.protocol in ("HTTPS", "TLS"):
            yield lost(place, f"TLS of the load balancer listener {each}")
        if each.authenticates:
            yield lost(place, f"authentication of clients by the load balancer listener {each}")
        if each.has_rule:
            yield lost(place, f"rules of the load balancer listener {each}: replace them by routes of the gateway")
