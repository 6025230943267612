"""Clusters of target groups, with their health checks."""

from typing import Any

from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.target_groups import TargetGroup, TargetHealthCheck
from color_mesh.envoy.discovery import config_source, endpoints_file
from color_mesh.envoy.placement import ServerEndpoints
from color_mesh.envoy.typed import (
    HTTP_PROTOCOL_OPTIONS,
    RAW_BUFFER,
    UNLIMITED,
    UPSTREAM_TLS,
    Json,
    extension,
    present,
    socket_address,
    typed,
)
from color_mesh.local.run.load_balancers.timeouts import idle_timeout

_TLS_PROTOCOLS = ("HTTPS", "TLS")
_POLICIES = {"least_outstanding_requests": "LEAST_REQUEST", "weighted_random": "RANDOM"}
# Matches the transport socket of health checks, where that of requests is another one.
_HEALTH_CHECK = {"health_check": True}


def target_group_cluster(name: str, group: TargetGroup, load_balancer: LoadBalancer, server: ServerEndpoints) -> Json:
    """Render the cluster of a target group."""
    thresholds = {"max_connections": UNLIMITED, "max_pending_requests": UNLIMITED, "max_requests": UNLIMITED}
    application = load_balancer.type == "application"
    tls = group.protocol in _TLS_PROTOCOLS
    return present(
        name=name,
        type="EDS",
        eds_cluster_config={"eds_config": config_source(server, endpoints_file(name))},
        # Application Load Balancers User Guide, Troubleshoot, HTTP 504: 10 s.
        connect_timeout="10s" if application else "5s",
        lb_policy=_policy(group) if application else "RANDOM",
        # If no target is healthy, requests go to all (User Guides of both, Target group health).
        common_lb_config={"healthy_panic_threshold": {"value": 1}},
        close_connections_on_host_health_failure=None if application else True,
        ignore_health_on_host_removal=True,
        circuit_breakers={"thresholds": [thresholds]},
        health_checks=[_health_check(group, tls)],
        transport_socket=_transport_socket(group.protocol_version) if tls else None,
        transport_socket_matches=_health_check_socket(group, tls),
        typed_extension_protocol_options=_http_options(group, load_balancer) if application else None,
    )


def target_endpoint(address: str, port: int, draining: bool) -> Json:
    """Render the endpoint of a target. One that drains gets no new requests."""
    return {
        "endpoint": {
            "address": socket_address(address, port),
            # The Host header of health checks (Application Load Balancers User Guide, Target group health checks).
            "health_check_config": {"hostname": f"{address}:{port}"},
        },
        **({"health_status": "DRAINING"} if draining else {}),
    }


def _policy(group: TargetGroup) -> str:
    return _POLICIES.get(group.attributes.get("load_balancing.algorithm.type", ""), "ROUND_ROBIN")


def _http_options(group: TargetGroup, load_balancer: LoadBalancer) -> Json:
    protocol = "http_protocol_options" if group.protocol_version == "HTTP1" else "http2_protocol_options"
    options = typed(
        HTTP_PROTOCOL_OPTIONS,
        explicit_http_config={protocol: {}},
        common_http_protocol_options={"idle_timeout": idle_timeout(load_balancer)},
    )
    return {HTTP_PROTOCOL_OPTIONS: options}


def _transport_socket(version: str) -> Json:
    """Render TLS to targets, whose certificates are not validated (User Guides, *Target groups*: TLS and HTTPS)."""
    context = {} if version == "HTTP1" else {"alpn_protocols": ["h2"]}
    return extension("envoy.transport_sockets.tls", UPSTREAM_TLS, common_tls_context=context)


def _health_check_socket(group: TargetGroup, tls: bool) -> list[Json] | None:
    """Render the transport socket of health checks, if only these or only requests use TLS."""
    check_tls = group.health_check.protocol in _TLS_PROTOCOLS
    if check_tls == tls:
        return None
    plain = extension("envoy.transport_sockets.raw_buffer", RAW_BUFFER)
    socket = _transport_socket(group.protocol_version) if check_tls else plain
    return [{"name": "health check", "match": _HEALTH_CHECK, "transport_socket": socket}]


def _health_check(group: TargetGroup, tls: bool) -> Json:
    check = group.health_check
    rendered: dict[str, Any] = {
        "timeout": f"{check.timeout_seconds}s",
        "interval": f"{check.interval_seconds}s",
        # Without traffic Envoy checks less often by default; a load balancer does not.
        "no_traffic_healthy_interval": f"{check.interval_seconds}s",
        # Until a target passes, it is checked more often than on AWS, so that a local mesh is healthy within seconds.
        # It has to pass once, since Envoy waits for the whole interval between two passes.
        "no_traffic_interval": "0.250s",
        "unhealthy_interval": "0.250s",
        "unhealthy_threshold": check.unhealthy_threshold,
        "healthy_threshold": 1,
    }
    if check.port is not None:
        rendered["alt_port"] = check.port
    if (check.protocol in _TLS_PROTOCOLS) != tls:
        rendered["transport_socket_match_criteria"] = _HEALTH_CHECK
    if check.protocol == "TCP":
        return {**rendered, "tcp_health_check": {}}
    return {**rendered, "http_health_check": _http_health_check(check, group.protocol_version)}


def _http_health_check(check: TargetHealthCheck, version: str) -> Json:
    agent = {"header": {"key": "user-agent", "value": "ELB-HealthChecker/2.0"}}
    # Responses of gRPC have the status 200 always; their own status is in a trailer.
    codes = "200" if version == "GRPC" else check.codes
    return present(
        path=check.path,
        method="POST" if version == "GRPC" else None,
        codec_client_type=None if version == "HTTP1" else "HTTP2",
        expected_statuses=[_status_range(each) for each in codes.split(",")],
        request_headers_to_add=[{**agent, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    )


def _status_range(codes: str) -> Json:
    """Render one of the codes of a matcher, such as ``200`` or ``200-399``; the end is exclusive."""
    first, _, last = codes.strip().partition("-")
    return {"start": int(first), "end": int(last or first) + 1}
