"""Routes: limits, and the messages for invalid retry policies, timeouts, rewrites and targets."""

from typing import Any

import pytest

from color_mesh.model import GatewayRoute, Listener, Mesh, Milliseconds, Protocol, Rewrite, RouteMatch, Timeout
from color_mesh.model.route import GRPC_RETRY_EVENTS, HTTP_RETRY_EVENTS
from tests.support.builders import (
    GRPC,
    HTTP,
    HTTP2,
    HTTP_8080,
    TCP,
    entering,
    gateway,
    gateway_route,
    mesh,
    node,
    refusal,
    retry_policy,
    route,
    router,
    routing,
    service,
    target,
)

WITH_REQUESTS: list[Protocol] = ["http", "http2", "grpc"]
EXACT, REGEX, PREFIX = RouteMatch(path="/red"), RouteMatch(path_regex="/r.*"), RouteMatch(prefix="/red")
SEVERAL = "listeners: http/80, http2/81"


def with_route(spoken: Protocol = "http", /, **changes: Any) -> Mesh:
    """Return a mesh with a router that has one route with these changes."""
    on = (Listener(port=80, protocol=spoken),)
    return routing(route(protocol=spoken, match=RouteMatch(), **changes), on=on, red=on)


def with_retry_policy(spoken: Protocol = "http", /, **changes: Any) -> Mesh:
    return with_route(spoken, retry_policy=retry_policy(**changes))


def with_rewrite(match: RouteMatch, **rewrite: Any) -> Mesh:
    return entering(gateway_route(match=match, rewrite=Rewrite(**rewrite)))


def with_gateway_target(*listeners: Listener, port: Any = None) -> Mesh:
    """Return a mesh with a gateway route to a port of a service that a node with these listeners provides."""
    entry = gateway(routes=(gateway_route(target_port=port),))
    return mesh(nodes=(node(listeners=listeners),), services=(service(virtual_node="red"),), gateways=(entry,))


def with_gateway_target_of_a_router(*listeners: Listener, port: int | None = None) -> Mesh:
    """Return a mesh with a gateway route to a port of a service that a router with these listeners provides."""
    entry = gateway(routes=(gateway_route(target_port=port),))
    return mesh(routers=(router("red", *listeners),), services=(service(virtual_router="red"),), gateways=(entry,))


def test_route_without_conditions_is_accepted() -> None:
    assert with_route().router("router").routes[0].match == RouteMatch()


@pytest.mark.parametrize("protocol", WITH_REQUESTS)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"max_retries": 0}, id="retries-low"),
        pytest.param({"max_retries": 1000000}, id="retries-without-limit"),
        pytest.param({"per_retry_timeout": Milliseconds(0)}, id="timeout-low"),
        pytest.param({"per_retry_timeout": Milliseconds(86400000)}, id="timeout-without-limit"),
        pytest.param({"http_events": HTTP_RETRY_EVENTS}, id="every-http-event"),
        pytest.param({"http_events": (), "tcp_events": ("connection-error",)}, id="tcp-event"),
    ],
)
def test_a_retry_policy_at_its_limits_is_accepted(protocol: Protocol, changes: dict[str, Any]) -> None:
    assert with_retry_policy(protocol, **changes)


def test_a_grpc_route_retries_on_every_grpc_event() -> None:
    assert with_retry_policy("grpc", http_events=(), grpc_events=GRPC_RETRY_EVENTS)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param({"max_retries": -1}, "max retries out of range, got -1 (0 to 4294967295)", id="retries-low"),
        pytest.param({"max_retries": None}, "max retries out of range, got None (0 to 4294967295)", id="retries-none"),
        pytest.param(
            {"per_retry_timeout": Milliseconds(-1)},
            "per retry timeout out of range, got -1 ms (0 to 9000000000000 ms)",
            id="timeout-low",
        ),
        pytest.param(
            {"http_events": ("5xx",)},
            "unknown HTTP retry event, got '5xx' (one of: server-error, gateway-error, client-error, stream-error)",
            id="http-event",
        ),
        pytest.param(
            {"tcp_events": ("reset",)},
            "unknown TCP retry event, got 'reset' (one of: connection-error)",
            id="tcp-event",
        ),
        pytest.param(
            {"http_events": ("server-error",) * 2},
            "duplicate retry event, got 'server-error' (occurs 2 times, must be unique)",
            id="duplicate",
        ),
        pytest.param(
            {"http_events": ()},
            "retry policy has no event, got () (such as http_events=['gateway-error'])",
            id="no-event",
        ),
        pytest.param(
            {"grpc_events": ("internal",)},
            "gRPC retry events are not supported for http routes, got ('internal',) (leave them out)",
            id="grpc-event",
        ),
    ],
)
def test_invalid_retry_policy_is_rejected(changes: dict[str, Any], wrong: str) -> None:
    assert refusal(with_retry_policy, **changes) == f"route 'all': {wrong}"


