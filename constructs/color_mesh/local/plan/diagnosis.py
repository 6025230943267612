"""Warnings about a plan: mistakes that AWS deploys without an error, but that break a service or a connection.

A run emulates them, so the mesh behaves as it would on AWS. A warning names the cause.
"""

from collections.abc import Iterator, Sequence

from color_mesh.ecs.containers import Container
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.roles import Role
from color_mesh.ecs.roles import denial as role_denial
from color_mesh.ecs.security_groups import admits
from color_mesh.ecs.services import Service
from color_mesh.envoy.gateway import prefix_warnings
from color_mesh.local.plan.assembly import ACCOUNT, REGION, Plan
from color_mesh.local.plan.certificate_calls import certificate_warnings
from color_mesh.local.plan.cloud_map_calls import call_warnings
from color_mesh.local.plan.compiled_envoys import CompiledEnvoys, undeclared
from color_mesh.local.plan.network import INTERNET
from color_mesh.model import CloudMapDiscovery, MeshError, VirtualGateway, VirtualNode

# Rules of the analysis about what this module has warnings for, of the services that run.
_DIAGNOSED = (
    "envoy-may-not-read-configuration",
    "redirected-ports-differ",
    "traffic-is-not-redirected",
)


def obstacles(plan: Plan, service: Service) -> tuple[str, ...]:
    """Return the reasons why ECS cannot start the tasks of a service."""
    definition = plan.task(service).definition
    role = plan.roles.get(definition.execution_role or "")
    reasons = []
    for container in definition.containers:
        if container.log_group is None:
            continue
        if definition.execution_role is None:
            reasons.append(f"{container.name} logs to CloudWatch, and the task definition has no execution role")
        elif role is not None and not role.trusts_tasks:
            reasons.append(f"execution role {role.name} does not trust ecs-tasks.amazonaws.com")
        elif role is not None and not _may_log(plan, role, container):
            reasons.append(f"execution role {role.name} may not write to the log group of {container.name}")
    return tuple(dict.fromkeys(reasons))


def _may_log(plan: Plan, role: Role, container: Container) -> bool:
    # A policy for log streams names the log group, or all of them.
    name = plan.log_groups.get(container.log_group or "", container.log_group)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:log-stream:x"
    return all(
        role.allows(action, arn) or role.allows(action, container.log_group or "")
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    )


def denial(plan: Plan, service: Service, resource: MeshResource, compiled: CompiledEnvoys) -> str | None:
    """Return the reason why App Mesh denies an Envoy of a service its configuration; ``None`` if it does not."""
    if resource.look_up(plan.meshes) is None:
        is_left_out = any(each.of_mesh for each in plan.left_out)
        return undeclared(resource) + (", or it is left out" if is_left_out else "")
    task_role = plan.task(service).definition.task_role
    if task_role is not None and task_role not in plan.roles:
        return None  # No template declares the role: its permissions are unknown.
    reason = role_denial(plan.roles.get(task_role or ""), resource, REGION, ACCOUNT)
    if reason is not None:
        return reason
    try:
        compiled.of(resource)
    except MeshError as error:
        return "; ".join(error.problems)
    return None


def warnings(plan: Plan, compiled: CompiledEnvoys | None = None) -> tuple[str, ...]:
    """Return a warning for everything that will not work, each with its service.

    Args:
        plan: Plan.
        compiled: Configurations of its Envoys. Default: compiled here.
    """
    compiled = compiled or CompiledEnvoys(plan.meshes)
    lines: list[str] = []
    for service in plan.services.values():
        lines += (f"{service.name}: its tasks cannot start: {reason}" for reason in obstacles(plan, service))
        for container, resource in plan.sidecars(service):
            reason = denial(plan, service, resource, compiled)
            if reason is not None:
                lines.append(f"{service.name}: {container.name} gets no configuration: {reason}")
        lines += _wrong_ports(plan, service)
        lines += call_warnings(plan, service)
        lines += certificate_warnings(plan, service)
    for mesh in plan.meshes:
        lines += (text for gateway in mesh.gateways for route in gateway.routes for text in prefix_warnings(route))
    lines += _unregistered(plan)
    lines += _blocked(plan, compiled)
    lines += (
        f"{finding.where()}: {finding.sentence()} [{finding.rule.id}]"
        for finding in plan.findings
        if finding.rule.severity != "note" and finding.rule.id not in _DIAGNOSED
    )
    return tuple(dict.fromkeys(lines))


