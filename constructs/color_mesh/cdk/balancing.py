"""Envoys as the targets of load balancers that others create."""

from collections.abc import Collection, Iterator

import jsii
from aws_cdk import Annotations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Dependable, IValidation

from color_mesh.cdk.synthesis import at_synthesis
from color_mesh.model.errors import problem

_REMEDY = "targets=[node.load_balancer_target()] instead of the service"


@jsii.implements(elbv2.IApplicationLoadBalancerTarget, elbv2.INetworkLoadBalancerTarget)
class LoadBalancerTarget:
    """The port of the Envoys of a service, as a target of an application or a network load balancer.

    The tasks admit the load balancer, by rules in the stack of their service.
    """

    def __init__(
        self, service: ecs.BaseService, container: ecs.ContainerDefinition, port: int, health_path: str | None
    ) -> None:
        """Make a port of a container a target.

        Args:
            service: The service.
            container: Container that has or gets a mapping of the port.
            port: The port.
            health_path: Path of the health checks of an application load balancer whose target group has none.
                ``None``: the default of Elastic Load Balancing.
        """
        if container.find_port_mapping(port, ecs.Protocol.TCP) is None:
            container.add_port_mappings(ecs.PortMapping(container_port=port, protocol=ecs.Protocol.TCP))
        self._service = service
        self._port = port
        self._health_path = health_path
        self._target = service.load_balancer_target(container_name=container.container_name, container_port=port)

    def attach_to_application_target_group(
        self, target_group: elbv2.IApplicationTargetGroup
    ) -> elbv2.LoadBalancerTargetProps:
        """Register the tasks in a target group. The CDK lets in the load balancer itself."""
        if self._health_path is not None and isinstance(target_group, elbv2.ApplicationTargetGroup):
            _set_health_path(target_group, self._health_path)
        return self._target.attach_to_application_target_group(target_group)

    def attach_to_network_target_group(self, target_group: elbv2.INetworkTargetGroup) -> elbv2.LoadBalancerTargetProps:
        """Register the tasks in a target group, and let in the network load balancer, which the CDK leaves to users."""
        if isinstance(target_group, elbv2.NetworkTargetGroup):
            # At synthesis, the group has all its listeners.
            at_synthesis(target_group, lambda: _admit_balancers(target_group, self._service, self._port), creates=True)
        return self._target.attach_to_network_target_group(target_group)


def _admit_balancers(group: elbv2.NetworkTargetGroup, service: ecs.BaseService, port: int) -> None:
    """Let the network load balancers of a target group connect to the tasks."""
    listeners = Dependable.of(group.load_balancer_attached).dependency_roots
    balancers = {
        each.load_balancer.node.path: each.load_balancer
        for each in listeners
        if isinstance(each, elbv2.NetworkListener)
    }
    for path, balancer in balancers.items():
        if balancer.connections.security_groups:
            service.connections.allow_from(balancer, ec2.Port.tcp(port), "a load balancer")
            continue
        fix = "give it security_groups, or let in its clients with connections.allow_from of the node or gateway"
        text = problem(f"load balancer {path!r}", "tasks cannot admit it without a security group", None, fix)
        Annotations.of(group).add_warning_v2("color-mesh:load-balancer-without-security-group", text)


def _set_health_path(group: elbv2.ApplicationTargetGroup, path: str) -> None:
    """Set the path of the health checks of a target group, unless it has a path or checks by gRPC."""
    given = group.health_check
    resource = group.node.default_child
    assert isinstance(resource, elbv2.CfnTargetGroup)
    if given.path is not None or resource.protocol_version == "GRPC":
        return
    group.configure_health_check(
        path=path,
        enabled=given.enabled,
        healthy_http_codes=given.healthy_http_codes,
        healthy_threshold_count=given.healthy_threshold_count,
        interval=given.interval,
        port=given.port,
        protocol=given.protocol,
        timeout=given.timeout,
        unhealthy_threshold_count=given.unhealthy_threshold_count,
    )


@jsii.implements(IValidation)
class _PastEnvoy:
    """Validation that load balancers of a service send requests to Envoy and not to the application."""

    def __init__(self, subject: str, service: ecs.BaseService, ports: Collection[int], known: int) -> None:
        self._subject = subject
        self._service = service
        self._ports = ports
        self._known = known

    def validate(self) -> list[str]:
        """Return a problem for each target group that the service has got since it was attached."""
        return list(_past_envoy(self._subject, self._service, self._ports, self._known))


def keep_load_balancers_at_envoy(subject: str, service: ecs.BaseService, ports: Collection[int]) -> None:
    """Validate at synthesis that no load balancer sends requests past Envoy.

    Those that the service has already are the user's choice, and reported as warnings.

    Args:
        subject: Beginning of the messages.
        service: Service of a node.
        ports: Ports of the application at which Envoy does not intercept.
    """
    for text in _past_envoy(subject, service, ports, 0):
        Annotations.of(service).add_warning_v2("color-mesh:load-balancer-past-envoy", text)
    service.node.add_validation(_PastEnvoy(subject, service, ports, len(service.load_balancers)))


def _past_envoy(subject: str, service: ecs.BaseService, ports: Collection[int], known: int) -> Iterator[str]:
    for target in service.load_balancers[known:]:
        assert isinstance(target, ecs.CfnService.LoadBalancerProperty)
        if target.container_port in ports:
            yield problem(subject, "a load balancer bypasses Envoy", f"port {target.container_port}", _REMEDY)
