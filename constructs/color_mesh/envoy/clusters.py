"""Clusters: what Envoy connects to, how it finds it, and when it leaves it alone."""

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
    http2_options,
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
# How often Envoys ask DNS for tasks that come and go.
REFRESH_SECONDS = 2

_LOOKUP_FAMILIES: Mapping[IpPreference, str] = {
    "IPv4_ONLY": "V4_ONLY",
    "IPv4_PREFERRED": "V4_PREFERRED",
    "IPv6_ONLY": "V6_ONLY",
    "IPv6_PREFERRED": "AUTO",
}


def application_cluster(mesh: Mesh, node: VirtualNode, listener: Listener, placement: Placement) -> Json:
    """Write the cluster of the application behind a node's listener."""
    address = placement.app_address(ip_preference(mesh, node))
    return _static(names.ingress_cluster(mesh, node, listener), address, placement.app_port(listener), listener)


def self_redirect_cluster(
    mesh: Mesh, gateway: VirtualGateway, listener: Listener, placement: Placement, port: int
) -> Json:
    """Write the cluster that leads from a gateway's first hop to its second."""
    name = names.self_redirect_cluster(mesh, gateway, listener, port)
    return _static(name, placement.envoy_address, port, listener)


def target_cluster(mesh: Mesh, target: Target, placement: Placement) -> Json:
    """Write the cluster of a listener of another node."""
    node, listener = target.node, target.listener
    return present(
        name=target.cluster,
        connect_timeout=CONNECT_TIMEOUT,
        **_found(mesh, target, placement),
        circuit_breakers=_circuit_breakers(None),
        **_protocol(listener),
        health_checks=_health_checks(node, listener),
        outlier_detection=_outlier_detection(listener.outlier_detection) or _unreachable(target, placement),
        transport_socket=security.upstream(target.client_tls, node, listener),
    )


def original_destination_cluster(name: str) -> Json:
    """Write the cluster of wherever a connection was going."""
    return {
        "name": name,
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": CONNECT_TIMEOUT,
        "circuit_breakers": _circuit_breakers(None),
    }


def empty_cluster(name: str) -> Json:
    """Write a cluster without endpoints: what is sent there ends."""
    return {"name": name, "type": "STATIC", "connect_timeout": CONNECT_TIMEOUT}


def endpoint(address: str, port: int) -> Json:
    """Write an endpoint."""
    return {"endpoint": {"address": socket_address(address, port)}}


def load_assignment(cluster: str, endpoints: list[Json]) -> Json:
    """Write the endpoints of a cluster."""
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": endpoints}] if endpoints else []}


def _static(name: str, address: str, port: int, listener: Listener) -> Json:
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": LOCAL_CONNECT_TIMEOUT,
        "circuit_breakers": _circuit_breakers(listener.connection_pool),
        **_protocol(listener),
        "load_assignment": load_assignment(name, [endpoint(address, port)]),
    }


def _found(mesh: Mesh, target: Target, placement: Placement) -> Json:
    """Write how a cluster's endpoints are found.

    Cloud Map answers with every healthy task, as App Mesh's own polling of it did, and IPv4 comes first there.
    """
    match placement.endpoints:
        case DnsEndpoints():
            return _resolved(mesh, target, placement)
        case endpoints:
            return {
                "type": "EDS",
                "eds_cluster_config": {"eds_config": config_source(endpoints, endpoints_file(target.cluster))},
                "ignore_health_on_host_removal": True,
            }


def _resolved(mesh: Mesh, target: Target, placement: Placement) -> Json:
    discovery = target.node.discovery
    assert discovery is not None  # The model wants one of every node that listens.
    preference = ip_preference(mesh, target.node)
    port = placement.inbound_port(target.node, target.listener)
    assignment = load_assignment(target.cluster, [endpoint(discovery.dns_name, port)])
    if isinstance(discovery, DnsDiscovery):
        family = _LOOKUP_FAMILIES[preference] if preference else None
        one = True if discovery.response_type == "LOADBALANCER" else None
        return {"cluster_type": _dns(family, one), "load_assignment": assignment}
    # Tasks come and go, and DNS is all that tells: it is asked more often than other names.
    return {
        "cluster_type": _dns(_LOOKUP_FAMILIES[preference or "IPv4_PREFERRED"], refresh=f"{REFRESH_SECONDS}s"),
        "ignore_health_on_host_removal": True,
        "load_assignment": assignment,
    }


def _dns(family: str | None, one: bool | None = None, refresh: str | None = None) -> Json:
    """Write that endpoints are found by DNS, every five seconds or as ``refresh`` says.

    With ``one``, an answer stands for one endpoint. When no server answers, it is asked again sooner.
    """
    return extension(
        "envoy.cluster.dns",
        DNS_CLUSTER,
        dns_refresh_rate=refresh,
        dns_failure_refresh_rate={"base_interval": "0.500s", "max_interval": "5s"},
        dns_lookup_family=family,
        all_addresses_in_single_endpoint=one,
    )


def _protocol(listener: Listener) -> Json:
    return http2_options() if listener.protocol in ("http2", "grpc") else {}


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


def _unreachable(target: Target, placement: Placement) -> Json | None:
    """Write when an endpoint is left alone that DNS still names and that takes no connection: its task has ended.

    Its answers never count, as App Mesh had it without outlier detection. Cloud Map told App Mesh at once of tasks that
    ended; DNS tells after its time to live.
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
    """Write when an endpoint is left alone: for errors in a row and, as App Mesh documented it, for nothing else."""
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
