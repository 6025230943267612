"""Target groups of load balancers (Elastic Load Balancing, version 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader, read_attributes
from color_mesh.model.checks import is_number

# Protocols of the target groups of application load balancers.
HTTP_PROTOCOLS = ("HTTP", "HTTPS")


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetHealthCheck:
    """Health check of a target group.

    Attributes:
        protocol: ``TCP``, ``HTTP`` or ``HTTPS``.
        port: Port; ``None`` for the port of the target.
        path: Path, for HTTP.
        codes: HTTP status codes of a healthy target, such as ``200,300-302``.
        interval_seconds: Time between two checks.
        timeout_seconds: Time for a response.
        healthy_threshold: Consecutive successes after which a target is healthy.
        unhealthy_threshold: Consecutive failures after which a target is unhealthy.
    """

    protocol: str = "TCP"
    port: int | None = None
    path: str = "/"
    codes: str = "200-399"
    interval_seconds: int = 30
    timeout_seconds: int = 10
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroup:
    """Target group.

    Attributes:
        name: Name; the logical id if the template declares none.
        target_type: ``instance``, ``ip``, ``lambda`` or ``alb``.
        protocol: Protocol of the targets.
        protocol_version: ``HTTP1``, ``HTTP2`` or ``GRPC``, for HTTP.
        health_check: Health check.
        attributes: Attributes of Elastic Load Balancing, such as ``deregistration_delay.timeout_seconds``.
    """

    name: str
    target_type: str = "instance"
    protocol: str | None = None
    protocol_version: str = "HTTP1"
    health_check: TargetHealthCheck = TargetHealthCheck()
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def deregistration_delay_seconds(self) -> int:
        """Time for the requests of a target that is deregistered."""
        value = self.attributes.get("deregistration_delay.timeout_seconds", "")
        return int(value) if is_number(value) else 300


def read_target_groups(reader: Reader) -> dict[str, TargetGroup]:
    """Read the target groups, by place."""
    return reader.read_all("AWS::ElasticLoadBalancingV2::TargetGroup", _target_group)


def _target_group(fields: Fields, resource: Resource) -> TargetGroup:
    protocol = fields.optional_text("Protocol")
    version = fields.optional_text("ProtocolVersion") or "HTTP1"
    return TargetGroup(
        name=fields.optional_text("Name") or resource.logical_id,
        target_type=fields.optional_text("TargetType") or "instance",
        protocol=protocol,
        protocol_version=version,
        health_check=_health_check(fields, protocol in HTTP_PROTOCOLS, version == "GRPC"),
        attributes=read_attributes(fields, "TargetGroupAttributes"),
    )


def _health_check(fields: Fields, application: bool, grpc: bool) -> TargetHealthCheck:
    """Read the health check of a target group of an application load balancer, or of a network load balancer."""
    port = fields.optional_text("HealthCheckPort")
    # Elastic Load Balancing API Reference, CreateTargetGroup and Matcher: the defaults.
    protocol = fields.optional_text("HealthCheckProtocol") or ("HTTP" if application else "TCP")
    path = "/AWS.ALB/healthcheck" if grpc else "/"
    codes = fields.optional("Matcher", lambda each: each.optional_text("HttpCode"))
    timeout_seconds = 5 if application else 10 if protocol == "TCP" else 6
    return TargetHealthCheck(
        protocol=protocol,
        port=int(port) if port is not None and is_number(port) else None,
        path=fields.optional_text("HealthCheckPath") or path,
        codes=codes or ("200" if application else "200-399"),
        interval_seconds=fields.optional_integer("HealthCheckIntervalSeconds") or 30,
        timeout_seconds=fields.optional_integer("HealthCheckTimeoutSeconds") or timeout_seconds,
        healthy_threshold=fields.optional_integer("HealthyThresholdCount") or 5,
        unhealthy_threshold=fields.optional_integer("UnhealthyThresholdCount") or 2,
    )