def _wrong_ports(plan: Plan, service: Service) -> Iterator[str]:
    """Compare the ports of Envoys' listeners with those that traffic is sent to."""
    definition = plan.task(service).definition
    for container, resource in plan.sidecars(service):
        part = resource.look_up(plan.meshes)
        ports = [listener.port for listener in part[1].listeners] if part else []
        proxy = definition.proxy_configuration
        if part and isinstance(part[1], VirtualNode):
            if proxy is None:
                yield f"{service.name}: no proxy configuration redirects the traffic of its tasks to {container.name}"
            elif ports and set(ports) != set(proxy.app_ports):
                yield (
                    f"{service.name}: AppPorts of {definition.family} are {_listed(proxy.app_ports)}, but virtual node "
                    f"{resource.name!r} listens on {_listed(ports)}: Envoy does not get the traffic of other ports"
                )
        if part and isinstance(part[1], VirtualGateway):
            for target in service.targets:
                if target.port not in ports:
                    yield (
                        f"{service.name}: port {target.port} is the load balancer's target, but virtual gateway "
                        f"{resource.name!r} listens on {_listed(ports)}"
                    )


def _listed(ports: Sequence[int]) -> str:
    return ", ".join(map(str, ports)) or "none"


def _unregistered(plan: Plan) -> Iterator[str]:
    """Validate that tasks are registered under the DNS names of nodes."""
    registered = {
        plan.discovery[each.registry].dns_name.lower()
        for service in plan.services.values()
        for each in service.discovery
        if each.registry in plan.discovery
    }
    for mesh in plan.meshes:
        for node in mesh.nodes:
            if isinstance(node.discovery, CloudMapDiscovery) and node.discovery.dns_name.lower() not in registered:
                running = ", ".join(each.name for each in _services_of(plan, mesh.name, node.name)) or "no service"
                yield (
                    f"{running}: virtual node {node.name!r} has the DNS name {node.discovery.dns_name}, in which no "
                    f"service registers its tasks: the node is unreachable"
                )


def _services_of(plan: Plan, mesh: str, node: str) -> list[Service]:
    resource = MeshResource(mesh=mesh, kind="virtualNode", name=node)
    return [each for each in plan.services.values() if any(owner == resource for _, owner in plan.sidecars(each))]


def _blocked(plan: Plan, compiled: CompiledEnvoys) -> Iterator[str]:
    """Validate that security groups allow the connections of the mesh and of load balancers."""
    for caller in plan.services.values():
        for _, resource in plan.sidecars(caller):
            for name, port in _backends(compiled, resource):
                for callee in _services_of(plan, resource.mesh, name):
                    if not _admitted(plan, callee.groups, port, caller):
                        yield (
                            f"{callee.name}: no security group of it allows tcp {port} from {caller.name}, whose "
                            f"{resource.name!r} calls {name!r}"
                        )
    for balancer in plan.load_balancers.values():
        yield from _blocked_by_balancer(plan, balancer)


def _blocked_by_balancer(plan: Plan, balancer: LoadBalancer) -> Iterator[str]:
    for listener in balancer.listeners:
        if balancer.public and not _admitted(plan, balancer.groups, listener.port, None):
            yield f"{balancer.name}: no security group of it allows tcp {listener.port} from the internet"
        for service in plan.services.values():
            for target in service.targets:
                port = target.port or listener.port
                if target.registry in listener.target_groups and not _admitted(plan, service.groups, port, balancer):
                    yield f"{service.name}: no security group of it allows tcp {port} from {balancer.name}"


def _backends(compiled: CompiledEnvoys, resource: MeshResource) -> list[tuple[str, int]]:
    """Return the nodes that an Envoy calls, each with the port."""
    try:
        targets = compiled.of(resource).configuration.targets.values()
    except MeshError:
        return []
    return list(dict.fromkeys((target.node.name, target.listener.port) for target in targets))


def _admitted(plan: Plan, groups: Sequence[str], port: int, caller: Service | LoadBalancer | None) -> bool:
    """Return whether security groups allow connections of a caller, or with ``None`` of the internet."""
    declared = [plan.network.groups[each] for each in groups if each in plan.network.groups]
    if len(declared) < len(groups) or not groups:
        return True  # The rules of groups that no template declares are unknown.
    members = frozenset(caller.groups) if caller else frozenset()
    addresses = [plan.network.subnets.get(each, plan.network.cidr) for each in caller.subnets] if caller else [INTERNET]
    return any(admits(group, "tcp", port, members, address) for group in declared for address in addresses)
