"""What can be seen to be wrong before anything runs, of which AWS would only show that nothing works.

None of it keeps the mesh from running: it runs as it would on AWS, and what will not work is named beforehand.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from color_mesh.ecs.network import admits
from color_mesh.ecs.reading import MeshResource
from color_mesh.ecs.roles import Role
from color_mesh.ecs.services import LoadBalancer, Service
from color_mesh.ecs.task_definitions import Container, streaming_problem
from color_mesh.local.plan.assembly import ACCOUNT, REGION, Plan
from color_mesh.local.plan.compiled_envoys import CompiledEnvoys
from color_mesh.model import CloudMapDiscovery, MeshError, VirtualGateway, VirtualNode

# Where clients outside the VPC come from: a network of RFC 5737, which is nobody's.
INTERNET = IPv4Network("198.51.100.0/24")


def obstacles(plan: Plan, service: Service) -> tuple[str, ...]:
    """Find what keeps ECS from starting a service's tasks."""
    definition = plan.definition(service)
    role = plan.roles.get(definition.execution_role or "")
    found = []
    for container in definition.containers:
        if container.log_group is None:
            continue
        if definition.execution_role is None:
            found.append(f"{container.name} logs to CloudWatch, and the task definition has no execution role")
        elif role is not None and not role.trusts_tasks:
            found.append(f"execution role {role.name} does not trust ecs-tasks.amazonaws.com")
        elif role is not None and not _may_log(plan, role, container):
            found.append(f"execution role {role.name} may not write to the log group of {container.name}")
    return tuple(dict.fromkeys(found))


def _may_log(plan: Plan, role: Role, container: Container) -> bool:
    # Whoever may create streams in a group and write to them names the group, or all of them.
    name = plan.log_groups.get(container.log_group or "", container.log_group)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:log-stream:x"
    return all(
        role.allows(action, arn) or role.allows(action, container.log_group or "")
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    )


def denial(plan: Plan, service: Service, resource: MeshResource, compiled: CompiledEnvoys) -> str | None:
    """Return why the Envoy of a service's tasks gets no configuration; ``None`` if it gets one."""
    if plan.part(resource) is None:
        return f"no template declares {resource}"
    definition = plan.definition(service)
    role = None if definition.task_role is None else plan.roles.get(definition.task_role)
    if definition.task_role is not None and role is None:
        return None  # A role that no template declares: what it may do is not known.
    arn = f"arn:aws:appmesh:{REGION}:{ACCOUNT}:{resource}"
    refused = streaming_problem(resource, role, arn)
    if refused is not None:
        return refused
    try:
        compiled.of(resource)
    except MeshError as error:
        return "; ".join(error.problems)
    return None


def warnings(plan: Plan, compiled: CompiledEnvoys | None = None) -> tuple[str, ...]:
    """Return what will not work, each with the service that it is about.

    Args:
        plan: The plan.
        compiled: Configurations of its Envoys. Default: compiled here.
    """
    compiled = compiled or CompiledEnvoys(plan.meshes)
    found: list[str] = []
    for service in plan.services.values():
        found += (f"{service.name}: its tasks cannot start: {reason}" for reason in obstacles(plan, service))
        for container, resource in plan.sidecars(service):
            reason = denial(plan, service, resource, compiled)
            if reason is not None:
                found.append(f"{service.name}: {container.name} gets no configuration: {reason}")
        found += _wrong_ports(plan, service)
    found += _unregistered(plan)
    found += _closed(plan, compiled)
    return tuple(dict.fromkeys(found))


