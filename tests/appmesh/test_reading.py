"""Reading of specs in both spellings, and the messages for invalid specs."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from color_mesh.appmesh.fields import Fields, Spelling, api_spelling
from color_mesh.appmesh.resources import (
    read_mesh,
    read_virtual_gateway,
    read_virtual_node,
    read_virtual_router,
    read_virtual_service,
)
from color_mesh.appmesh.routes import read_gateway_route, read_route
from color_mesh.aws_json.app_mesh import cloudformation_spelling
from color_mesh.model import (
    AccessLog,
    DnsDiscovery,
    GatewayRoute,
    HeaderMatch,
    Listener,
    Milliseconds,
    Protocol,
    Rewrite,
    Route,
    RouteMatch,
    SdsCertificate,
    Timeout,
    VirtualGateway,
    VirtualNode,
    VirtualService,
    WeightedTarget,
)
from tests.support.builders import spelled, to

T = TypeVar("T")
Spec = dict[str, Any]

BOTH = [pytest.param(api_spelling, id="api"), pytest.param(cloudformation_spelling, id="cloudformation")]
NODE_KEYS = "backendDefaults, backends, listeners, logging, serviceDiscovery"
MAPPING = {"portMapping": {"port": 80, "protocol": "http"}}
TO_RED = {"weightedTargets": [{"virtualNode": "red", "weight": 1}]}
TO_SERVICE = {"target": {"virtualService": {"virtualServiceName": "red.colors.local"}}}
FILE = {"file": {"certificateChain": "/chain.pem", "privateKey": "/key.pem"}}
TRUST = {"file": {"certificateChain": "/ca.pem"}}


def reading(read: Callable[[Fields], T], spec: object, spelling: Spelling = api_spelling) -> tuple[T, list[str]]:
    """Return the value that is read from a spec, and the problems."""
    problems: list[str] = []
    fields = Fields(spelled(spec, spelling), "spec", spelling, problems)
    result = read(fields)
    fields.close()
    return result, problems


def problems(read: Callable[[Fields], object], spec: object, spelling: Spelling = api_spelling) -> list[str]:
    return reading(read, spec, spelling)[1]


def node(at: Fields) -> VirtualNode:
    return read_virtual_node(at, "red", (("team", "colors"),))


def gateway(at: Fields) -> VirtualGateway:
    return read_virtual_gateway(at, "gateway", ())


def service(at: Fields) -> VirtualService:
    return read_virtual_service(at, "red.colors.local", ())


def route(at: Fields) -> Route:
    return read_route(at, "all", ())


def gateway_route(at: Fields) -> GatewayRoute:
    return read_gateway_route(at, "all", ())


def listener(**policies: object) -> Spec:
    """Return the spec of a node with one listener that has these fields."""
    return {"listeners": [{**MAPPING, **policies}]}


def http_route(**rule: object) -> Spec:
    return {"httpRoute": {"match": {}, "action": TO_RED, **rule}}


def http_gateway_route(**action: object) -> Spec:
    return {"httpRoute": {"match": {"prefix": "/red"}, "action": {**TO_SERVICE, **action}}}


def timeout_of(spec: Spec, protocol: Protocol = "http") -> Timeout | None:
    """Return the timeouts of a valid listener."""
    mapping = {"portMapping": {"port": 80, "protocol": protocol}}
    result, wrong = reading(node, {"listeners": [{**mapping, "timeout": {protocol: spec}}]})
    assert wrong == []
    return result.listeners[0].timeout


# Spelling of keys


@pytest.mark.parametrize(
    ("key", "spelling"),
    [
        pytest.param("portMapping", "PortMapping", id="plain"),
        pytest.param("httpRoute", "HttpRoute", id="http-route"),
        pytest.param("grpcRoute", "GrpcRoute", id="grpc-route"),
        pytest.param("file", "File", id="file"),
        pytest.param("tls", "TLS", id="tls"),
        pytest.param("dns", "DNS", id="dns"),
        pytest.param("awsCloudMap", "AWSCloudMap", id="cloud-map"),
        pytest.param("acm", "ACM", id="acm"),
        pytest.param("sds", "SDS", id="sds"),
        pytest.param("http", "HTTP", id="http"),
        pytest.param("http2", "HTTP2", id="http2"),
        pytest.param("grpc", "GRPC", id="grpc"),
        pytest.param("tcp", "TCP", id="tcp"),
    ],
)
def test_spelling_of_cloudformation(key: str, spelling: str) -> None:
    assert cloudformation_spelling(key) == spelling
    assert api_spelling(key) == key


def test_keys_in_the_other_spelling_are_unknown() -> None:
    assert problems(node, {"Backends": []}) == [f"spec.Backends: is unknown, got 'Backends' (known: {NODE_KEYS})"]


def test_messages_have_the_spelling_of_the_source() -> None:
    spec = {"listeners": [MAPPING, {"portMapping": {"port": "http", "protocol": "http"}, "tls": {}}]}
    assert problems(node, spec, cloudformation_spelling) == [
        "spec.Listeners[1].PortMapping.Port: is not an integer, got 'http' (digits)",
        "spec.Listeners[1].TLS.Mode: is missing, got None (it is required)",
        "spec.Listeners[1].TLS.Certificate: is missing, got None (it is required)",
    ]


# Valid specs


@pytest.mark.parametrize("spelling", BOTH)
def test_all_fields_of_a_node_are_optional(spelling: Spelling) -> None:
    assert reading(node, {}, spelling) == (VirtualNode(name="red", tags=(("team", "colors"),)), [])


@pytest.mark.parametrize("spelling", BOTH)
def test_all_fields_of_a_mesh_are_optional(spelling: Spelling) -> None:
    assert reading(read_mesh, {}, spelling) == (("DROP_ALL", None), [])


@pytest.mark.parametrize("spelling", BOTH)
@pytest.mark.parametrize("spec", [pytest.param({}, id="nothing"), pytest.param({"provider": {}}, id="empty-provider")])
def test_provider_of_a_service_is_optional(spelling: Spelling, spec: Spec) -> None:
    assert reading(service, spec, spelling) == (VirtualService(name="red.colors.local"), [])


@pytest.mark.parametrize("spelling", BOTH)
def test_text_is_read_as_number(spelling: Spelling) -> None:
    spec = {
        "priority": "7",
        "httpRoute": {
            "match": {
                "port": "80",
                "headers": [{"name": "size", "match": {"range": {"start": "-1", "end": "10"}}}],
            },
            "action": {"weightedTargets": [{"virtualNode": "red", "weight": "100", "port": "8080"}]},
            "timeout": {"idle": {"unit": "s", "value": "5"}},
        },
    }
    assert reading(route, spec, spelling) == (
        Route(
            name="all",
            match=RouteMatch(port=80, headers=(HeaderMatch(name="size", range=(-1, 10)),)),
            targets=(WeightedTarget(virtual_node="red", weight=100, port=8080),),
            priority=7,
            timeout=Timeout(idle=Milliseconds(5000)),
        ),
        [],
    )


@pytest.mark.parametrize("spelling", BOTH)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("1", "1", id="text"),
        pytest.param(1, "1", id="number"),
        pytest.param(1.5, "1.5", id="fraction"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
    ],
)
def test_number_or_boolean_is_read_as_text(spelling: Spelling, value: object, text: str) -> None:
    spec = {"httpRoute": {"match": {"headers": [{"name": "a", "match": {"exact": value}}]}, "action": TO_RED}}
    result, wrong = reading(route, spec, spelling)
    assert (result.match.headers, wrong) == ((HeaderMatch(name="a", exact=text),), [])


@pytest.mark.parametrize("spelling", BOTH)
@pytest.mark.parametrize(
    ("value", "flag"),
    [
        pytest.param(True, True, id="true"),
        pytest.param("true", True, id="text-true"),
        pytest.param("False", False, id="text-false"),
        pytest.param(False, False, id="false"),
    ],
)
def test_text_is_read_as_boolean(spelling: Spelling, value: object, flag: bool) -> None:
    spec = {"httpRoute": {"match": {"headers": [{"name": "a", "invert": value}]}, "action": TO_RED}}
    result, wrong = reading(route, spec, spelling)
    assert (result.match.headers, wrong) == ((HeaderMatch(name="a", invert=flag),), [])


@pytest.mark.parametrize(
    ("spec", "millis"),
    [
        pytest.param({"unit": "s", "value": 0}, 0, id="disabled"),
        pytest.param({"unit": "s", "value": 15}, 15000, id="seconds"),
        pytest.param({"unit": "ms", "value": 15}, 15, id="milliseconds"),
        pytest.param({"unit": "ms", "value": 15000}, 15000, id="seconds-in-milliseconds"),
        pytest.param({"unit": "ms", "value": 15.0}, 15, id="whole-fraction"),
    ],
)
def test_duration_is_read_in_seconds_and_milliseconds(spec: Spec, millis: int) -> None:
    assert timeout_of({"perRequest": spec, "idle": spec}) == Timeout(
        per_request=Milliseconds(millis), idle=Milliseconds(millis)
    )


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc", "tcp"])
@pytest.mark.parametrize("spelling", BOTH)
def test_fields_with_the_protocol_of_the_listener_as_key_are_read(spelling: Spelling, protocol: Protocol) -> None:
    mapping = {"portMapping": {"port": 80, "protocol": protocol}}
    spec = {"listeners": [{**mapping, "timeout": {protocol: {"idle": {"unit": "s", "value": 1}}}}]}
    result, wrong = reading(node, spec, spelling)
    assert (result.listeners, wrong) == (
        (Listener(port=80, protocol=protocol, timeout=Timeout(idle=Milliseconds(1000))),),
        [],
    )


@pytest.mark.parametrize("spelling", BOTH)
def test_empty_client_policy_is_no_client_policy(spelling: Spelling) -> None:
    spec = {
        "backends": [{"virtualService": {"virtualServiceName": "red.colors.local", "clientPolicy": {}}}],
        "backendDefaults": {"clientPolicy": {}},
    }
    result, wrong = reading(node, spec, spelling)
    assert (result.backends, result.client_tls, wrong) == ((to("red.colors.local"),), None, [])


@pytest.mark.parametrize("spelling", BOTH)
def test_client_policy_is_enforced_by_default(spelling: Spelling) -> None:
    spec = {"backendDefaults": {"clientPolicy": {"tls": {"validation": {"trust": TRUST}}}}}
    result, wrong = reading(gateway, {"listeners": [MAPPING], **spec}, spelling)
    assert result.client_tls is not None
    assert (result.client_tls.enforce, wrong) == (True, [])


@pytest.mark.parametrize("spelling", BOTH)
@pytest.mark.parametrize(
    ("logging", "log"),
    [
        pytest.param({}, None, id="empty"),
        pytest.param({"accessLog": {}}, None, id="empty-log"),
        pytest.param({"accessLog": {"file": {"path": "/a"}}}, AccessLog(path="/a"), id="path"),
        pytest.param({"accessLog": {"file": {"path": "/a", "format": {}}}}, AccessLog(path="/a"), id="empty-format"),
        pytest.param(
            {"accessLog": {"file": {"path": "/a", "format": {"json": []}}}}, AccessLog(path="/a"), id="empty-json"
        ),
        pytest.param(
            {"accessLog": {"file": {"path": "/a", "format": {"text": "b"}}}}, AccessLog(path="/a", text="b"), id="text"
        ),
    ],
)
def test_logging_may_be_empty(spelling: Spelling, logging: Spec, log: AccessLog | None) -> None:
    result, wrong = reading(node, {"logging": logging}, spelling)
    assert (result.access_log, wrong) == (log, [])


@pytest.mark.parametrize("spelling", BOTH)
@pytest.mark.parametrize(
    ("rewrite", "result"),
    [
        pytest.param({}, Rewrite(), id="nothing"),
        pytest.param({"prefix": {}}, Rewrite(), id="empty-prefix"),
        pytest.param({"prefix": {"defaultPrefix": "ENABLED"}}, Rewrite(), id="default-prefix"),
        pytest.param({"prefix": {"defaultPrefix": "DISABLED"}}, Rewrite(keep_prefix=True), id="no-default-prefix"),
        pytest.param({"hostname": {"defaultTargetHostname": "ENABLED"}}, Rewrite(), id="default-hostname"),
        pytest.param(
            {"hostname": {"defaultTargetHostname": "DISABLED"}}, Rewrite(keep_hostname=True), id="no-default-hostname"
        ),
    ],
)
def test_default_rewrite_may_be_explicit(spelling: Spelling, rewrite: Spec, result: Rewrite) -> None:
    read, wrong = reading(gateway_route, http_gateway_route(rewrite=rewrite), spelling)
    assert (read.rewrite, wrong) == (result, [])


@pytest.mark.parametrize("spelling", BOTH)
def test_match_of_a_tcp_route_is_optional(spelling: Spelling) -> None:
    target = WeightedTarget(virtual_node="red", weight=1)
    result = Route(name="all", match=RouteMatch(), targets=(target,), protocol="tcp")
    assert reading(route, {"tcpRoute": {"action": TO_RED}}, spelling) == (result, [])


@pytest.mark.parametrize("spelling", BOTH)
def test_default_dns_response_type_is_loadbalancer(spelling: Spelling) -> None:
    result, wrong = reading(node, {"serviceDiscovery": {"dns": {"hostname": "red.example.com"}}}, spelling)
    assert (result.discovery, wrong) == (DnsDiscovery(hostname="red.example.com"), [])


@pytest.mark.parametrize("spelling", BOTH)
def test_header_match_without_condition_requires_the_header(spelling: Spelling) -> None:
    result, wrong = reading(route, http_route(match={"headers": [{"name": "a", "match": {}}]}), spelling)
    assert (result.match.headers, wrong) == ((HeaderMatch(name="a"),), [])


def test_keys_without_meaning_for_the_mesh_are_ignored() -> None:
    result: list[str] = []
    fields = Fields({"meshOwner": "111122223333"}, "", api_spelling, result)
    fields.ignore("meshOwner")
    fields.close()
    assert result == []


# Invalid specs


@pytest.mark.parametrize(
    ("read", "spec", "wrong"),
    [
        pytest.param(
            node,
            {"color": "red"},
            f"spec.color: is unknown, got 'color' (known: {NODE_KEYS})",
            id="node",
        ),
        pytest.param(
            node,
            listener(color=1),
            "spec.listeners[0].color: is unknown, got 'color' "
            "(known: connectionPool, healthCheck, outlierDetection, portMapping, timeout, tls)",
            id="listener",
        ),
        pytest.param(
            route,
            http_route(match={"hostname": {"exact": "a"}, "color": 1}),
            "spec.httpRoute.match.color: is unknown, got 'color' "
            "(known: headers, hostname, method, path, port, prefix, queryParameters, scheme)",
            id="match",
        ),
        pytest.param(
            route,
            {"tcpRoute": {"action": TO_RED, "retryPolicy": {}}},
            "spec.tcpRoute.retryPolicy: is unknown, got 'retryPolicy' (known: action, match, timeout)",
            id="retry-policy-of-tcp",
        ),
        pytest.param(
            gateway_route,
            {"tcpRoute": {}, **http_gateway_route()},
            "spec.tcpRoute: is unknown, got 'tcpRoute' (known: httpRoute, priority)",
            id="tcp-route-of-a-gateway",
        ),
        pytest.param(
            read_mesh,
            {"egressFilter": {"type": "DROP_ALL", "color": 1}},
            "spec.egressFilter.color: is unknown, got 'color' (known: type)",
            id="mesh",
        ),
    ],
)
def test_unknown_key_is_reported(read: Callable[[Fields], object], spec: Spec, wrong: str) -> None:
    assert problems(read, spec) == [wrong]


def test_unknown_key_at_the_top_is_reported() -> None:
    result: list[str] = []
    Fields({"color": 1}, "", api_spelling, result).close()
    assert result == ["color: is unknown, got 'color' (known: )"]


@pytest.mark.parametrize(
    ("read", "spec", "places"),
    [
        pytest.param(node, {"listeners": [{}]}, ["spec.listeners[0].portMapping"], id="port-mapping"),
        pytest.param(
            node,
            {"listeners": [{"portMapping": {}}]},
            ["spec.listeners[0].portMapping.port", "spec.listeners[0].portMapping.protocol"],
            id="port-and-protocol",
        ),
        pytest.param(
            node,
            listener(healthCheck={}),
            [
                f"spec.listeners[0].healthCheck.{key}"
                for key in ("protocol", "intervalMillis", "timeoutMillis", "healthyThreshold", "unhealthyThreshold")
            ],
            id="health-check",
        ),
        pytest.param(
            node,
            listener(outlierDetection={}),
            [
                f"spec.listeners[0].outlierDetection.{key}"
                for key in ("maxServerErrors", "interval", "baseEjectionDuration", "maxEjectionPercent")
            ],
            id="outlier-detection",
        ),
        pytest.param(
            node,
            listener(timeout={"http": {"idle": {"unit": "s"}}}),
            ["spec.listeners[0].timeout.http.idle.value"],
            id="duration",
        ),
        pytest.param(
            node,
            listener(tls={"mode": "STRICT", "certificate": {"acm": {}}, "validation": {}}),
            ["spec.listeners[0].tls.certificate.acm.certificateArn", "spec.listeners[0].tls.validation.trust"],
            id="tls",
        ),
        pytest.param(
            node,
            {"serviceDiscovery": {"awsCloudMap": {}}},
            ["spec.serviceDiscovery.awsCloudMap.namespaceName", "spec.serviceDiscovery.awsCloudMap.serviceName"],
            id="cloud-map",
        ),
        pytest.param(node, {"backends": [{}]}, ["spec.backends[0].virtualService"], id="backend"),
        pytest.param(
            node,
            {"backendDefaults": {"clientPolicy": {"tls": {}}}},
            ["spec.backendDefaults.clientPolicy.tls.validation"],
            id="client-policy",
        ),
        pytest.param(node, {"logging": {"accessLog": {"file": {}}}}, ["spec.logging.accessLog.file.path"], id="log"),
        pytest.param(
            service,
            {"provider": {"virtualNode": {}}},
            ["spec.provider.virtualNode.virtualNodeName"],
            id="provider",
        ),
        pytest.param(route, {}, ["spec.httpRoute"], id="route"),
        pytest.param(route, {"httpRoute": {}}, ["spec.httpRoute.match", "spec.httpRoute.action"], id="rule"),
        pytest.param(route, {"tcpRoute": {}}, ["spec.tcpRoute.action"], id="tcp-rule"),
        pytest.param(
            route,
            http_route(action={"weightedTargets": [{}]}),
            ["spec.httpRoute.action.weightedTargets[0].virtualNode", "spec.httpRoute.action.weightedTargets[0].weight"],
            id="target",
        ),
        pytest.param(
            route,
            http_route(retryPolicy={}),
            ["spec.httpRoute.retryPolicy.maxRetries", "spec.httpRoute.retryPolicy.perRetryTimeout"],
            id="retry-policy",
        ),
        pytest.param(gateway_route, {}, ["spec.httpRoute"], id="gateway-route"),
        pytest.param(
            gateway_route,
            {"grpcRoute": {"match": {}, "action": {}}},
            ["spec.grpcRoute.action.target"],
            id="gateway-target",
        ),
    ],
)
def test_missing_field_is_reported(read: Callable[[Fields], object], spec: Spec, places: list[str]) -> None:
    assert problems(read, spec) == [f"{place}: is missing, got None (it is required)" for place in places]


def test_missing_certificate_and_trust_are_reported() -> None:
    spec = listener(tls={"mode": "STRICT", "certificate": {}, "validation": {"trust": {}}})
    assert problems(node, spec) == [
        "spec.listeners[0].tls.certificate.file: is missing, got None (a certificate in a file, ACM or SDS)",
        "spec.listeners[0].tls.validation.trust.file: is missing, got None (trust in a file, ACM or SDS)",
    ]


@pytest.mark.parametrize(
    ("read", "spec", "place"),
    [
        pytest.param(node, {"listeners": None}, "spec.listeners", id="list"),
        pytest.param(node, listener(healthCheck=None), "spec.listeners[0].healthCheck", id="object"),
        pytest.param(route, {"priority": None, **http_route()}, "spec.priority", id="number"),
        pytest.param(route, http_route(match={"prefix": None}), "spec.httpRoute.match.prefix", id="text"),
        pytest.param(route, http_route(match=None), "spec.httpRoute.match", id="required-object"),
        pytest.param(
            service,
            {"provider": {"virtualNode": {"virtualNodeName": None}}},
            "spec.provider.virtualNode.virtualNodeName",
            id="required-text",
        ),
        pytest.param(
            route,
            http_route(match={"headers": [{"name": "a", "invert": None}]}),
            "spec.httpRoute.match.headers[0].invert",
            id="flag",
        ),
        pytest.param(node, {"serviceDiscovery": {"dns": None}}, "spec.serviceDiscovery.dns", id="one-of-several"),
    ],
)
def test_null_is_reported(read: Callable[[Fields], object], spec: Spec, place: str) -> None:
    assert problems(read, spec) == [f"{place}: is null, got None (give a value, or leave it out)"]


@pytest.mark.parametrize(
    ("read", "spec", "wrong"),
    [
        pytest.param(node, "red", "spec: is not an object, got 'red' (keys and values)", id="object"),
        pytest.param(node, {"listeners": {}}, "spec.listeners: is not a list, got {} (a list)", id="list"),
        pytest.param(
            node, {"backendDefaults": []}, "spec.backendDefaults: is not an object, got [] (keys and values)", id="list"
        ),
        pytest.param(
            route,
            {"priority": "high", **http_route()},
            "spec.priority: is not an integer, got 'high' (digits)",
            id="word",
        ),
        pytest.param(
            route,
            {"priority": 1.5, **http_route()},
            "spec.priority: is not an integer, got 1.5 (digits)",
            id="fraction",
        ),
        pytest.param(
            route, {"priority": True, **http_route()}, "spec.priority: is not an integer, got True (digits)", id="bool"
        ),
        pytest.param(
            route, {"priority": {}, **http_route()}, "spec.priority: is not an integer, got {} (digits)", id="map"
        ),
        pytest.param(
            route,
            {"priority": "nan", **http_route()},
            "spec.priority: is not an integer, got 'nan' (digits)",
            id="nan",
        ),
        pytest.param(
            route,
            {"priority": "1e999", **http_route()},
            "spec.priority: is not an integer, got '1e999' (digits)",
            id="infinity",
        ),
        pytest.param(
            route,
            http_route(match={"prefix": ["/"]}),
            "spec.httpRoute.match.prefix: is not text, got ['/'] (text)",
            id="text",
        ),
        pytest.param(
            route,
            http_route(match={"headers": [{"name": "a", "invert": "no"}]}),
            "spec.httpRoute.match.headers[0].invert: is not true or false, got 'no' (true or false)",
            id="flag",
        ),
        pytest.param(
            node,
            {"backendDefaults": {"clientPolicy": {"tls": {"ports": [443, "tls"], "validation": {"trust": TRUST}}}}},
            "spec.backendDefaults.clientPolicy.tls.ports[1]: is not an integer, got 'tls' (digits)",
            id="number-in-a-list",
        ),
        pytest.param(
            node,
            listener(
                tls={
                    "mode": "STRICT",
                    "certificate": FILE,
                    "validation": {"trust": TRUST, "subjectAlternativeNames": {"match": {"exact": [{}]}}},
                }
            ),
            "spec.listeners[0].tls.validation.subjectAlternativeNames.match.exact[0]: is not text, got {} (text)",
            id="text-in-a-list",
        ),
        pytest.param(
            route,
            http_route(timeout={"idle": {"unit": "m", "value": 1}}),
            "spec.httpRoute.timeout.idle.unit: is not a unit of time, got 'm' ('s' or 'ms')",
            id="unit",
        ),
        pytest.param(
            gateway_route,
            http_gateway_route(rewrite={"prefix": {"defaultPrefix": "disabled"}}),
            "spec.httpRoute.action.rewrite.prefix.defaultPrefix: is unknown, got 'disabled' ('ENABLED' or 'DISABLED')",
            id="default-prefix",
        ),
        pytest.param(
            gateway_route,
            http_gateway_route(rewrite={"hostname": {"defaultTargetHostname": "NO"}}),
            "spec.httpRoute.action.rewrite.hostname.defaultTargetHostname: is unknown, got 'NO' "
            "('ENABLED' or 'DISABLED')",
            id="default-hostname",
        ),
    ],
)
def test_value_of_a_wrong_type_is_reported(read: Callable[[Fields], object], spec: Any, wrong: str) -> None:
    assert problems(read, spec) == [wrong]


@pytest.mark.parametrize(
    ("read", "spec", "wrong"),
    [
        pytest.param(
            route,
            {"grpcRoute": {}, **http_route()},
            "spec.grpcRoute: is a second route type, got {} (remove httpRoute or this one)",
            id="route",
        ),
        pytest.param(
            gateway_route,
            {"http2Route": {}, **http_gateway_route()},
            "spec.http2Route: is a second route type, got {} (remove httpRoute or this one)",
            id="gateway-route",
        ),
        pytest.param(
            node,
            {
                "serviceDiscovery": {
                    "dns": {"hostname": "red"},
                    "awsCloudMap": {"namespaceName": "colors.local", "serviceName": "red"},
                }
            },
            "spec.serviceDiscovery: has several alternatives, got ('awsCloudMap', 'dns') (give one of them)",
            id="discovery",
        ),
        pytest.param(
            node,
            listener(tls={"mode": "STRICT", "certificate": {**FILE, "sds": {"secretName": "red"}}}),
            "spec.listeners[0].tls.certificate: has several alternatives, got ('file', 'sds') (give one of them)",
            id="certificate",
        ),
        pytest.param(
            node,
            listener(
                tls={
                    "mode": "STRICT",
                    "certificate": FILE,
                    "validation": {"trust": {**TRUST, "acm": {"certificateAuthorityArns": ["arn:1"]}}},
                }
            ),
            "spec.listeners[0].tls.validation.trust: has several alternatives, got ('acm', 'file') (give one of them)",
            id="trust",
        ),
    ],
)
def test_two_alternatives_are_reported(read: Callable[[Fields], object], spec: Spec, wrong: str) -> None:
    assert problems(read, spec) == [wrong]


@pytest.mark.parametrize("policy", ["timeout", "connectionPool"])
def test_fields_with_another_protocol_as_key_are_reported(policy: str) -> None:
    assert problems(node, listener(**{policy: {"http2": {}}})) == [
        (f"spec.listeners[0].{policy}.http: is missing for a http listener, got None (use the key of that protocol)"),
        f"spec.listeners[0].{policy}.http2: is unknown, got 'http2' (known: http)",
    ]


def test_fields_with_a_second_protocol_as_key_are_reported() -> None:
    assert problems(node, listener(timeout={"http": {}, "tcp": {}})) == [
        "spec.listeners[0].timeout.tcp: is unknown, got 'tcp' (known: http)"
    ]


@pytest.mark.parametrize("spelling", BOTH)
def test_other_fields_are_read_in_spite_of_problems(spelling: Spelling) -> None:
    tls = {"mode": "STRICT", "certificate": {"sds": {"secretName": "red"}}}
    result, wrong = reading(
        node,
        {"listeners": [{"portMapping": {"port": "x", "protocol": "http"}, "tls": tls}], "backends": 5},
        spelling,
    )
    assert len(wrong) == 2
    assert result.listeners[0].port == 0
    assert result.listeners[0].tls is not None
    assert result.listeners[0].tls.certificate == SdsCertificate(secret_name="red")


def test_every_listener_of_a_router_is_read() -> None:
    spec = {"listeners": [MAPPING, {"portMapping": {"port": 81, "protocol": "tcp"}}]}
    assert reading(read_virtual_router, spec) == ((Listener(port=80), Listener(port=81, protocol="tcp")), [])
