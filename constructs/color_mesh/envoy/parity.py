"""Parity of the Envoy data plane with App Mesh: one table for the command, the documentation and the tests."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from color_mesh.envoy import unsupported


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Parity of some properties.

    Attributes:
        properties: Paths of the properties in CloudFormation, after ``AWS::AppMesh::``, with alternatives in braces.
        envoy: Counterpart in Envoy's configuration.
        unsupported: Condition under which the property is not supported, and the reason. Empty if it always is.
    """

    properties: str
    envoy: str
    unsupported: str = ""


_ALL = "{Mesh,VirtualNode,VirtualService,VirtualRouter,Route,VirtualGateway,GatewayRoute}"
_PARTS = "{VirtualNode,VirtualService,VirtualRouter,Route,VirtualGateway,GatewayRoute}"
_LISTENER = "{VirtualNode,VirtualGateway}.Spec.Listeners[]"
_NODE_LISTENER = "VirtualNode.Spec.Listeners[]"
_CLIENT_TLS = (
    "{VirtualNode.Spec.Backends[].VirtualService,VirtualNode.Spec.BackendDefaults,VirtualGateway.Spec.BackendDefaults}"
    ".ClientPolicy.TLS"
)
_HTTP_MATCH = "{Route,GatewayRoute}.Spec.{HttpRoute,Http2Route}.Match"
_HEADER = "{Route,GatewayRoute}.Spec.{HttpRoute.Match.Headers[],Http2Route.Match.Headers[],GrpcRoute.Match.Metadata[]}"
_HTTP_GATEWAY = "GatewayRoute.Spec.{HttpRoute,Http2Route}"
_ANY_GATEWAY = "GatewayRoute.Spec.{HttpRoute,Http2Route,GrpcRoute}"
_RETRIES = "Route.Spec.{HttpRoute,Http2Route,GrpcRoute}"

