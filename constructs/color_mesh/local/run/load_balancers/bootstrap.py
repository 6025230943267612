"""Bootstrap of the Envoy that stands in for a network load balancer."""

from collections.abc import Mapping
from typing import Any

from color_mesh.ecs.load_balancers import LoadBalancer, TargetGroup, TargetHealthCheck
from color_mesh.envoy.discovery import config_source, endpoints_file, server_cluster
from color_mesh.envoy.placement import ADMIN_PORT, ServerEndpoints
from color_mesh.envoy.typed import TCP_PROXY, UNLIMITED, Json, extension, socket_address


def load_balancer_bootstrap(
    load_balancer: LoadBalancer, groups: Mapping[str, TargetGroup], server: ServerEndpoints
) -> Json:
    """Render the bootstrap: a listener for each of the load balancer's, and a cluster for each target group."""
    return {
        "node": {"id": load_balancer.name, "cluster": load_balancer.name},
        "admin": {"address": socket_address("127.0.0.1", ADMIN_PORT)},
        "static_resources": {
            "listeners": [
                _listener(listener.port, groups[listener.target_group].name)
                for listener in load_balancer.listeners
                if listener.target_group is not None
            ],
            "clusters": [server_cluster(server), *(_cluster(group, server) for group in groups.values())],
        },
    }


def _listener(port: int, cluster: str) -> Json:
    # Network Load Balancers User Guide, Connection idle timeout: 350 s.
    proxy = extension(
        "envoy.filters.network.tcp_proxy", TCP_PROXY, stat_prefix=cluster, cluster=cluster, idle_timeout="350s"
    )
    return {
        "name": f"tcp_{port}",
        "address": socket_address("0.0.0.0", port),
        "filter_chains": [{"filters": [proxy]}],
    }


def _cluster(group: TargetGroup, server: ServerEndpoints) -> Json:
    thresholds = {"max_connections": UNLIMITED, "max_pending_requests": UNLIMITED, "max_requests": UNLIMITED}
    return {
        "name": group.name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": config_source(server, endpoints_file(group.name))},
        "connect_timeout": "5s",
        "lb_policy": "RANDOM",
        # If no target is healthy, connections go to all (Network Load Balancers User Guide, Target group health).
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}},
        "close_connections_on_host_health_failure": True,
        "ignore_health_on_host_removal": True,
        "circuit_breakers": {"thresholds": [thresholds]},
        "health_checks": [_health_check(group.health_check)],
    }


def _health_check(check: TargetHealthCheck) -> Json:
    rendered: dict[str, Any] = {
        "timeout": f"{check.timeout_seconds}s",
        "interval": f"{check.interval_seconds}s",
        # Without traffic Envoy checks less often by default; a load balancer does not.
        "no_traffic_healthy_interval": f"{check.interval_seconds}s",
        # Until a target passes, it is checked more often than on AWS, so that a local mesh is healthy within seconds.
        "no_traffic_interval": "0.250s",
        "unhealthy_interval": "0.250s",
        "healthy_edge_interval": "0.250s",
        "unhealthy_threshold": check.unhealthy_threshold,
        "healthy_threshold": check.healthy_threshold,
    }
    if check.port is not None:
        rendered["alt_port"] = check.port
    if check.protocol == "TCP":
        return {**rendered, "tcp_health_check": {}}
    return {**rendered, "http_health_check": {"path": check.path, "expected_statuses": [{"start": 200, "end": 400}]}}