def test_unknown_grpc_event_is_rejected() -> None:
    events = "cancelled, deadline-exceeded, internal, resource-exhausted, unavailable"
    wrong = f"route 'all': unknown gRPC retry event, got 'aborted' (one of: {events})"
    assert refusal(with_retry_policy, "grpc", grpc_events=("aborted",)) == wrong


def test_retry_policy_of_a_tcp_route_is_rejected() -> None:
    wrong = f"route 'all': retry policy is not supported for tcp routes, got {retry_policy()!r} (leave it out)"
    assert refusal(with_retry_policy, "tcp") == wrong


@pytest.mark.parametrize("protocol", WITH_REQUESTS)
@pytest.mark.parametrize("millis", [pytest.param(0, id="disabled"), pytest.param(1, id="low")])
def test_timeouts_at_their_limits_are_accepted(protocol: Protocol, millis: int) -> None:
    assert with_route(protocol, timeout=Timeout(per_request=Milliseconds(millis), idle=Milliseconds(millis)))


@pytest.mark.parametrize(
    ("protocol", "timeout", "wrong"),
    [
        pytest.param(
            "http",
            Timeout(per_request=Milliseconds(-1)),
            "request timeout out of range, got -1 ms (0 to 9000000000000 ms)",
            id="request-low",
        ),
        pytest.param(
            "grpc",
            Timeout(idle=Milliseconds(-1)),
            "idle timeout out of range, got -1 ms (0 to 9000000000000 ms)",
            id="idle-low",
        ),
        pytest.param(
            "tcp",
            Timeout(per_request=Milliseconds(1)),
            "request timeout is not supported for tcp, got 1 ms (leave it out)",
            id="tcp-request",
        ),
    ],
)
def test_invalid_timeout_is_rejected(protocol: Protocol, timeout: Timeout, wrong: str) -> None:
    assert refusal(with_route, protocol, timeout=timeout) == f"route 'all': {wrong}"


@pytest.mark.parametrize(
    ("match", "rewrite"),
    [
        pytest.param(PREFIX, {}, id="nothing"),
        pytest.param(PREFIX, {"prefix": "/"}, id="prefix-low"),
        pytest.param(PREFIX, {"prefix": "/" * 255}, id="prefix-high"),
        pytest.param(PREFIX, {"keep_prefix": True}, id="keep-prefix"),
        pytest.param(EXACT, {"path": "/"}, id="path-low"),
        pytest.param(EXACT, {"path": "/" * 255}, id="path-high"),
        pytest.param(REGEX, {"path": "/"}, id="path-of-a-regex"),
        pytest.param(RouteMatch(), {"keep_hostname": True}, id="keep-hostname"),
    ],
)
def test_rewrite_of_a_matched_condition_is_accepted(match: RouteMatch, rewrite: dict[str, Any]) -> None:
    assert with_rewrite(match, **rewrite)