ROWS = (
    Row(properties=f"{_ALL}.MeshName", envoy="`node.id`, `node.cluster`, the names of clusters"),
    Row(properties=f"{_PARTS}.MeshOwner", envoy="`node.metadata.mesh_owner`"),
    Row(
        properties="{Mesh,VirtualNode,VirtualGateway}.Tags[].{Key,Value}",
        envoy="`node.metadata.tags` and `.mesh_tags`",
    ),
    Row(
        properties="{VirtualService,VirtualRouter,Route,GatewayRoute}.Tags[].{Key,Value}",
        envoy="`metadata` of the routes, for tcp of the filter chain: `color_mesh.tags`",
    ),
    Row(
        properties="Mesh.Spec.EgressFilter.Type",
        envoy="`DROP_ALL`: filter chains for backends and `*.amazonaws.com:443` only; `ALLOW_ALL`: also for all "
        "other destinations. With loopback interception, Envoy receives connections to backends only",
    ),
    Row(
        properties="{Mesh.Spec.ServiceDiscovery,VirtualNode.Spec.ServiceDiscovery.AWSCloudMap,"
        "VirtualNode.Spec.ServiceDiscovery.DNS}.IpPreference",
        envoy="`dns_lookup_family` of callers' clusters; selection of a task's address as endpoint; addresses "
        "of listeners and of the application",
    ),
    Row(properties="VirtualNode.VirtualNodeName", envoy="`node.id`, the names of clusters"),
    Row(properties="VirtualGateway.VirtualGatewayName", envoy="`node.id`, the names of clusters"),
    Row(
        properties=f"{_LISTENER}.PortMapping.Port",
        envoy="`destination_port` of the filter chain, or the listener's own port; the port of the application and "
        "of endpoints",
    ),
    Row(
        properties=f"{_LISTENER}.PortMapping.Protocol",
        envoy="HTTP connection manager or TCP proxy; `http2_protocol_options` and ALPN of clusters",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.HealthCheck.Protocol",
        envoy="callers' clusters: `http_health_check`, `grpc_health_check` or `tcp_health_check`",
    ),
    Row(properties=f"{_NODE_LISTENER}.HealthCheck.IntervalMillis", envoy="callers' clusters: `interval`"),
    Row(properties=f"{_NODE_LISTENER}.HealthCheck.TimeoutMillis", envoy="callers' clusters: `timeout`"),
    Row(properties=f"{_NODE_LISTENER}.HealthCheck.HealthyThreshold", envoy="callers' clusters: `healthy_threshold`"),
    Row(
        properties=f"{_NODE_LISTENER}.HealthCheck.UnhealthyThreshold",
        envoy="callers' clusters: `unhealthy_threshold`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.HealthCheck.Path",
        envoy="callers' clusters: `http_health_check.path`, `/` without one",
        unsupported="for health checks with tcp or grpc, for which App Mesh ignored it",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.HealthCheck.Port",
        envoy="not rendered: health checks use the listener's port",
        unsupported="unless it is the listener's port, as App Mesh required",
    ),
    Row(
        properties="VirtualGateway.Spec.Listeners[].HealthCheck."
        "{Protocol,IntervalMillis,TimeoutMillis,HealthyThreshold,UnhealthyThreshold,Path,Port}",
        envoy="`metadata` of the listener: `color_mesh.health_check`. App Mesh's gateways did not use it; load "
        "balancers have health checks of their own",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.Timeout.{{HTTP,HTTP2,GRPC}}.PerRequest.{{Unit,Value}}",
        envoy="ingress route of the node: `timeout`, by default 15 s",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.Timeout.{{HTTP,HTTP2,GRPC,TCP}}.Idle.{{Unit,Value}}",
        envoy="ingress of the node: `idle_timeout` of the route, for tcp of the TCP proxy",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Listeners[].ConnectionPool.HTTP."
        "{MaxConnections,MaxPendingRequests}",
        envoy="cluster of the application, or of a gateway's second hop: `circuit_breakers`, by default 2147483647",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Listeners[].ConnectionPool.{HTTP2,GRPC}.MaxRequests",
        envoy="the same cluster: `circuit_breakers`, `max_requests`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.ConnectionPool.TCP.MaxConnections",
        envoy="cluster of the application: `circuit_breakers`, `max_connections`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.OutlierDetection.MaxServerErrors",
        envoy="callers' clusters: `consecutive_5xx`; ejection by success rate, an addition of Envoy, is disabled",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.OutlierDetection.Interval.{{Unit,Value}}",
        envoy="callers' clusters: `outlier_detection.interval`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.OutlierDetection.BaseEjectionDuration.{{Unit,Value}}",
        envoy="callers' clusters: `base_ejection_time`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.OutlierDetection.MaxEjectionPercent",
        envoy="callers' clusters: `max_ejection_percent`, with `always_eject_one_host`",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Mode",
        envoy="`STRICT`: a filter chain with TLS; `PERMISSIVE`: one with and one without TLS, selected by "
        "`transport_protocol`; `DISABLED`: one without TLS. Callers without a client policy follow the listener",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Certificate.File.{{CertificateChain,PrivateKey}}",
        envoy="`tls_certificates`; Envoy reads the files once, at its start",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Certificate.SDS.SecretName",
        envoy="`tls_certificate_sds_secret_configs`",
        unsupported=f"without `sds_socket`: {unsupported.NO_SDS}",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Certificate.ACM.CertificateArn",
        envoy="`tls_certificate_sds_secret_configs`, by calls of ExportCertificate",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Validation.Trust.File.CertificateChain",
        envoy="`validation_context.trusted_ca`; with `STRICT` also `require_client_certificate`",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Validation.Trust.SDS.SecretName",
        envoy="`validation_context_sds_secret_config`; with `STRICT` also `require_client_certificate`",
        unsupported=f"without `sds_socket`: {unsupported.NO_SDS}",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Validation.SubjectAlternativeNames.Match.Exact[]",
        envoy="`match_typed_subject_alt_names`; without any, every name is accepted",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Logging.AccessLog.File.Path",
        envoy="`access_log` of every HTTP connection manager and TCP proxy, in both directions",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Logging.AccessLog.File.Format.Text",
        envoy="`log_format.text_format_source`; without a format Envoy's default, as in App Mesh, in which a gateway "
        "logs the client's address in place of `X-Forwarded-For`",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Logging.AccessLog.File.Format.Json[].{Key,Value}",
        envoy="`log_format.json_format`; Envoy sorts the keys",
    ),
    Row(
        properties="VirtualNode.Spec.ServiceDiscovery.AWSCloudMap.{NamespaceName,ServiceName}",
        envoy="callers' clusters: `EDS` by calls of DiscoverInstances, or from a file; expected SAN of the "
        "certificate and the host of health checks",
    ),
    Row(
        properties="VirtualNode.Spec.ServiceDiscovery.AWSCloudMap.Attributes[].{Key,Value}",
        envoy="`QueryParameters` of DiscoverInstances; selection of the tasks that are endpoints in the file",
    ),
    Row(
        properties="VirtualNode.Spec.ServiceDiscovery.DNS.Hostname",
        envoy="callers' clusters: address of the endpoint; expected SAN of the certificate and host of health checks",
    ),
    Row(
        properties="VirtualNode.Spec.ServiceDiscovery.DNS.ResponseType",
        envoy="callers' clusters: `all_addresses_in_single_endpoint` for `LOADBALANCER`",
    ),
    Row(
        properties="VirtualNode.Spec.Backends[].VirtualService.VirtualServiceName",
        envoy="a virtual host, for tcp a filter chain, and the clusters of the service's provider; with loopback "
        "interception a listener",
        unsupported=f"if the service is declared elsewhere: {unsupported.EXTERNAL}",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Enforce",
        envoy="`false`: the cluster has a `transport_socket` only if the listener speaks TLS",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Ports[]",
        envoy="the policy applies to the clusters of listeners with these ports; others follow the listener",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Certificate.File.{{CertificateChain,PrivateKey}}",
        envoy="`tls_certificates` of the cluster",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Certificate.SDS.SecretName",
        envoy="`tls_certificate_sds_secret_configs` of the cluster",
        unsupported=f"without `sds_socket`: {unsupported.NO_SDS}",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Validation.Trust.File.CertificateChain",
        envoy="`validation_context.trusted_ca` of the cluster",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Validation.Trust.SDS.SecretName",
        envoy="`validation_context_sds_secret_config` of the cluster",
        unsupported=f"without `sds_socket`: {unsupported.NO_SDS}",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Validation.Trust.ACM.CertificateAuthorityArns[]",
        envoy="`validation_context_sds_secret_config` of the cluster, by calls of GetCertificateAuthorityCertificate",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Validation.SubjectAlternativeNames.Match.Exact[]",
        envoy="`match_typed_subject_alt_names`, by default the DNS name of the node's service discovery",
    ),
    Row(
        properties="VirtualService.VirtualServiceName",
        envoy="`domains` of the virtual host, with and without the port; a gateway's `host_rewrite_literal`",
    ),
    Row(
        properties="VirtualService.Spec.Provider.{VirtualNode.VirtualNodeName,VirtualRouter.VirtualRouterName}",
        envoy="clusters of the virtual host's routes; for a node with App Mesh's default timeout and retries",
    ),
    Row(
        properties="{VirtualRouter,Route}.VirtualRouterName",
        envoy="selection of a virtual host's routes; Envoy has no counterpart of a router",
    ),
    Row(
        properties="VirtualRouter.Spec.Listeners[].PortMapping.{Port,Protocol}",
        envoy="ports of the service: `destination_port` of callers' filter chains, or ports of their listeners",
    ),
    Row(properties="{Route.RouteName,GatewayRoute.GatewayRouteName}", envoy="`name` of the route"),
    Row(
        properties="{Route,GatewayRoute}.Spec.Priority",
        envoy="order of the routes: by priority, then those without one, the longest path first",
    ),
    Row(
        properties=f"{_HTTP_MATCH}.Prefix",
        envoy="`match.prefix`, by default `/`; of gateway routes `match.path_separated_prefix`, for whole path "
        "segments, unless Envoy stands in for App Mesh",
        unsupported="of gateway routes with more than 900 bytes",
    ),
    Row(properties=f"{_HTTP_MATCH}.Path.Exact", envoy="`match.path`"),
    Row(properties=f"{_HTTP_MATCH}.Path.Regex", envoy="`match.safe_regex`"),
    Row(properties=f"{_HTTP_MATCH}.Method", envoy="`match.headers`: `:method`"),
    Row(properties="Route.Spec.{HttpRoute,Http2Route}.Match.Scheme", envoy="`match.headers`: `:scheme`"),
    Row(
        properties="{Route,GatewayRoute}.Spec.{HttpRoute,Http2Route,GrpcRoute}.Match.Port",
        envoy="the route is in the route configuration of this port only",
    ),
    Row(
        properties="Route.Spec.TcpRoute.Match.Port",
        envoy="the route is in the filter chain of this port only",
    ),
    Row(properties=f"{_HEADER}.Name", envoy="`match.headers[].name`"),
    Row(properties=f"{_HEADER}.Invert", envoy="`match.headers[].invert_match`"),
    Row(
        properties=f"{_HEADER}.Match.{{Exact,Prefix,Suffix,Regex}}",
        envoy="`match.headers[].string_match`; without any, `present_match`",
    ),
    Row(
        properties=f"{_HEADER}.Match.Range.{{Start,End}}",
        envoy="`match.headers[].range_match`, whose end is exclusive too",
    ),
    Row(
        properties=f"{_HTTP_MATCH}.QueryParameters[].{{Name,Match.Exact}}",
        envoy="`match.query_parameters[]`; `present_match` without a value",
    ),
    Row(
        properties="{Route,GatewayRoute}.Spec.GrpcRoute.Match.ServiceName",
        envoy="`match.prefix`: `/service/`, and `match.grpc`",
    ),
    Row(properties="Route.Spec.GrpcRoute.Match.MethodName", envoy="`match.path`: `/service/method`"),
    Row(
        properties=f"{_ANY_GATEWAY}.Match.Hostname.{{Exact,Suffix}}",
        envoy="`domains` of a virtual host of the first hop, with and without the port",
    ),
    Row(
        properties="Route.Spec.{HttpRoute,Http2Route,GrpcRoute,TcpRoute}.Action.WeightedTargets[].VirtualNode",
        envoy="`cluster`, or `weighted_clusters` when there are several",
    ),
    Row(
        properties="Route.Spec.{HttpRoute,Http2Route,GrpcRoute,TcpRoute}.Action.WeightedTargets[].Weight",
        envoy="`weighted_clusters[].weight`; without weights of 0 for tcp, where Envoy does not accept them. Weights "
        "in Cloud Map: `runtime_key_prefix`, for tcp `filter_chain_matcher`",
    ),
    Row(
        properties="Route.Spec.{HttpRoute,Http2Route,GrpcRoute,TcpRoute}.Action.WeightedTargets[].Port",
        envoy="selection of the node's listener",
    ),
    Row(
        properties=f"{_RETRIES}.RetryPolicy.MaxRetries",
        envoy="`num_retries`; without a policy 2, as in App Mesh, on 503, reset, unavailable, connect-failure "
        "and refused-stream",
    ),
    Row(
        properties=f"{_RETRIES}.RetryPolicy.PerRetryTimeout.{{Unit,Value}}",
        envoy="`per_try_timeout`; none for 0",
    ),
    Row(
        properties=f"{_RETRIES}.RetryPolicy.HttpRetryEvents[]",
        envoy="`retriable_status_codes`; for stream-error `refused-stream`; for server-error and gateway-error also "
        "`reset`",
    ),
    Row(properties=f"{_RETRIES}.RetryPolicy.TcpRetryEvents[]", envoy="`connect-failure`"),
    Row(
        properties="Route.Spec.GrpcRoute.RetryPolicy.GrpcRetryEvents[]",
        envoy="`retry_on`, with the same names",
    ),
    Row(
        properties=f"{_RETRIES}.Timeout.PerRequest.{{Unit,Value}}",
        envoy="`timeout` of the route, by default 15 s, and of a gateway's first hop",
    ),
    Row(
        properties="Route.Spec.{HttpRoute,Http2Route,GrpcRoute,TcpRoute}.Timeout.Idle.{Unit,Value}",
        envoy="`idle_timeout` of the route, for tcp of the TCP proxy",
    ),
    Row(properties="GatewayRoute.VirtualGatewayName", envoy="selection of the gateway whose first hop has the route"),
    Row(
        properties=f"{_ANY_GATEWAY}.Action.Target.VirtualService.VirtualServiceName",
        envoy="`host_rewrite_literal`, and selection of the routes of the second hop",
        unsupported=f"if the service is declared elsewhere: {unsupported.EXTERNAL}",
    ),
    Row(
        properties=f"{_ANY_GATEWAY}.Action.Target.Port",
        envoy="selection of the routes of the second hop",
    ),
    Row(
        properties=f"{_ANY_GATEWAY}.Action.Rewrite.Hostname.DefaultTargetHostname",
        envoy="`DISABLED`: no `host_rewrite_literal`",
    ),
    Row(
        properties=f"{_HTTP_GATEWAY}.Action.Rewrite.Prefix.DefaultPrefix",
        envoy="`ENABLED`: rewrite to `/`; `DISABLED`: none",
    ),
    Row(
        properties=f"{_HTTP_GATEWAY}.Action.Rewrite.Prefix.Value",
        envoy="`prefix_rewrite`; `regex_rewrite` if only the value ends with a slash",
        unsupported="if the value has a segment `.` or `..`",
    ),
    Row(
        properties=f"{_HTTP_GATEWAY}.Action.Rewrite.Path.Exact",
        envoy="`prefix_rewrite` of the exact path; `regex_rewrite` for a regular expression",
        unsupported="if the path has a segment `.` or `..`",
    ),
)


@cache
def rows_by_path() -> Mapping[str, Row]:
    """Return the row of each property, by its path."""
    return {path: row for row in ROWS for path in paths(row.properties)}


def paths(pattern: str) -> Iterator[str]:
    """Expand the alternatives in braces of a pattern."""
    braces = re.search(r"\{([^}]*)\}", pattern)
    if braces is None:
        yield pattern
        return
    for alternative in braces[1].split(","):
        yield from paths(pattern[: braces.start()] + alternative + pattern[braces.end() :])