def _wrong_ports(plan: Plan, service: Service) -> Iterator[str]:
    definition = plan.definition(service)
    for container, resource in plan.sidecars(service):
        found = plan.part(resource)
        part = found[1] if found else None
        ports = [listener.port for listener in part.listeners] if part else []
        redirection = definition.redirection
        if isinstance(part, VirtualNode):
            if redirection is None:
                yield f"{service.name}: no proxy configuration redirects the traffic of its tasks to {container.name}"
            elif ports and set(ports) != set(redirection.app_ports):
                got = ", ".join(map(str, redirection.app_ports)) or "none"
                want = ", ".join(map(str, ports))
                yield (
                    f"{service.name}: AppPorts of {definition.family} are {got}, but virtual node {part.name!r} "
                    f"listens on {want}: what comes there goes past Envoy, or nowhere"
                )
        if isinstance(part, VirtualGateway):
            for target in service.targets:
                if target.port not in ports:
                    yield (
                        f"{service.name}: port {target.port} is the load balancer's target, but virtual gateway "
                        f"{part.name!r} listens on {', '.join(map(str, ports))}"
                    )


def _unregistered(plan: Plan) -> Iterator[str]:
    registered = {
        plan.discovery[each.registry].dns_name.lower()
        for service in plan.services.values()
        for each in service.discovery
        if each.registry in plan.discovery
    }
    for mesh in plan.meshes:
        for node in mesh.nodes:
            if isinstance(node.discovery, CloudMapDiscovery) and node.discovery.dns_name.lower() not in registered:
                running = ", ".join(each.name for each in _running(plan, mesh.name, node.name)) or "no service"
                yield (
                    f"{running}: virtual node {node.name!r} is found by {node.discovery.dns_name}, in which no service "
                    f"registers its tasks: nobody reaches it"
                )


def _running(plan: Plan, mesh: str, node: str) -> list[Service]:
    wanted = MeshResource(mesh=mesh, kind="virtualNode", name=node)
    return [each for each in plan.services.values() if any(found == wanted for _, found in plan.sidecars(each))]


def _closed(plan: Plan, compiled: CompiledEnvoys) -> Iterator[str]:
    """Find connections of the mesh and of load balancers that no security group lets in."""
    for caller in plan.services.values():
        for _, resource in plan.sidecars(caller):
            for name, port in _callees(compiled, resource):
                for callee in _running(plan, resource.mesh, name):
                    if not _admitted(plan, callee.groups, port, caller):
                        yield (
                            f"{callee.name}: no security group of it lets in tcp {port} from {caller.name}, whose "
                            f"{resource.name!r} calls {name!r}"
                        )
    for balancer in plan.load_balancers.values():
        yield from _closed_balancer(plan, balancer)


def _closed_balancer(plan: Plan, balancer: LoadBalancer) -> Iterator[str]:
    for port, group in balancer.listeners:
        if balancer.public and not _admitted(plan, balancer.groups, port, None):
            yield f"{balancer.name}: no security group of it lets in tcp {port} from the internet"
        for service in plan.services.values():
            for target in service.targets:
                if target.registry == group and not _admitted(plan, service.groups, target.port or port, balancer):
                    yield f"{service.name}: no security group of it lets in tcp {target.port} from {balancer.name}"


def _callees(compiled: CompiledEnvoys, resource: MeshResource) -> list[tuple[str, int]]:
    """Return the nodes that an Envoy calls, and the ports."""
    try:
        targets = compiled.of(resource).configuration.targets.values()
    except MeshError:
        return []
    return list(dict.fromkeys((target.node.name, target.listener.port) for target in targets))


def _admitted(plan: Plan, groups: Sequence[str], port: int, caller: Service | LoadBalancer | None) -> bool:
    """Tell whether groups let in a caller, or with ``None`` the internet."""
    found = [plan.network.groups[each] for each in groups if each in plan.network.groups]
    if len(found) < len(groups) or not groups:
        return True  # Nothing is known of groups that no template declares.
    members = frozenset(caller.groups) if caller else frozenset()
    addresses = [plan.network.subnets.get(each, plan.network.cidr) for each in caller.subnets] if caller else [INTERNET]
    return any(admits(group, "tcp", port, members, address) for group in found for address in addresses)