@pytest.mark.parametrize(
    ("match", "rewrite", "wrong"),
    [
        pytest.param(
            PREFIX,
            {"prefix": "/", "keep_prefix": True},
            "'prefix' and 'keep_prefix' are mutually exclusive, got '/' (give one of them)",
            id="prefix-and-keep",
        ),
        pytest.param(
            EXACT,
            {"prefix": "/"},
            "has a prefix rewrite but no prefix condition, got '/' (match on a prefix)",
            id="prefix-of-a-path",
        ),
        pytest.param(
            EXACT,
            {"keep_prefix": True},
            "has a prefix rewrite but no prefix condition, got None (match on a prefix)",
            id="keep-prefix-of-a-path",
        ),
        pytest.param(
            PREFIX,
            {"path": "/"},
            "has a path rewrite but no path condition, got '/' (match on a path)",
            id="path-of-a-prefix",
        ),
        pytest.param(
            PREFIX,
            {"prefix": "red"},
            "prefix rewrite is invalid, got 'red' ('/' and at most 254 characters more)",
            id="prefix-not-rooted",
        ),
        pytest.param(
            PREFIX,
            {"prefix": "/" * 256},
            f"prefix rewrite is invalid, got '{'/' * 256}' ('/' and at most 254 characters more)",
            id="prefix-high",
        ),
        pytest.param(
            REGEX, {"path": ""}, "path rewrite is invalid, got '' ('/' and at most 254 characters more)", id="path-low"
        ),
        pytest.param(
            PREFIX,
            {"keep_prefix": "DISABLED"},
            "keep_prefix is not true or false, got 'DISABLED' (True or False)",
            id="keep-prefix-text",
        ),
        pytest.param(
            PREFIX,
            {"keep_hostname": 1},
            "keep_hostname is not true or false, got 1 (True or False)",
            id="keep-hostname-number",
        ),
    ],
)
def test_invalid_rewrite_is_rejected(match: RouteMatch, rewrite: dict[str, Any], wrong: str) -> None:
    assert refusal(with_rewrite, match, **rewrite) == f"gateway route 'all': {wrong}"


@pytest.mark.parametrize("name", ["aws.app-mesh", "aws.app-mesh.Health"])
def test_reserved_service_name_of_a_gateway_route_is_rejected(name: str) -> None:
    reserved = gateway_route(protocol="grpc", match=RouteMatch(service_name=name))
    assert refusal(entering, reserved, on=(GRPC,)) == (
        f"gateway route 'all': service name is reserved, got '{name}' (App Mesh keeps 'aws.app-mesh')"
    )


def test_route_of_a_router_may_have_a_service_name_that_is_reserved_for_gateways() -> None:
    assert routing(route(protocol="grpc", match=RouteMatch(service_name="aws.app-mesh")), on=(GRPC,), red=(GRPC,))


@pytest.mark.parametrize("path", ["/aws-appmesh", "/aws-app-mesh/health"])
def test_reserved_path_of_a_gateway_route_is_rejected(path: str) -> None:
    assert refusal(entering, gateway_route(match=RouteMatch(path=path))) == (
        f"gateway route 'all': path is reserved, got '{path}' "
        "(App Mesh keeps '/aws-appmesh' and '/aws-app-mesh' for itself)"
    )


def test_route_on_a_port_of_another_protocol_is_rejected() -> None:
    wrong = f"the listener at its port is not http, got 81 ({SEVERAL})"
    on, match = (HTTP, HTTP2), RouteMatch(port=81)
    assert refusal(routing, route(match=match), on=on) == f"route 'all': {wrong}"
    assert refusal(entering, gateway_route(match=match), on=on) == f"gateway route 'all': {wrong}"


def test_route_without_a_port_of_a_router_with_several_listeners_is_rejected() -> None:
    wrong = f"has no port condition, but there are several listeners, got None ({SEVERAL})"
    on = (HTTP, HTTP2)
    assert refusal(routing, route(), on=on) == f"route 'all': {wrong}"
    assert refusal(entering, gateway_route(), on=on) == f"gateway route 'all': {wrong}"


def test_route_with_a_port_of_a_router_with_several_listeners_is_accepted() -> None:
    match = RouteMatch(port=80)
    assert routing(route(match=match), on=(HTTP, HTTP2))
    assert entering(gateway_route(match=match), on=(HTTP, HTTP2))


@pytest.mark.parametrize("weight", [pytest.param("1", id="text"), pytest.param(True, id="bool")])
def test_weight_that_is_not_an_integer_is_rejected(weight: object) -> None:
    wrong = f"route 'all': weight of 'red' out of range, got {weight!r} (0 to 100)"
    assert refusal(with_route, targets=(target(weight=weight),)) == wrong


