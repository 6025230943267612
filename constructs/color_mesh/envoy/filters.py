"""Network filters: what happens to a connection that a listener took."""

from collections.abc import Sequence

from color_mesh.envoy.placement import DnsEndpoints, FileEndpoints, Placement
from color_mesh.envoy.typed import HTTP_CONNECTION_MANAGER, ROUTER, TCP_PROXY, Json, extension


def http_filter(stat_prefix: str, routes: Json, access_log: Sequence[Json] | None, placement: Placement) -> Json:
    """Write the filter of HTTP connections, with what App Mesh set on each: path normalization and WebSockets."""
    return extension(
        "envoy.filters.network.http_connection_manager",
        HTTP_CONNECTION_MANAGER,
        stat_prefix=stat_prefix,
        **_routes(routes, placement),
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="KEEP_UNCHANGED",
        upgrade_configs=[{"upgrade_type": "websocket", "enabled": True}],
        http_filters=[extension("envoy.filters.http.router", ROUTER)],
        access_log=access_log,
    )


def tcp_filter(stat_prefix: str, proxy: Json, access_log: Sequence[Json] | None) -> Json:
    """Write the filter of other connections."""
    return extension(
        "envoy.filters.network.tcp_proxy", TCP_PROXY, stat_prefix=stat_prefix, **proxy, access_log=access_log
    )


def routes_file(name: str) -> str:
    """Name the file of a route configuration."""
    return f"rds/{name}.json"


def _routes(routes: Json, placement: Placement) -> Json:
    match placement.endpoints:
        case DnsEndpoints():
            return {"route_config": routes}
        case FileEndpoints(directory=directory):
            path = f"{directory}/{routes_file(routes['name'])}"
            source = {"resource_api_version": "V3", "path_config_source": {"path": path}}
            return {"rds": {"route_config_name": routes["name"], "config_source": source}}
