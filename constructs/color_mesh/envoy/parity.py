"""What becomes of each property of App Mesh: the one table that the command, the documentation and the tests share."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from color_mesh.envoy import unsupported


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Define what becomes of some properties.

    Attributes:
        properties: Their paths in CloudFormation, after ``AWS::AppMesh::``; braces hold alternatives.
        becomes: What they become in Envoy's configuration. Empty for what is always refused.
        refused: Why, and when, they are refused. Empty for what never is.
    """

    properties: str
    becomes: str = ""
    refused: str = ""


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
    Row(properties=f"{_ALL}.MeshName", becomes="`node.id`, `node.cluster`, the names of clusters"),
    Row(properties=f"{_PARTS}.MeshOwner", becomes="`node.metadata.mesh_owner`"),
    Row(
        properties="{Mesh,VirtualNode,VirtualGateway}.Tags[].{Key,Value}",
        becomes="`node.metadata.tags` and `.mesh_tags`",
    ),
    Row(
        properties="{VirtualService,VirtualRouter,Route,GatewayRoute}.Tags[].{Key,Value}",
        becomes="`metadata` of the routes, for tcp of the filter chain: `color_mesh.tags`",
    ),
    Row(
        properties="Mesh.Spec.EgressFilter.Type",
        becomes="`DROP_ALL`: filter chains for backends and `*.amazonaws.com:443` only; `ALLOW_ALL`: also for "
        "everything else, to its original destination. With loopback interception nothing else comes to Envoy",
    ),
    Row(
        properties="{Mesh.Spec.ServiceDiscovery,VirtualNode.Spec.ServiceDiscovery.AWSCloudMap,"
        "VirtualNode.Spec.ServiceDiscovery.DNS}.IpPreference",
        becomes="`dns_lookup_family` of callers' clusters; which address of a task is an endpoint; the addresses "
        "of listeners and of the application",
    ),
    Row(properties="VirtualNode.VirtualNodeName", becomes="`node.id`, the names of clusters"),
    Row(properties="VirtualGateway.VirtualGatewayName", becomes="`node.id`, the names of clusters"),
    Row(
        properties=f"{_LISTENER}.PortMapping.Port",
        becomes="`destination_port` of the filter chain, or the listener's own port; the port of the application and "
        "of endpoints",
    ),
    Row(
        properties=f"{_LISTENER}.PortMapping.Protocol",
        becomes="HTTP connection manager or TCP proxy; `http2_protocol_options` and ALPN of clusters",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.HealthCheck.Protocol",
        becomes="callers' clusters: `http_health_check`, `grpc_health_check` or `tcp_health_check`",
    ),
    Row(properties=f"{_NODE_LISTENER}.HealthCheck.IntervalMillis", becomes="callers' clusters: `interval`"),
    Row(properties=f"{_NODE_LISTENER}.HealthCheck.TimeoutMillis", becomes="callers' clusters: `timeout`"),
    Row(properties=f"{_NODE_LISTENER}.HealthCheck.HealthyThreshold", becomes="callers' clusters: `healthy_threshold`"),
    Row(
        properties=f"{_NODE_LISTENER}.HealthCheck.UnhealthyThreshold",
        becomes="callers' clusters: `unhealthy_threshold`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.HealthCheck.Path",
        becomes="callers' clusters: `http_health_check.path`, `/` without one",
        refused="for a health check of tcp or grpc: App Mesh ignored it there",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.HealthCheck.Port",
        becomes="nothing of its own: endpoints are asked at the listener's port",
        refused="unless it is the listener's port, as App Mesh wanted it",
    ),
    Row(
        properties="VirtualGateway.Spec.Listeners[].HealthCheck."
        "{Protocol,IntervalMillis,TimeoutMillis,HealthyThreshold,UnhealthyThreshold,Path,Port}",
        becomes="`metadata` of the listener: `color_mesh.health_check`. App Mesh's gateways did nothing with it: load "
        "balancers have health checks of their own",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.Timeout.{{HTTP,HTTP2,GRPC}}.PerRequest.{{Unit,Value}}",
        becomes="the node's own ingress route: `timeout`, 15 s without one",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.Timeout.{{HTTP,HTTP2,GRPC,TCP}}.Idle.{{Unit,Value}}",
        becomes="the node's own ingress: `idle_timeout` of the route, for tcp of the proxy",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Listeners[].ConnectionPool.HTTP."
        "{MaxConnections,MaxPendingRequests}",
        becomes="the cluster of the application, for a gateway of its second hop: `circuit_breakers`; 2147483647 "
        "without one",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Listeners[].ConnectionPool.{HTTP2,GRPC}.MaxRequests",
        becomes="the same cluster: `circuit_breakers`, `max_requests`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.ConnectionPool.TCP.MaxConnections",
        becomes="the cluster of the application: `circuit_breakers`, `max_connections`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.OutlierDetection.MaxServerErrors",
        becomes="callers' clusters: `consecutive_5xx`; ejection by success rate, Envoy's own idea, is off",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.OutlierDetection.Interval.{{Unit,Value}}",
        becomes="callers' clusters: `outlier_detection.interval`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.OutlierDetection.BaseEjectionDuration.{{Unit,Value}}",
        becomes="callers' clusters: `base_ejection_time`",
    ),
    Row(
        properties=f"{_NODE_LISTENER}.OutlierDetection.MaxEjectionPercent",
        becomes="callers' clusters: `max_ejection_percent`, with `always_eject_one_host`",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Mode",
        becomes="`STRICT`: a filter chain with TLS; `PERMISSIVE`: one with and one without, told apart by "
        "`transport_protocol`; `DISABLED`: one without. Callers without a policy do as the listener does",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Certificate.File.{{CertificateChain,PrivateKey}}",
        becomes="`tls_certificates`; the files are read once",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Certificate.SDS.SecretName",
        becomes="`tls_certificate_sds_secret_configs`",
        refused=f"without the socket: {unsupported.NO_SDS}",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Certificate.ACM.CertificateArn",
        refused=f"unless the mode is `DISABLED`: {unsupported.ACM_CERTIFICATE}",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Validation.Trust.File.CertificateChain",
        becomes="`validation_context.trusted_ca`; with `STRICT` also `require_client_certificate`",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Validation.Trust.SDS.SecretName",
        becomes="`validation_context_sds_secret_config`; with `STRICT` also `require_client_certificate`",
        refused=f"without the socket: {unsupported.NO_SDS}",
    ),
    Row(
        properties=f"{_LISTENER}.TLS.Validation.SubjectAlternativeNames.Match.Exact[]",
        becomes="`match_typed_subject_alt_names`; without any, every name is taken",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Logging.AccessLog.File.Path",
        becomes="`access_log` of every HTTP connection manager and TCP proxy, in both directions",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Logging.AccessLog.File.Format.Text",
        becomes="`log_format.text_format_source`; without a format Envoy's default, which was App Mesh's",
    ),
    Row(
        properties="{VirtualNode,VirtualGateway}.Spec.Logging.AccessLog.File.Format.Json[].{Key,Value}",
        becomes="`log_format.json_format`; Envoy writes the keys in the order of the alphabet",
    ),
    Row(
        properties="VirtualNode.Spec.ServiceDiscovery.AWSCloudMap.{NamespaceName,ServiceName}",
        becomes="callers' clusters: DNS at `service.namespace`, or `EDS` from a file; the expected name of "
        "the certificate and the host of health checks",
    ),
    Row(
        properties="VirtualNode.Spec.ServiceDiscovery.AWSCloudMap.Attributes[].{Key,Value}",
        becomes="which tasks are endpoints in the file",
        refused=f"when endpoints are found by DNS: {unsupported.ATTRIBUTES}",
    ),
    Row(
        properties="VirtualNode.Spec.ServiceDiscovery.DNS.Hostname",
        becomes="callers' clusters: the address of the endpoint; the expected name of the certificate and the host of "
        "health checks",
    ),
    Row(
        properties="VirtualNode.Spec.ServiceDiscovery.DNS.ResponseType",
        becomes="callers' clusters: DNS, `all_addresses_in_single_endpoint` for `LOADBALANCER`",
    ),
    Row(
        properties="VirtualNode.Spec.Backends[].VirtualService.VirtualServiceName",
        becomes="a virtual host, for tcp a filter chain, and the clusters of what provides the service; with loopback "
        "interception a listener",
        refused=f"when only its name is known: {unsupported.EXTERNAL}",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Enforce",
        becomes="`false`: the cluster has a `transport_socket` only if the listener speaks TLS",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Ports[]",
        becomes="the clusters of listeners with these ports have it; others do as the listener does",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Certificate.File.{{CertificateChain,PrivateKey}}",
        becomes="`tls_certificates` of the cluster",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Certificate.SDS.SecretName",
        becomes="`tls_certificate_sds_secret_configs` of the cluster",
        refused=f"without the socket: {unsupported.NO_SDS}",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Validation.Trust.File.CertificateChain",
        becomes="`validation_context.trusted_ca` of the cluster",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Validation.Trust.SDS.SecretName",
        becomes="`validation_context_sds_secret_config` of the cluster",
        refused=f"without the socket: {unsupported.NO_SDS}",
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Validation.Trust.ACM.CertificateAuthorityArns[]",
        refused=unsupported.ACM_TRUST,
    ),
    Row(
        properties=f"{_CLIENT_TLS}.Validation.SubjectAlternativeNames.Match.Exact[]",
        becomes="`match_typed_subject_alt_names`; without any, the name by which the node is found",
    ),
    Row(
        properties="VirtualService.VirtualServiceName",
        becomes="`domains` of the virtual host, with and without the port; a gateway's `host_rewrite_literal`",
    ),
    Row(
        properties="VirtualService.Spec.Provider.{VirtualNode.VirtualNodeName,VirtualRouter.VirtualRouterName}",
        becomes="where the virtual host's routes go; to a node with App Mesh's default timeout and retries",
    ),
    Row(
        properties="{VirtualRouter,Route}.VirtualRouterName",
        becomes="which routes a virtual host has; Envoy itself knows no routers",
    ),
    Row(
        properties="VirtualRouter.Spec.Listeners[].PortMapping.{Port,Protocol}",
        becomes="the ports of the service: `destination_port` of callers' filter chains, or their listeners' ports",
    ),
    Row(properties="{Route.RouteName,GatewayRoute.GatewayRouteName}", becomes="the route's `name`"),
    Row(
        properties="{Route,GatewayRoute}.Spec.Priority",
        becomes="the order of routes: by priority, those without one last, then the longest path first",
    ),
    Row(properties=f"{_HTTP_MATCH}.Prefix", becomes="`match.prefix`; `/` when nothing is said of the path"),
    Row(properties=f"{_HTTP_MATCH}.Path.Exact", becomes="`match.path`"),
    Row(properties=f"{_HTTP_MATCH}.Path.Regex", becomes="`match.safe_regex`"),
    Row(properties=f"{_HTTP_MATCH}.Method", becomes="`match.headers`: `:method`"),
    Row(properties="Route.Spec.{HttpRoute,Http2Route}.Match.Scheme", becomes="`match.headers`: `:scheme`"),
    Row(
        properties="{Route,GatewayRoute}.Spec.{HttpRoute,Http2Route,GrpcRoute}.Match.Port",
        becomes="the port's own routes; those of other ports do not have it",
    ),
    Row(
        properties="Route.Spec.TcpRoute.Match.Port",
        becomes="the port's own filter chain",
    ),
    Row(properties=f"{_HEADER}.Name", becomes="`match.headers[].name`"),
    Row(properties=f"{_HEADER}.Invert", becomes="`match.headers[].invert_match`"),
    Row(
        properties=f"{_HEADER}.Match.{{Exact,Prefix,Suffix,Regex}}",
        becomes="`match.headers[].string_match`; without any, `present_match`",
    ),
    Row(
        properties=f"{_HEADER}.Match.Range.{{Start,End}}",
        becomes="`match.headers[].range_match`, which leaves out the end too",
    ),
    Row(
        properties=f"{_HTTP_MATCH}.QueryParameters[].{{Name,Match.Exact}}",
        becomes="`match.query_parameters[]`; `present_match` without a value",
    ),
    Row(
        properties="{Route,GatewayRoute}.Spec.GrpcRoute.Match.ServiceName",
        becomes="`match.prefix`: `/service/`, and `match.grpc`",
    ),
    Row(properties="Route.Spec.GrpcRoute.Match.MethodName", becomes="`match.path`: `/service/method`"),
    Row(
        properties=f"{_ANY_GATEWAY}.Match.Hostname.{{Exact,Suffix}}",
        becomes="`domains` of a virtual host of the first hop, with and without the port",
    ),
    Row(
        properties="Route.Spec.{HttpRoute,Http2Route,GrpcRoute,TcpRoute}.Action.WeightedTargets[].VirtualNode",
        becomes="`cluster`, or `weighted_clusters` when there are several",
    ),
    Row(
        properties="Route.Spec.{HttpRoute,Http2Route,GrpcRoute,TcpRoute}.Action.WeightedTargets[].Weight",
        becomes="`weighted_clusters[].weight`; a tcp route leaves out weights of 0, which Envoy takes for http only",
    ),
    Row(
        properties="Route.Spec.{HttpRoute,Http2Route,GrpcRoute,TcpRoute}.Action.WeightedTargets[].Port",
        becomes="which of the node's listeners the cluster is of",
    ),
    Row(
        properties=f"{_RETRIES}.RetryPolicy.MaxRetries",
        becomes="`num_retries`. Without a policy App Mesh's default: 2, on 503, reset, unavailable, connect-failure "
        "and refused-stream",
    ),
    Row(
        properties=f"{_RETRIES}.RetryPolicy.PerRetryTimeout.{{Unit,Value}}",
        becomes="`per_try_timeout`; none for 0",
    ),
    Row(
        properties=f"{_RETRIES}.RetryPolicy.HttpRetryEvents[]",
        becomes="`retriable_status_codes`; for stream-error `refused-stream`; for server-error and gateway-error also "
        "`reset`",
    ),
    Row(properties=f"{_RETRIES}.RetryPolicy.TcpRetryEvents[]", becomes="`connect-failure`"),
    Row(
        properties="Route.Spec.GrpcRoute.RetryPolicy.GrpcRetryEvents[]",
        becomes="`retry_on`, by the same names",
    ),
    Row(
        properties=f"{_RETRIES}.Timeout.PerRequest.{{Unit,Value}}",
        becomes="`timeout` of the route, 15 s without one; a gateway's first hop waits as long",
    ),
    Row(
        properties="Route.Spec.{HttpRoute,Http2Route,GrpcRoute,TcpRoute}.Timeout.Idle.{Unit,Value}",
        becomes="`idle_timeout` of the route, for tcp of the proxy",
    ),
    Row(properties="GatewayRoute.VirtualGatewayName", becomes="whose first hop has the route"),
    Row(
        properties=f"{_ANY_GATEWAY}.Action.Target.VirtualService.VirtualServiceName",
        becomes="`host_rewrite_literal`, and which routes of the second hop the request may take",
        refused=f"when only its name is known: {unsupported.EXTERNAL}",
    ),
    Row(
        properties=f"{_ANY_GATEWAY}.Action.Target.Port",
        becomes="which routes of the second hop the request may take",
    ),
    Row(
        properties=f"{_ANY_GATEWAY}.Action.Rewrite.Hostname.DefaultTargetHostname",
        becomes="`DISABLED`: no `host_rewrite_literal`",
    ),
    Row(
        properties=f"{_HTTP_GATEWAY}.Action.Rewrite.Prefix.DefaultPrefix",
        becomes="`ENABLED`: `prefix_rewrite` to `/`; `DISABLED`: none",
    ),
    Row(properties=f"{_HTTP_GATEWAY}.Action.Rewrite.Prefix.Value", becomes="`prefix_rewrite`"),
    Row(
        properties=f"{_HTTP_GATEWAY}.Action.Rewrite.Path.Exact",
        becomes="`prefix_rewrite` of the whole path, `regex_rewrite` for a regular expression",
    ),
)


@cache
def table() -> Mapping[str, Row]:
    """Find the row of every property, by its path."""
    return {path: row for row in ROWS for path in paths(row.properties)}


def paths(pattern: str) -> Iterator[str]:
    """Find the paths that a pattern with alternatives in braces stands for."""
    found = re.search(r"\{([^}]*)\}", pattern)
    if found is None:
        yield pattern
        return
    for alternative in found[1].split(","):
        yield from paths(pattern[: found.start()] + alternative + pattern[found.end() :])
