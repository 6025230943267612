"""Clusters, with their endpoint discovery, circuit breakers, health checks and outlier detection."""

from collections.abc import Mapping

from color_mesh.envoy import names, security
from color_mesh.envoy.aws import cloud_map
from color_mesh.envoy.discovery import config_source, endpoints_file
from color_mesh.envoy.placement import CloudMapEndpoints, Placement, ip_preference
from color_mesh.envoy.services import Target
from color_mesh.envoy.typed import (
    DNS_CLUSTER,
    UNLIMITED,
    Json,
    duration,
    extension,
    http_options,
    present,
    socket_address,
)
from color_mesh.model import (
    CloudMapDiscovery,
    ConnectionPool,
    DnsDiscovery,
    HealthCheck,
    IpPreference,
    Listener,
    Mesh,
    OutlierDetection,
    VirtualGateway,
    VirtualNode,
)

LOCAL_CONNECT_TIMEOUT = "0.250s"
CONNECT_TIMEOUT = "1s"
# Percentage of healthy tasks below which Envoy sends requests to all tasks. ECS may deregister the old tasks of a
# deployment before Cloud Map counts the new ones as healthy (aws/containers-roadmap, issue 830): the few that are left
# must not get all requests. A service may still grow to four times its tasks at once without requests to those that are
# not ready.
PANIC_PERCENT = 25

_LOOKUP_FAMILIES: Mapping[IpPreference, str] = {
    "IPv4_ONLY": "V4_ONLY",
    "IPv4_PREFERRED": "V4_PREFERRED",
    "IPv6_ONLY": "V6_ONLY",
    "IPv6_PREFERRED": "AUTO",
}


def application_cluster(mesh: Mesh, node: VirtualNode, listener: Listener, placement: Placement) -> Json:
    """Render the cluster of the application behind a node's listener."""
    address = placement.app_address(ip_preference(mesh, node))
    return _static(names.ingress_cluster(mesh, node, listener), address, placement.app_port(listener), listener)


def self_redirect_cluster(
    mesh: Mesh, gateway: VirtualGateway, listener: Listener, placement: Placement, port: int
) -> Json:
    """Render the cluster between the first and the second hop of a gateway."""
    name = names.self_redirect_cluster(mesh, gateway, listener, port)
    return _static(name, placement.envoy_address, port, listener, placement.client_idle_timeout)


def target_cluster(mesh: Mesh, target: Target, placement: Placement) -> Json:
    """Render the cluster of a listener of another node."""
    node, listener = target.node, target.listener
    return present(
        name=target.cluster,
        connect_timeout=CONNECT_TIMEOUT,
        **_endpoint_discovery(mesh, target, placement),
        circuit_breakers=_circuit_breakers(None),
        **_protocol(listener, placement.client_idle_timeout),
        health_checks=_health_checks(node, listener),
        outlier_detection=_outlier_detection(listener.outlier_detection)
        or _ejection_of_stopped_tasks(target, placement),
        transport_socket=security.upstream(target.client_tls, node, listener, placement),
    )


def original_destination_cluster(name: str) -> Json:
    """Render a cluster that connects to the original destination of a connection."""
    return {
        "name": name,
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": CONNECT_TIMEOUT,
        "circuit_breakers": _circuit_breakers(None),
    }


def empty_cluster(name: str) -> Json:
    """Render a cluster without endpoints, to which every connection fails."""
    return {"name": name, "type": "STATIC", "connect_timeout": CONNECT_TIMEOUT}


def endpoint(address: str, port: int) -> Json:
    """Render an endpoint."""
    return {"endpoint": {"address": socket_address(address, port)}}


def load_assignment(cluster: str, endpoints: list[Json]) -> Json:
    """Render the endpoints of a cluster."""
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": endpoints}] if endpoints else []}


def _static(name: str, address: str, port: int, listener: Listener, idle_timeout: str | None = None) -> Json:
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": LOCAL_CONNECT_TIMEOUT,
        "circuit_breakers": _circuit_breakers(listener.connection_pool),
        **_protocol(listener, idle_timeout),
        "load_assignment": load_assignment(name, [endpoint(address, port)]),
    }


def _endpoint_discovery(mesh: Mesh, target: Target, placement: Placement) -> Json:
    match placement.endpoints:
        case CloudMapEndpoints(refresh_seconds=refresh_seconds):
            return _discovery(mesh, target, placement, refresh_seconds)
        case endpoints:
            return {
                "type": "EDS",
                "eds_cluster_config": {"eds_config": config_source(endpoints, endpoints_file(target.cluster))},
                "ignore_health_on_host_removal": True,
            }


