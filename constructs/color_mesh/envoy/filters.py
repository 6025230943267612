"""Network filters: the HTTP connection manager and the TCP proxy."""

from collections.abc import Sequence
from typing import Any

from color_mesh.envoy.discovery import config_source, routes_file
from color_mesh.envoy.placement import CloudMapEndpoints, Placement
from color_mesh.envoy.telemetry import tracing
from color_mesh.envoy.typed import HTTP_CONNECTION_MANAGER, ROUTER, TCP_PROXY, Json, extension

ROUTER_FILTER = extension("envoy.filters.http.router", ROUTER)


def http_filter(
    stat_prefix: str, routes: Json, access_log: Sequence[Json] | None, placement: Placement, **settings: Any
) -> Json:
    """Render the HTTP connection manager, with path normalization and WebSockets, as App Mesh configured it.

    Args:
        stat_prefix: Prefix of its statistics.
        routes: Route configuration.
        access_log: Access log; ``None`` for none.
        placement: Settings of the Envoy that are not part of the mesh.
        settings: Fields in addition to those of App Mesh, or in place of them.
    """
    fields = {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "upgrade_configs": [{"upgrade_type": "websocket", "enabled": True}],
        "http_filters": [ROUTER_FILTER],
        "access_log": access_log,
        "tracing": tracing(placement),
    }
    return extension(
        "envoy.filters.network.http_connection_manager",
        HTTP_CONNECTION_MANAGER,
        stat_prefix=stat_prefix,
        **_routes(routes, placement),
        **{**fields, **settings},
    )


def tcp_filter(stat_prefix: str, proxy: Json, access_log: Sequence[Json] | None) -> Json:
    """Render the TCP proxy."""
    return extension(
        "envoy.filters.network.tcp_proxy", TCP_PROXY, stat_prefix=stat_prefix, **proxy, access_log=access_log
    )


def _routes(routes: Json, placement: Placement) -> Json:
    match placement.endpoints:
        case CloudMapEndpoints():
            return {"route_config": routes}
        case endpoints:
            source = config_source(endpoints, routes_file(routes["name"]))
            return {"rds": {"route_config_name": routes["name"], "config_source": source}}
