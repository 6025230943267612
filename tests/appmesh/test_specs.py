"""The spec of each App Mesh resource, with the keys of the App Mesh API."""

from typing import Any

import pytest

from color_mesh.appmesh import (
    gateway_route_spec,
    mesh_spec,
    route_spec,
    unsupported_tls,
    virtual_gateway_spec,
    virtual_node_spec,
    virtual_router_spec,
    virtual_service_spec,
)
from color_mesh.model import (
    AccessLog,
    AcmCertificate,
    AcmTrust,
    ClientTls,
    CloudMapDiscovery,
    ConnectionPool,
    DnsDiscovery,
    EgressFilter,
    GatewayRoute,
    HeaderMatch,
    HealthCheck,
    Listener,
    ListenerTls,
    Mesh,
    Milliseconds,
    Protocol,
    QueryParameterMatch,
    Rewrite,
    Route,
    RouteMatch,
    SdsCertificate,
    SdsTrust,
    SecretsManagerCertificate,
    SecretsManagerTrust,
    Timeout,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)
from tests.support.builders import (
    certificate,
    client_tls,
    health_check,
    outlier_detection,
    retry_policy,
    to,
    validation,
)

HTTP = Listener(port=80)
HTTP_SPEC = {"portMapping": {"port": 80, "protocol": "http"}}
RED = CloudMapDiscovery(namespace="colors.local", service="red")
RED_SPEC = {"awsCloudMap": {"namespaceName": "colors.local", "serviceName": "red"}}
TO_RED = {"target": {"virtualService": {"virtualServiceName": "red.colors.local"}}}
WITH_PATHS = [pytest.param("http", "httpRoute", id="http"), pytest.param("http2", "http2Route", id="http2")]


def node(**parts: Any) -> VirtualNode:
    """Return a node with a listener on port 80 and service discovery."""
    return VirtualNode(**{"name": "red", "listeners": (HTTP,), "discovery": RED, **parts})


def route(match: RouteMatch, *targets: WeightedTarget, **changes: Any) -> Route:
    return Route(name="all", match=match, targets=targets, **changes)


def gateway_route(match: RouteMatch, **changes: Any) -> GatewayRoute:
    return GatewayRoute(name="all", match=match, virtual_service="red.colors.local", **changes)


def with_listener(**policies: Any) -> dict[str, Any]:
    """Return the spec of a node's listener with these fields, without its port mapping."""
    (listener,) = virtual_node_spec(node(listeners=(Listener(**{"port": 80, **policies}),)))["listeners"]
    assert listener.pop("portMapping") == {"port": 80, "protocol": policies.get("protocol", "http")}
    return dict(listener)


