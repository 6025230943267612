"""Clusters, with their endpoint discovery, circuit breakers, health checks and outlier detection."""

from collections.abc import Mapping

from color_mesh.envoy import names, security
from color_mesh.envoy.discovery import config_source, endpoints_file
from color_mesh.envoy.placement import DnsEndpoints, Placement, ip_preference
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
REFRESH_SECONDS = 2  # Interval of DNS lookups for tasks that are registered in Cloud Map.

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
        transport_socket=security.upstream(target.client_tls, node, listener),
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
        case DnsEndpoints():
            return _dns_discovery(mesh, target, placement)
        case endpoints:
            return {
                "type": "EDS",
                "eds_cluster_config": {"eds_config": config_source(endpoints, endpoints_file(target.cluster))},
                "ignore_health_on_host_removal": True,
            }


def _dns_discovery(mesh: Mesh, target: Target, placement: Placement) -> Json:
    """Render endpoint discovery by DNS.

    The DNS records of a Cloud Map service are its healthy tasks, which App Mesh got by polling Cloud Map; there, IPv4
    addresses are preferred by default.
    """
    discovery = target.node.discovery
    assert discovery is not None  # The model requires service discovery of each node with a listener.
    preference = ip_preference(mesh, target.node)
    port = placement.inbound_port(target.node, target.listener)
    assignment = load_assignment(target.cluster, [endpoint(discovery.dns_name, port)])
    if isinstance(discovery, DnsDiscovery):
        family = _LOOKUP_FAMILIES[preference] if preference else None
        single_endpoint = True if discovery.response_type == "LOADBALANCER" else None
        return {"cluster_type": _dns_cluster(family, single_endpoint), "load_assignment": assignment}
    # Tasks start and stop often, so these names are resolved more often than others.
    return {
        "cluster_type": _dns_cluster(_LOOKUP_FAMILIES[preference or "IPv4_PREFERRED"], refresh=f"{REFRESH_SECONDS}s"),
        "ignore_health_on_host_removal": True,
        "load_assignment": assignment,
    }


def _dns_cluster(family: str | None, single_endpoint: bool | None = None, refresh: str | None = None) -> Json:
    """Render the DNS cluster type.

    Args:
        family: DNS lookup family. Default: that of Envoy, ``AUTO``.
        single_endpoint: Treat all addresses of a response as one endpoint.
        refresh: Interval of the lookups. Default: that of Envoy, 5 seconds. Failed lookups are repeated sooner.
    """
    return extension(
        "envoy.cluster.dns",
        DNS_CLUSTER,
        dns_refresh_rate=refresh,
        dns_failure_refresh_rate={"base_interval": "0.500s", "max_interval": "5s"},
        dns_lookup_family=family,
        all_addresses_in_single_endpoint=single_endpoint,
    )


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
    """Render the ejection of an endpoint whose task has stopped, but which DNS still returns until its TTL ends.

    Only connection failures eject it. Responses do not, since the node has no outlier detection. App Mesh did not need
    this: it learned of stopped tasks from Cloud Map without a TTL.
    """
    if not (isinstance(placement.endpoints, DnsEndpoints) and isinstance(target.node.discovery, CloudMapDiscovery)):
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