@pytest.mark.parametrize(
    ("listeners", "port"),
    [
        pytest.param((HTTP,), None, id="its-only-one"),
        pytest.param((HTTP,), 80, id="its-only-one-named"),
        pytest.param((HTTP, HTTP_8080), 8080, id="one-of-several"),
        pytest.param((HTTP, TCP), 80, id="one-beside-tcp"),
        pytest.param((GRPC,), None, id="other-protocol"),
    ],
)
def test_gateway_route_to_a_port_of_its_service_is_accepted(listeners: tuple[Listener, ...], port: int | None) -> None:
    assert with_gateway_target(*listeners, port=port)
    assert with_gateway_target_of_a_router(*listeners, port=port)


def test_gateway_route_to_a_service_without_provider_is_accepted() -> None:
    entry = gateway(routes=(gateway_route(target_port=80),))
    assert mesh(services=(service(),), gateways=(entry,))


@pytest.mark.parametrize(
    ("listeners", "port", "wrong"),
    [
        pytest.param(
            (HTTP, HTTP_8080),
            None,
            "service 'red.colors.local' has several ports, got None (listeners of 'red': http/80, http/8080)",
            id="several",
        ),
        pytest.param(
            (HTTP, HTTP_8080),
            81,
            "service 'red.colors.local' has no listener on the port, got 81 (listeners of 'red': http/80, http/8080)",
            id="another",
        ),
        pytest.param(
            (TCP,),
            None,
            "service 'red.colors.local' has a tcp listener on the port, got None (listeners of 'red': tcp/83)",
            id="tcp",
        ),
        pytest.param(
            (HTTP, TCP),
            83,
            "service 'red.colors.local' has a tcp listener on the port, got 83 (listeners of 'red': http/80, tcp/83)",
            id="tcp-named",
        ),
    ],
)
def test_gateway_route_to_an_unknown_port_of_its_service_is_rejected(
    listeners: tuple[Listener, ...], port: int | None, wrong: str
) -> None:
    assert refusal(with_gateway_target, *listeners, port=port) == f"gateway route 'all': {wrong}"
    assert refusal(with_gateway_target_of_a_router, *listeners, port=port) == f"gateway route 'all': {wrong}"


def test_gateway_route_to_a_port_of_a_node_without_listeners_is_rejected() -> None:
    wrong = "service 'red.colors.local' has no listener on the port, got 80 (listeners of 'red': none)"
    assert refusal(with_gateway_target, port=80) == f"gateway route 'all': {wrong}"


@pytest.mark.parametrize("port", [pytest.param(1, id="low"), pytest.param(65535, id="high")])
def test_target_port_at_its_limits_is_accepted(port: int) -> None:
    assert entering(gateway_route(target_port=port))


@pytest.mark.parametrize(
    "port", [pytest.param(0, id="low"), pytest.param(65536, id="high"), pytest.param("80", id="text")]
)
def test_target_port_outside_its_limits_is_rejected(port: object) -> None:
    wrong = f"gateway route 'all': target port out of range, got {port!r} (1 to 65535)"
    assert refusal(entering, gateway_route(target_port=port)) == wrong


def test_tcp_gateway_route_is_rejected() -> None:
    tcp = GatewayRoute(name="all", match=RouteMatch(), virtual_service="red.colors.local", protocol="tcp")
    wrong = "gateway route 'all': no listener has its protocol, got 'tcp' (listeners: http/80)"
    assert refusal(entering, tcp) == wrong


def test_every_problem_of_a_route_is_reported() -> None:
    broken = route(
        priority=-1,
        tags=(("", ""),),
        match=RouteMatch(path="red", port=81),
        timeout=Timeout(idle=Milliseconds(-1)),
        retry_policy=retry_policy(max_retries=-1),
        targets=(target(weight=101),),
    )
    assert refusal(routing, broken).splitlines() == [
        "route 'all': priority out of range, got -1 (0 to 1000)",
        "route 'all': tag key has an invalid length, got '0 characters' (1 to 128)",
        "route 'all': no listener has its port, got 81 (listeners: http/80)",
        "route 'all': path does not start with '/', got 'red' (such as '/' or '/orders')",
        "route 'all': idle timeout out of range, got -1 ms (0 to 9000000000000 ms)",
        "route 'all': max retries out of range, got -1 (0 to 4294967295)",
        "route 'all': weight of 'red' out of range, got 101 (0 to 100)",
    ]