def _discovery(mesh: Mesh, target: Target, placement: Placement, refresh_seconds: int) -> Json:
    """Render endpoint discovery by Cloud Map or, for a hostname, by DNS."""
    discovery = target.node.discovery
    assert discovery is not None  # The model requires service discovery of each node with a listener.
    preference = ip_preference(mesh, target.node)
    port = placement.inbound_port(target.node, target.listener)
    if isinstance(discovery, DnsDiscovery):
        single_endpoint = True if discovery.response_type == "LOADBALANCER" else None
        # Envoy keeps a healthy endpoint that has left DNS until its health check fails.
        leaves_dns = single_endpoint is None and target.listener.health_check is not None
        return present(
            cluster_type=extension(
                "envoy.cluster.dns",
                DNS_CLUSTER,
                # Failed lookups are repeated sooner than others.
                dns_failure_refresh_rate={"base_interval": "0.500s", "max_interval": "5s"},
                dns_lookup_family=_LOOKUP_FAMILIES[preference] if preference else None,
                all_addresses_in_single_endpoint=single_endpoint,
            ),
            ignore_health_on_host_removal=True if leaves_dns else None,
            load_assignment=load_assignment(target.cluster, [endpoint(discovery.dns_name, port)]),
        )
    name = cloud_map.endpoints_name(
        discovery.namespace, discovery.service, port, preference, discovery.attributes, target.own_policy_of
    )
    return {
        "type": "EDS",
        "eds_cluster_config": {"service_name": name, "eds_config": cloud_map.config_source(refresh_seconds)},
        "ignore_health_on_host_removal": True,
        "common_lb_config": {"healthy_panic_threshold": {"value": PANIC_PERCENT}},
    }


def _protocol(listener: Listener, idle_timeout: str | None) -> Json:
    """Render the options of the protocol. The idle timeout of a tcp connection is that of Envoy's TCP proxy."""
    if listener.protocol == "tcp":
        return {}
    return http_options(http2=listener.protocol != "http", idle_timeout=idle_timeout)


def _circuit_breakers(pool: ConnectionPool | None) -> Json:
    pool = pool or ConnectionPool()
    thresholds = {
        "max_connections": pool.max_connections or UNLIMITED,
        "max_pending_requests": pool.max_pending_requests or UNLIMITED,
        "max_requests": pool.max_requests or UNLIMITED,
        "max_retries": UNLIMITED,
    }
    return {"thresholds": [thresholds]}


def _health_checks(node: VirtualNode, listener: Listener) -> list[Json] | None:
    check = listener.health_check
    if check is None or node.discovery is None:
        return None
    common = {
        "timeout": duration(check.timeout_millis),
        "interval": duration(check.interval_millis),
        "unhealthy_threshold": check.unhealthy_threshold,
        "healthy_threshold": check.healthy_threshold,
    }
    return [{**common, **_health_checker(check, f"{node.discovery.dns_name}:{listener.port}")}]


def _health_checker(check: HealthCheck, host: str) -> Json:
    match check.protocol:
        case "tcp":
            return {"tcp_health_check": {}}
        case "grpc":
            return {"grpc_health_check": {"authority": host}}
    codec = "HTTP2" if check.protocol == "http2" else None
    return {"http_health_check": present(host=host, path=check.path or "/", codec_client_type=codec)}


def _ejection_of_stopped_tasks(target: Target, placement: Placement) -> Json | None:
    """Render the ejection of an endpoint whose task has stopped, until the next call of Cloud Map removes it.

    Only connection failures eject it. Responses do not, since the node has no outlier detection.
    """
    if not (
        isinstance(placement.endpoints, CloudMapEndpoints) and isinstance(target.node.discovery, CloudMapDiscovery)
    ):
        return None
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 1,
        "enforcing_consecutive_5xx": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "base_ejection_time": "10s",
        "max_ejection_percent": 100,
    }


def _outlier_detection(outlier: OutlierDetection | None) -> Json | None:
    """Render outlier detection by consecutive errors; App Mesh documented no ejection by success rate."""
    if outlier is None:
        return None
    return {
        "consecutive_5xx": outlier.max_server_errors,
        "interval": duration(outlier.interval_millis),
        "base_ejection_time": duration(outlier.base_ejection_millis),
        "max_ejection_percent": outlier.max_ejection_percent,
        "always_eject_one_host": True,
        "enforcing_success_rate": 0,
    }
