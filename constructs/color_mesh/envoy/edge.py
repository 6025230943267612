"""Trust in the clients of a gateway, and the limits of their requests and connections.

Envoy's defaults are those of a service mesh. Where App Mesh promised nothing else, a gateway has those of *Configuring
Envoy as an edge proxy* in Envoy's documentation.
"""

import re

from color_mesh.envoy.idle_timeouts import SERVER_IDLE_MILLIS
from color_mesh.envoy.placement import CloudMapEndpoints, Placement
from color_mesh.envoy.telemetry import TRACE_CONTEXT, tracing, untraced
from color_mesh.envoy.typed import DOWNSTREAM_CONNECTIONS, EARLY_HEADER_MUTATION, Json, duration, extension

# Connections of clients to one task. Envoy closes those beyond it.
MAX_CONNECTIONS = 10_000
# Time for the headers of a request, and for a TLS handshake.
HEADERS_TIMEOUT = "10s"
_BUFFER_BYTES = 32 * 1024
_HTTP2 = {
    "max_concurrent_streams": 100,
    "initial_stream_window_size": 64 * 1024,
    "initial_connection_window_size": 1024 * 1024,
}

# Path at which a gateway answers by itself. With a path of a service, an application load balancer would take all tasks
# of the gateway for unhealthy when that service fails, and ECS would replace them.
HEALTH_PATH = "/.well-known/gateway-health"
# Runtime key that the run script of a gateway's container sets to 100 when Envoy has the first answers of AWS.
READY_KEY = "gateway.ready"

# Headers in which proxies describe a request. Many applications cannot tell `_` from `-` in their names.
_FORWARDED = "x[-_](envoy|forwarded)[-_].*|forwarded|x[-_]real[-_]ip"
# The same without `X-Forwarded-…`, which a trusted proxy sets. Proxies that do not set the others pass them on.
_FORWARDED_BY_CLIENTS = "x[-_]envoy[-_].*|x_forwarded[-_].*|x-forwarded_.*|forwarded|x[-_]real[-_]ip"

# Path with a segment that is `.` or `..` for a server that ignores path parameters (`/..;a=b/`), takes a backslash for
# a slash, or decodes a path more than once.
_DOT_SEGMENT = r"(?i).*(/|\\|%(25)*(2f|5c))(\.|%(25)*2e){1,2}(([;/\\]|%(25)*(3b|2f|5c)).*)?"


def client_connections(placement: Placement, *, tls: bool) -> Json:
    """Render the fields of the HTTP connection manager for the connections of clients.

    Args:
        placement: Settings of the Envoy that are not part of the mesh.
        tls: The connections have TLS.
    """
    trusted_hops = placement.trusted_hops
    headers = _FORWARDED_BY_CLIENTS if trusted_hops else _FORWARDED
    if placement.telemetry is not None:
        headers += f"|{TRACE_CONTEXT}"
    removal = {"remove_on_match": {"key_matcher": {"safe_regex": {"regex": headers}}}}
    extensions = [
        extension("envoy.http.early_header_mutation.header_mutation", EARLY_HEADER_MUTATION, mutations=[removal])
    ]
    # A client could choose the scheme: in HTTP/2 it is a header, in HTTP/1.1 part of an absolute URL.
    scheme = {"scheme_header_transformation": {"scheme_to_overwrite": "https" if tls else "http"}}
    return {
        "early_header_mutation_extensions": extensions,
        "tracing": tracing(placement, rewrites_path=True),
        # Clients in the VPC are not believed either: without internal_address_config, no address is internal. With an
        # empty one, all private addresses are.
        "use_remote_address": True,
        **({"xff_num_trusted_hops": trusted_hops} if trusted_hops else scheme),
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
        "request_headers_timeout": HEADERS_TIMEOUT,
        "common_http_protocol_options": {"idle_timeout": duration(SERVER_IDLE_MILLIS)},
        "http2_protocol_options": _HTTP2,
    }


def client_listener(listener: Json) -> Json:
    """Return a listener for clients: with small buffers, and a limited time for TLS handshakes."""
    chains = [
        {**chain, "transport_socket_connect_timeout": HEADERS_TIMEOUT} if "transport_socket" in chain else chain
        for chain in listener["filter_chains"]
    ]
    return {**listener, "per_connection_buffer_limit_bytes": _BUFFER_BYTES, "filter_chains": chains}


def connection_limit() -> Json:
    """Render the limit of an Envoy's connections. Listeners with ``ignore_global_conn_limit`` do not count."""
    monitor = extension(
        "envoy.resource_monitors.global_downstream_max_connections",
        DOWNSTREAM_CONNECTIONS,
        max_active_downstream_connections=MAX_CONNECTIONS,
    )
    return {"resource_monitors": [monitor]}


def health_routes(placement: Placement) -> list[Json]:
    """Render the routes of a first hop for the health checks of load balancers.

    An Envoy that asks AWS for its endpoints is not healthy before it has the first answers.
    """
    match: Json = {"path": HEALTH_PATH}
    if not isinstance(placement.endpoints, CloudMapEndpoints):
        return [_health_route(placement, "health", match, 200)]
    ready = {"runtime_fraction": {"default_value": {"numerator": 0}, "runtime_key": READY_KEY}}
    return [
        _health_route(placement, "health", {**match, **ready}, 200),
        _health_route(placement, "not_ready", match, 503),
    ]


def _health_route(placement: Placement, name: str, match: Json, status: int) -> Json:
    return {"name": name, "match": match, "direct_response": {"status": status}, **untraced(placement)}


def has_dot_segment(path: str) -> bool:
    """Return whether a path has a segment that is `.` or `..`, for some servers at least."""
    return re.fullmatch(_DOT_SEGMENT, path) is not None


def dot_segment_route() -> Json:
    """Render the route of a second hop that rejects paths with a dot segment.

    The first hop has normalized the path. What looks like a dot segment after the rewrite was made by it, as in
    ``/shop../x`` with ``/shop`` rewritten to ``/public/``, or is one for some servers only.
    """
    return {"name": "dot_segment", "match": {"safe_regex": {"regex": _DOT_SEGMENT}}, "direct_response": {"status": 400}}