def match_of(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the match of a route's spec."""
    (rule,) = spec.values()
    return dict(rule["match"])


@pytest.mark.parametrize("egress_filter", ["DROP_ALL", "ALLOW_ALL"])
def test_a_mesh_has_an_egress_filter(egress_filter: EgressFilter) -> None:
    assert mesh_spec(Mesh(name="colors", egress_filter=egress_filter)) == {"egressFilter": {"type": egress_filter}}


def test_node_without_backends_and_log_has_no_such_keys() -> None:
    assert virtual_node_spec(node()) == {"listeners": [HTTP_SPEC], "serviceDiscovery": RED_SPEC}


def test_node_without_listeners_has_only_backends() -> None:
    caller = VirtualNode(name="caller", backends=(to("red.colors.local"),))
    assert virtual_node_spec(caller) == {
        "backends": [{"virtualService": {"virtualServiceName": "red.colors.local"}}],
    }


def test_a_node_keeps_the_order_of_its_listeners_and_backends() -> None:
    several = VirtualNode(
        name="red",
        listeners=(Listener(port=8080, protocol="http2"), Listener(port=80, protocol="grpc"), Listener(port=9)),
        discovery=RED,
        backends=(to("router.colors.local"), to("blue.colors.local")),
    )
    assert virtual_node_spec(several) == {
        "listeners": [
            {"portMapping": {"port": 8080, "protocol": "http2"}},
            {"portMapping": {"port": 80, "protocol": "grpc"}},
            {"portMapping": {"port": 9, "protocol": "http"}},
        ],
        "serviceDiscovery": RED_SPEC,
        "backends": [
            {"virtualService": {"virtualServiceName": "router.colors.local"}},
            {"virtualService": {"virtualServiceName": "blue.colors.local"}},
        ],
    }


@pytest.mark.parametrize(
    ("log", "file"),
    [
        pytest.param(AccessLog(), {"path": "/dev/stdout"}, id="default-format"),
        pytest.param(AccessLog(path="/tmp/red.log"), {"path": "/tmp/red.log"}, id="path"),
        pytest.param(
            AccessLog(text="[%START_TIME%] %PROTOCOL%\n"),
            {"path": "/dev/stdout", "format": {"text": "[%START_TIME%] %PROTOCOL%\n"}},
            id="text",
        ),
        pytest.param(
            AccessLog(json=(("start_time", "%START_TIME%"), ("method", "%REQ(:METHOD)%"), ("a", "%PROTOCOL%"))),
            {
                "path": "/dev/stdout",
                "format": {
                    "json": [
                        {"key": "start_time", "value": "%START_TIME%"},
                        {"key": "method", "value": "%REQ(:METHOD)%"},
                        {"key": "a", "value": "%PROTOCOL%"},
                    ]
                },
            },
            id="json-in-order",
        ),
    ],
)
def test_nodes_and_gateways_log_requests_to_a_file(log: AccessLog, file: dict[str, Any]) -> None:
    logging = {"accessLog": {"file": file}}
    gateway = VirtualGateway(name="gateway", listeners=(HTTP,), access_log=log)
    assert virtual_node_spec(node(access_log=log)) == {
        "listeners": [HTTP_SPEC],
        "serviceDiscovery": RED_SPEC,
        "logging": logging,
    }
    assert virtual_gateway_spec(gateway) == {"listeners": [HTTP_SPEC], "logging": logging}


def test_gateway_without_log_has_no_such_key() -> None:
    assert virtual_gateway_spec(VirtualGateway(name="gateway", listeners=(HTTP,))) == {"listeners": [HTTP_SPEC]}


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc", "tcp"])
def test_router_has_listeners_and_no_routes(protocol: Protocol) -> None:
    routes = (route(RouteMatch(prefix="/"), WeightedTarget(virtual_node="red", weight=1)),)
    router = VirtualRouter(name="router", listeners=(Listener(port=81, protocol=protocol),), routes=routes)
    assert virtual_router_spec(router) == {"listeners": [{"portMapping": {"port": 81, "protocol": protocol}}]}


@pytest.mark.parametrize(
    ("service", "spec"),
    [
        pytest.param(
            VirtualService(name="red.colors.local", virtual_node="red"),
            {"provider": {"virtualNode": {"virtualNodeName": "red"}}},
            id="node",
        ),
        pytest.param(
            VirtualService(name="router.colors.local", virtual_router="color-router"),
            {"provider": {"virtualRouter": {"virtualRouterName": "color-router"}}},
            id="router",
        ),
        pytest.param(VirtualService(name="nothing.colors.local"), {}, id="none"),
    ],
)
def test_service_has_its_provider(service: VirtualService, spec: dict[str, Any]) -> None:
    assert virtual_service_spec(service) == spec


@pytest.mark.parametrize(("protocol", "key"), WITH_PATHS)
def test_route_with_all_fields(protocol: Protocol, key: str) -> None:
    match = RouteMatch(prefix="/orders", method="GET", port=80)
    targets = (
        WeightedTarget(virtual_node="yellow", weight=1, port=80),
        WeightedTarget(virtual_node="green", weight=4, port=8080),
    )
    assert route_spec(route(match, *targets, protocol=protocol, priority=1)) == {
        "priority": 1,
        key: {
            "match": {"prefix": "/orders", "method": "GET", "port": 80},
            "action": {
                "weightedTargets": [
                    {"virtualNode": "yellow", "weight": 1, "port": 80},
                    {"virtualNode": "green", "weight": 4, "port": 8080},
                ]
            },
        },
    }


@pytest.mark.parametrize(
    ("protocol", "key"), [pytest.param("grpc", "grpcRoute", id="grpc"), pytest.param("tcp", "tcpRoute", id="tcp")]
)
def test_match_without_path_conditions(protocol: Protocol, key: str) -> None:
    red = WeightedTarget(virtual_node="red", weight=100)
    action = {"weightedTargets": [{"virtualNode": "red", "weight": 100}]}
    assert route_spec(route(RouteMatch(), red, protocol=protocol)) == {key: {"match": {}, "action": action}}
    assert route_spec(route(RouteMatch(port=81), red, protocol=protocol)) == {
        key: {"match": {"port": 81}, "action": action}
    }


def test_a_route_keeps_weight_0_and_priority_0() -> None:
    targets = WeightedTarget(virtual_node="green", weight=0), WeightedTarget(virtual_node="yellow", weight=1)
    assert route_spec(route(RouteMatch(prefix="/"), *targets, priority=0)) == {
        "priority": 0,
        "httpRoute": {
            "match": {"prefix": "/"},
            "action": {
                "weightedTargets": [{"virtualNode": "green", "weight": 0}, {"virtualNode": "yellow", "weight": 1}]
            },
        },
    }


@pytest.mark.parametrize(("protocol", "key"), WITH_PATHS)
def test_gateway_route_with_all_fields(protocol: Protocol, key: str) -> None:
    match = RouteMatch(prefix="/", method="POST", port=8080)
    assert gateway_route_spec(gateway_route(match, protocol=protocol, priority=1000)) == {
        "priority": 1000,
        key: {"match": {"prefix": "/", "method": "POST", "port": 8080}, "action": TO_RED},
    }


def test_a_gateway_route_keeps_priority_0() -> None:
    assert gateway_route_spec(gateway_route(RouteMatch(prefix="/red"), priority=0)) == {
        "priority": 0,
        "httpRoute": {"match": {"prefix": "/red"}, "action": TO_RED},
    }


def test_a_gateway_route_for_grpc_matches_everything() -> None:
    assert gateway_route_spec(gateway_route(RouteMatch(), protocol="grpc")) == {
        "grpcRoute": {"match": {}, "action": TO_RED}
    }


def test_mesh_has_its_ip_preference() -> None:
    assert mesh_spec(Mesh(name="colors", ip_preference="IPv6_ONLY")) == {
        "egressFilter": {"type": "DROP_ALL"},
        "serviceDiscovery": {"ipPreference": "IPv6_ONLY"},
    }


@pytest.mark.parametrize(
    ("discovery", "spec"),
    [
        pytest.param(
            CloudMapDiscovery(
                namespace="colors.local",
                service="red",
                attributes=(("version", "2"), ("stack", "blue")),
                ip_preference="IPv4_ONLY",
            ),
            {
                "awsCloudMap": {
                    "namespaceName": "colors.local",
                    "serviceName": "red",
                    "attributes": [{"key": "version", "value": "2"}, {"key": "stack", "value": "blue"}],
                    "ipPreference": "IPv4_ONLY",
                }
            },
            id="cloud-map",
        ),
        pytest.param(
            DnsDiscovery(hostname="red.example.com"),
            {"dns": {"hostname": "red.example.com", "responseType": "LOADBALANCER"}},
            id="dns",
        ),
        pytest.param(
            DnsDiscovery(hostname="red.example.com", response_type="ENDPOINTS", ip_preference="IPv6_PREFERRED"),
            {
                "dns": {
                    "hostname": "red.example.com",
                    "responseType": "ENDPOINTS",
                    "ipPreference": "IPv6_PREFERRED",
                }
            },
            id="dns-with-everything",
        ),
    ],
)
def test_node_has_its_service_discovery(discovery: CloudMapDiscovery | DnsDiscovery, spec: dict[str, Any]) -> None:
    assert virtual_node_spec(node(discovery=discovery)) == {"listeners": [HTTP_SPEC], "serviceDiscovery": spec}


def test_listener_without_optional_fields_has_no_such_keys() -> None:
    assert with_listener() == {}


@pytest.mark.parametrize(
    ("check", "spec"),
    [
        pytest.param(health_check(), {}, id="least"),
        pytest.param(health_check(path="/health", port=80), {"path": "/health", "port": 80}, id="everything"),
    ],
)
def test_a_listener_has_a_health_check(check: HealthCheck, spec: dict[str, Any]) -> None:
    assert with_listener(health_check=check) == {
        "healthCheck": {
            "protocol": "http",
            "intervalMillis": 5000,
            "timeoutMillis": 2000,
            "healthyThreshold": 2,
            "unhealthyThreshold": 2,
            **spec,
        }
    }


@pytest.mark.parametrize(
    ("protocol", "timeout", "spec"),
    [
        pytest.param("http", Timeout(), {"http": {}}, id="nothing"),
        pytest.param(
            "http", Timeout(idle=Milliseconds(0)), {"http": {"idle": {"unit": "s", "value": 0}}}, id="disabled"
        ),
        pytest.param(
            "http2",
            Timeout(per_request=Milliseconds(1000), idle=Milliseconds(1001)),
            {"http2": {"perRequest": {"unit": "s", "value": 1}, "idle": {"unit": "ms", "value": 1001}}},
            id="seconds-and-milliseconds",
        ),
        pytest.param(
            "grpc",
            Timeout(per_request=Milliseconds(999)),
            {"grpc": {"perRequest": {"unit": "ms", "value": 999}}},
            id="milliseconds",
        ),
        pytest.param(
            "tcp", Timeout(idle=Milliseconds(3600000)), {"tcp": {"idle": {"unit": "s", "value": 3600}}}, id="tcp"
        ),
    ],
)
def test_a_listener_has_timeouts_under_its_protocol(protocol: Protocol, timeout: Timeout, spec: dict[str, Any]) -> None:
    assert with_listener(protocol=protocol, timeout=timeout) == {"timeout": spec}


@pytest.mark.parametrize(
    ("protocol", "pool", "spec"),
    [
        pytest.param("http", ConnectionPool(max_connections=1), {"http": {"maxConnections": 1}}, id="http"),
        pytest.param(
            "http",
            ConnectionPool(max_connections=1, max_pending_requests=2),
            {"http": {"maxConnections": 1, "maxPendingRequests": 2}},
            id="http-pending",
        ),
        pytest.param("http2", ConnectionPool(max_requests=3), {"http2": {"maxRequests": 3}}, id="http2"),
        pytest.param("grpc", ConnectionPool(max_requests=3), {"grpc": {"maxRequests": 3}}, id="grpc"),
        pytest.param("tcp", ConnectionPool(max_connections=1), {"tcp": {"maxConnections": 1}}, id="tcp"),
    ],
)
def test_a_listener_has_a_connection_pool_under_its_protocol(
    protocol: Protocol, pool: ConnectionPool, spec: dict[str, Any]
) -> None:
    assert with_listener(protocol=protocol, connection_pool=pool) == {"connectionPool": spec}


def test_a_listener_has_outlier_detection() -> None:
    outlier = outlier_detection(
        max_server_errors=5,
        interval=Milliseconds(10000),
        base_ejection_duration=Milliseconds(1500),
        max_ejection_percent=0,
    )
    assert with_listener(outlier_detection=outlier) == {
        "outlierDetection": {
            "maxServerErrors": 5,
            "interval": {"unit": "s", "value": 10},
            "baseEjectionDuration": {"unit": "ms", "value": 1500},
            "maxEjectionPercent": 0,
        }
    }


@pytest.mark.parametrize(
    ("tls", "spec"),
    [
        pytest.param(
            ListenerTls(certificate=AcmCertificate(arn="arn:aws:acm:1")),
            {"mode": "STRICT", "certificate": {"acm": {"certificateArn": "arn:aws:acm:1"}}},
            id="acm",
        ),
        pytest.param(
            ListenerTls(certificate=certificate(), mode="PERMISSIVE", validation=validation()),
            {
                "mode": "PERMISSIVE",
                "certificate": {"file": {"certificateChain": "/keys/red.pem", "privateKey": "/keys/red.key"}},
                "validation": {"trust": {"file": {"certificateChain": "/keys/ca.pem"}}},
            },
            id="file",
        ),
        pytest.param(
            ListenerTls(
                certificate=SdsCertificate(secret_name="red"),
                mode="DISABLED",
                validation=validation("a", "b", trust=SdsTrust(secret_name="ca")),
            ),
            {
                "mode": "DISABLED",
                "certificate": {"sds": {"secretName": "red"}},
                "validation": {
                    "trust": {"sds": {"secretName": "ca"}},
                    "subjectAlternativeNames": {"match": {"exact": ["a", "b"]}},
                },
            },
            id="sds",
        ),
    ],
)
def test_listeners_of_nodes_and_gateways_have_tls(tls: ListenerTls, spec: dict[str, Any]) -> None:
    entry = VirtualGateway(name="gateway", listeners=(Listener(port=80, tls=tls),))
    assert with_listener(tls=tls) == {"tls": spec}
    assert virtual_gateway_spec(entry) == {"listeners": [{**HTTP_SPEC, "tls": spec}]}


@pytest.mark.parametrize(
    ("tls", "spec"),
    [
        pytest.param(
            client_tls(),
            {"enforce": True, "validation": {"trust": {"file": {"certificateChain": "/keys/ca.pem"}}}},
            id="least",
        ),
        pytest.param(
            client_tls(
                enforce=False,
                ports=(443, 80),
                certificate=certificate(),
                validation=validation("red", trust=AcmTrust(certificate_authority_arns=("arn:1", "arn:2"))),
            ),
            {
                "enforce": False,
                "ports": [443, 80],
                "certificate": {"file": {"certificateChain": "/keys/red.pem", "privateKey": "/keys/red.key"}},
                "validation": {
                    "trust": {"acm": {"certificateAuthorityArns": ["arn:1", "arn:2"]}},
                    "subjectAlternativeNames": {"match": {"exact": ["red"]}},
                },
            },
            id="everything",
        ),
    ],
)
def test_nodes_gateways_and_backends_have_client_policies(tls: ClientTls, spec: dict[str, Any]) -> None:
    policy = {"clientPolicy": {"tls": spec}}
    caller = VirtualNode(name="caller", backends=(to("red.colors.local", client_tls=tls),), client_tls=tls)
    entry = VirtualGateway(name="gateway", listeners=(HTTP,), client_tls=tls)
    assert virtual_node_spec(caller) == {
        "backends": [{"virtualService": {"virtualServiceName": "red.colors.local", **policy}}],
        "backendDefaults": policy,
    }
    assert virtual_gateway_spec(entry) == {"listeners": [HTTP_SPEC], "backendDefaults": policy}


@pytest.mark.parametrize(("protocol", "_key"), WITH_PATHS)
@pytest.mark.parametrize(
    ("match", "spec"),
    [
        pytest.param(RouteMatch(), {}, id="nothing"),
        pytest.param(RouteMatch(path="/red"), {"path": {"exact": "/red"}}, id="path"),
        pytest.param(RouteMatch(path_regex="/r.*"), {"path": {"regex": "/r.*"}}, id="path-regex"),
        pytest.param(
            RouteMatch(query_parameters=(QueryParameterMatch(name="a"), QueryParameterMatch(name="b", exact="c"))),
            {"queryParameters": [{"name": "a"}, {"name": "b", "match": {"exact": "c"}}]},
            id="query-parameters",
        ),
        pytest.param(
            RouteMatch(headers=(HeaderMatch(name="a"), HeaderMatch(name="b", invert=True))),
            {"headers": [{"name": "a"}, {"name": "b", "invert": True}]},
            id="headers-there-or-not",
        ),
        pytest.param(
            RouteMatch(
                headers=(
                    HeaderMatch(name="a", exact="1"),
                    HeaderMatch(name="b", prefix="2"),
                    HeaderMatch(name="c", suffix="3"),
                    HeaderMatch(name="d", regex="4", invert=True),
                    HeaderMatch(name="e", range=(0, 5)),
                )
            ),
            {
                "headers": [
                    {"name": "a", "match": {"exact": "1"}},
                    {"name": "b", "match": {"prefix": "2"}},
                    {"name": "c", "match": {"suffix": "3"}},
                    {"name": "d", "invert": True, "match": {"regex": "4"}},
                    {"name": "e", "match": {"range": {"start": 0, "end": 5}}},
                ]
            },
            id="headers",
        ),
    ],
)
def test_http_routes_match_on_more_than_a_prefix(
    protocol: Protocol, _key: str, match: RouteMatch, spec: dict[str, Any]
) -> None:
    red = WeightedTarget(virtual_node="red", weight=1)
    assert match_of(route_spec(route(match, red, protocol=protocol))) == spec
    assert match_of(gateway_route_spec(gateway_route(match, protocol=protocol))) == spec


def test_a_route_matches_on_a_scheme() -> None:
    red = WeightedTarget(virtual_node="red", weight=1)
    assert match_of(route_spec(route(RouteMatch(scheme="https"), red))) == {"scheme": "https"}


def test_a_grpc_route_matches_on_service_method_and_metadata() -> None:
    red = WeightedTarget(virtual_node="red", weight=1)
    match = RouteMatch(
        service_name="colors.Teller", method_name="Tell", metadata=(HeaderMatch(name="a", exact="1", invert=True),)
    )
    assert match_of(route_spec(route(match, red, protocol="grpc"))) == {
        "serviceName": "colors.Teller",
        "methodName": "Tell",
        "metadata": [{"name": "a", "invert": True, "match": {"exact": "1"}}],
    }


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc"])
@pytest.mark.parametrize(
    ("match", "spec"),
    [
        pytest.param(RouteMatch(hostname="a.b"), {"hostname": {"exact": "a.b"}}, id="exact"),
        pytest.param(RouteMatch(hostname_suffix=".b"), {"hostname": {"suffix": ".b"}}, id="suffix"),
    ],
)
def test_a_gateway_route_matches_on_a_hostname(protocol: Protocol, match: RouteMatch, spec: dict[str, Any]) -> None:
    assert match_of(gateway_route_spec(gateway_route(match, protocol=protocol))) == spec


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc"])
def test_a_route_has_a_timeout_and_a_retry_policy(protocol: Protocol) -> None:
    red = WeightedTarget(virtual_node="red", weight=1)
    policy = retry_policy(
        max_retries=0,
        per_retry_timeout=Milliseconds(1500),
        http_events=("gateway-error", "client-error"),
        tcp_events=("connection-error",),
        grpc_events=("internal",),
    )
    timeout = Timeout(per_request=Milliseconds(0), idle=Milliseconds(1))
    spec = route_spec(route(RouteMatch(), red, protocol=protocol, retry_policy=policy, timeout=timeout))
    assert spec == {
        f"{protocol}Route": {
            "match": {},
            "action": {"weightedTargets": [{"virtualNode": "red", "weight": 1}]},
            "retryPolicy": {
                "maxRetries": 0,
                "perRetryTimeout": {"unit": "ms", "value": 1500},
                "httpRetryEvents": ["gateway-error", "client-error"],
                "tcpRetryEvents": ["connection-error"],
                "grpcRetryEvents": ["internal"],
            },
            "timeout": {"perRequest": {"unit": "s", "value": 0}, "idle": {"unit": "ms", "value": 1}},
        }
    }


def test_retry_policy_without_events_of_a_kind_has_no_such_key() -> None:
    red = WeightedTarget(virtual_node="red", weight=1)
    assert route_spec(route(RouteMatch(), red, retry_policy=retry_policy()))["httpRoute"]["retryPolicy"] == {
        "maxRetries": 1,
        "perRetryTimeout": {"unit": "s", "value": 1},
        "httpRetryEvents": ["gateway-error"],
    }


@pytest.mark.parametrize(
    ("rewrite", "spec"),
    [
        pytest.param(Rewrite(), {}, id="by-default"),
        pytest.param(Rewrite(prefix="/a/"), {"rewrite": {"prefix": {"value": "/a/"}}}, id="prefix"),
        pytest.param(
            Rewrite(keep_prefix=True), {"rewrite": {"prefix": {"defaultPrefix": "DISABLED"}}}, id="keep-prefix"
        ),
        pytest.param(Rewrite(path="/a"), {"rewrite": {"path": {"exact": "/a"}}}, id="path"),
        pytest.param(
            Rewrite(keep_hostname=True),
            {"rewrite": {"hostname": {"defaultTargetHostname": "DISABLED"}}},
            id="keep-hostname",
        ),
        pytest.param(
            Rewrite(keep_hostname=True, prefix="/"),
            {"rewrite": {"hostname": {"defaultTargetHostname": "DISABLED"}, "prefix": {"value": "/"}}},
            id="hostname-and-prefix",
        ),
    ],
)
def test_gateway_route_has_its_rewrite(rewrite: Rewrite, spec: dict[str, Any]) -> None:
    assert gateway_route_spec(gateway_route(RouteMatch(prefix="/red"), rewrite=rewrite)) == {
        "httpRoute": {"match": {"prefix": "/red"}, "action": {**TO_RED, **spec}}
    }


def test_gateway_route_has_its_target_port() -> None:
    assert gateway_route_spec(gateway_route(RouteMatch(), target_port=8080)) == {
        "httpRoute": {
            "match": {},
            "action": {"target": {"virtualService": {"virtualServiceName": "red.colors.local"}, "port": 8080}},
        }
    }


SECRET = "arn:aws:secretsmanager:eu-west-1:1:secret:red-a1B2c3"


def test_sources_of_certificates_that_app_mesh_did_not_have_are_unsupported() -> None:
    acm, authority = AcmCertificate(arn="arn:aws:acm:1"), AcmTrust(certificate_authority_arns=("arn:aws:acm-pca:1",))
    secret, trusted = SecretsManagerCertificate(secret_arn=SECRET), SecretsManagerTrust(secret_arn=SECRET)
    listeners = (
        Listener(port=80, tls=ListenerTls(certificate=acm, validation=validation(trust=authority))),
        Listener(port=81, tls=ListenerTls(certificate=secret, validation=validation(trust=trusted))),
    )
    policy = ClientTls(certificate=secret, validation=validation(trust=trusted))
    backend = to("blue.colors.local", client_tls=ClientTls(certificate=acm, validation=validation(trust=authority)))
    authorities, fix = ("arn:aws:acm-pca:1",), "(a file or an SDS secret, or use data_plane='envoy')"
    for part, kind in (
        (node(listeners=listeners, client_tls=policy, backends=(backend,)), "virtual node 'red'"),
        (VirtualGateway(name="red", listeners=listeners, client_tls=policy), "virtual gateway 'red'"),
    ):
        problems = [
            f"{kind} listener 80: App Mesh does not support trust in ACM at listeners, got {authorities} {fix}",
            f"{kind} listener 81: App Mesh does not support certificates in Secrets Manager, got '{SECRET}' {fix}",
            f"{kind} listener 81: App Mesh does not support trust in Secrets Manager, got '{SECRET}' {fix}",
            f"{kind}: App Mesh does not support certificates in Secrets Manager, got '{SECRET}' {fix}",
            f"{kind}: App Mesh does not support trust in Secrets Manager, got '{SECRET}' {fix}",
        ]
        if isinstance(part, VirtualNode):
            problems.append(
                f"{kind} backend 'blue.colors.local': App Mesh does not support client certificates in ACM, "
                f"got 'arn:aws:acm:1' {fix}"
            )
        assert [*unsupported_tls(part)] == problems
