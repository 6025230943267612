"""Elements of Envoy's configuration in the JSON form of its protocol buffers."""

from typing import Any

Json = dict[str, Any]

UNLIMITED = 2147483647

HTTP_CONNECTION_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
DIRECT_RESPONSE = "envoy.extensions.filters.network.direct_response.v3.Config"
TCP_PROXY = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
TCP_RBAC = "envoy.extensions.filters.network.rbac.v3.RBAC"
HTTP_RBAC = "envoy.extensions.filters.http.rbac.v3.RBAC"
MTLS_PRINCIPAL = "envoy.extensions.rbac.principals.mtls_authenticated.v3.Config"
ROUTER = "envoy.extensions.filters.http.router.v3.Router"
ORIGINAL_DST = "envoy.extensions.filters.listener.original_dst.v3.OriginalDst"
TLS_INSPECTOR = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
DOWNSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
UPSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
FILE_ACCESS_LOG = "envoy.extensions.access_loggers.file.v3.FileAccessLog"
HTTP_PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
LUA = "envoy.extensions.filters.http.lua.v3.Lua"
AWS_REQUEST_SIGNING = "envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning"
BUFFER = "envoy.extensions.filters.http.buffer.v3.Buffer"
UPSTREAM_CODEC = "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"
DNS_CLUSTER = "envoy.extensions.clusters.dns.v3.DnsCluster"
EARLY_HEADER_MUTATION = "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
DOWNSTREAM_CONNECTIONS = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
OPENTELEMETRY_TRACER = "envoy.config.trace.v3.OpenTelemetryConfig"
PARENT_SAMPLER = "envoy.extensions.tracers.opentelemetry.samplers.v3.ParentBasedSamplerConfig"
RATIO_SAMPLER = "envoy.extensions.tracers.opentelemetry.samplers.v3.TraceIdRatioBasedSamplerConfig"
OPENTELEMETRY_SINK = "envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig"
STAT_NAME = "envoy.extensions.matching.common_inputs.stats.v3.StatFullNameMatchInput"
ENVIRONMENT_RESOURCE = "envoy.extensions.tracers.opentelemetry.resource_detectors.v3.EnvironmentResourceDetectorConfig"
STATIC_RESOURCE = "envoy.extensions.tracers.opentelemetry.resource_detectors.v3.StaticConfigResourceDetectorConfig"
PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
LUA = "envoy.extensions.filters.http.lua.v3.Lua"
RAW_BUFFER = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
HEADER_INPUT = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"
IP_MATCHER = "envoy.extensions.matching.input_matchers.ip.v3.Ip"
SERVER_NAME_INPUT = "envoy.extensions.matching.common_inputs.network.v3.ServerNameInput"
SOURCE_PORT_INPUT = "envoy.extensions.matching.common_inputs.network.v3.SourcePortInput"
RUNTIME_FRACTION = "envoy.extensions.matching.input_matchers.runtime_fraction.v3.RuntimeFraction"
STRING_VALUE = "google.protobuf.StringValue"
ROUTE = "envoy.config.route.v3.Route"
LISTENER = "envoy.config.listener.v3.Listener"
CLUSTER = "envoy.config.cluster.v3.Cluster"
ROUTE_CONFIGURATION = "envoy.config.route.v3.RouteConfiguration"
CLUSTER_LOAD_ASSIGNMENT = "envoy.config.endpoint.v3.ClusterLoadAssignment"


def typed(type_name: str, **fields: Any) -> Json:
    """Render a ``google.protobuf.Any``, without the fields that are ``None``."""
    return {"@type": f"type.googleapis.com/{type_name}", **present(**fields)}


def present(**fields: Any) -> Json:
    """Return the fields that are not ``None``. Envoy has defaults for the others."""
    return {name: value for name, value in fields.items() if value is not None}


def discovery_response(type_name: str, *resources: Json) -> Json:
    """Render a discovery response."""
    return {"resources": [typed(type_name, **resource) for resource in resources]}


def extension(name: str, type_name: str, **fields: Any) -> Json:
    """Render the name and the typed configuration of an extension."""
    return {"name": name, "typed_config": typed(type_name, **fields)}


def duration(millis: int) -> str:
    """Render a duration."""
    return f"{millis // 1000}s" if millis % 1000 == 0 else f"{millis / 1000:.3f}s"


def socket_address(address: str, port: int) -> Json:
    """Render an address and a port; a listener on ``::`` accepts IPv4 connections too."""
    compat = True if address == "::" else None
    return {"socket_address": present(address=address, port_value=port, ipv4_compat=compat)}


def http_options(*, http2: bool, idle_timeout: str | None = None) -> Json:
    """Render the options of an HTTP cluster.

    Args:
        http2: The cluster uses HTTP/2.
        idle_timeout: Time after which Envoy closes a connection without requests. Default: that of Envoy, one hour.
    """
    if not http2 and idle_timeout is None:
        return {}
    options = typed(
        HTTP_PROTOCOL_OPTIONS,
        common_http_protocol_options=idle_timeout and {"idle_timeout": idle_timeout},
        explicit_http_config={"http2_protocol_options" if http2 else "http_protocol_options": {}},
    )
    return {"typed_extension_protocol_options": {HTTP_PROTOCOL_OPTIONS: options}}


def tags_metadata(**tags: tuple[tuple[str, str], ...]) -> Json | None:
    """Render the AWS tags of parts of the mesh as metadata, which access logs and filters can use."""
    tags_by_kind = {kind: dict(pairs) for kind, pairs in tags.items() if pairs}
    return {"filter_metadata": {"color_mesh.tags": tags_by_kind}} if tags_by_kind else None
