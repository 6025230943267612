"""Routes of equal precedence that match the same requests."""

from typing import Any

import pytest

from color_mesh.model import HeaderMatch, Listener, QueryParameterMatch, RouteMatch
from color_mesh.model.match import match_text
from color_mesh.model.overlap import overlap
from tests.support.builders import GRPC, HTTP, HTTP2, TCP, entering, gateway_route, refusal, route, routing, target

TCP_84 = Listener(port=84, protocol="tcp")


def header(name: str = "color", **condition: Any) -> RouteMatch:
    return RouteMatch(headers=(HeaderMatch(name=name, **condition),))


def metadata(name: str = "color", **condition: Any) -> RouteMatch:
    return RouteMatch(metadata=(HeaderMatch(name=name, **condition),))


def query(**values: str | None) -> RouteMatch:
    parameters = (QueryParameterMatch(name=name, exact=value) for name, value in values.items())
    return RouteMatch(query_parameters=tuple(parameters))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(RouteMatch(), RouteMatch(), id="nothing"),
        pytest.param(RouteMatch(prefix="/a"), RouteMatch(prefix="/a"), id="prefix"),
        pytest.param(RouteMatch(path="/a"), RouteMatch(path="/a"), id="path"),
        pytest.param(RouteMatch(path_regex="/a"), RouteMatch(path_regex="/a"), id="path-regex"),
        pytest.param(RouteMatch(method="GET"), RouteMatch(method="GET"), id="method"),
        pytest.param(RouteMatch(method="GET"), RouteMatch(), id="one-method"),
        pytest.param(RouteMatch(scheme="http"), RouteMatch(scheme="http"), id="scheme"),
        pytest.param(RouteMatch(scheme="http"), RouteMatch(), id="one-scheme"),
        pytest.param(RouteMatch(port=80), RouteMatch(port=80), id="port"),
        pytest.param(RouteMatch(port=80), RouteMatch(), id="one-port"),
        pytest.param(RouteMatch(method="GET"), RouteMatch(scheme="http"), id="a-method-and-a-scheme"),
        pytest.param(RouteMatch(hostname="a.b"), RouteMatch(hostname="a.b"), id="hostname"),
        pytest.param(RouteMatch(hostname_suffix=".b"), RouteMatch(hostname_suffix=".b"), id="hostname-suffix"),
        pytest.param(RouteMatch(service_name="a"), RouteMatch(service_name="a"), id="service"),
        pytest.param(
            RouteMatch(service_name="a", method_name="b"),
            RouteMatch(service_name="a", method_name="b"),
            id="grpc-method",
        ),
        pytest.param(header(exact="red"), header(exact="red"), id="header-exact"),
        pytest.param(header(exact="red"), RouteMatch(), id="one-header"),
        pytest.param(header(exact="red"), header("shape", exact="round"), id="other-header"),
        pytest.param(header(exact="red"), header(prefix="re"), id="exact-and-prefix"),
        pytest.param(header(exact="red"), header(suffix="ed"), id="exact-and-suffix"),
        pytest.param(header(prefix="re"), header(prefix="r"), id="two-prefixes"),
        pytest.param(header(suffix="ed"), header(suffix="d"), id="two-suffixes"),
        pytest.param(header(prefix="r"), header(suffix="d"), id="prefix-and-suffix"),
        pytest.param(header(regex="r.*"), header(regex="b.*"), id="two-regexes"),
        pytest.param(header(range=(0, 2)), header(range=(1, 3)), id="two-ranges"),
        pytest.param(RouteMatch(hostname="A.b"), RouteMatch(hostname="a.B"), id="hostname-in-capitals"),
        pytest.param(RouteMatch(hostname_suffix="*.b"), RouteMatch(hostname_suffix=".B"), id="suffix-with-a-star"),
        pytest.param(header(exact="red", invert=True), header(exact="red", invert=True), id="both-inverted"),
        pytest.param(header(exact="red", invert=True), header(exact="blue"), id="not-red-and-blue"),
        pytest.param(header(exact="red", invert=True), header(exact="blue", invert=True), id="not-red-and-not-blue"),
        pytest.param(header(), header(), id="header-there"),
        pytest.param(header(invert=True), header(invert=True), id="header-not-there"),
        pytest.param(header(), header(exact="red"), id="there-and-red"),
        pytest.param(header(), header(exact="red", invert=True), id="there-and-not-red"),
        pytest.param(metadata(exact="red"), metadata(exact="red"), id="metadata"),
        pytest.param(query(color="red"), query(color="red"), id="query-exact"),
        pytest.param(query(color="red"), query(color=None), id="query-there"),
        pytest.param(query(color="red"), query(shape="round"), id="other-query"),
        pytest.param(query(color="red"), query(), id="one-query"),
        pytest.param(query(color="red"), query(Color="blue"), id="query-names-have-case"),
        pytest.param(query(color="red"), header(exact="red"), id="a-query-and-a-header"),
    ],
)
def test_matches_overlap(first: RouteMatch, second: RouteMatch) -> None:
    assert overlap(first, second)
    assert overlap(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(RouteMatch(prefix="/a"), RouteMatch(prefix="/b"), id="prefix"),
        pytest.param(RouteMatch(path="/a"), RouteMatch(path="/b"), id="path"),
        pytest.param(RouteMatch(path="/a"), RouteMatch(prefix="/a"), id="path-and-prefix"),
        pytest.param(RouteMatch(prefix="/"), RouteMatch(), id="prefix-and-none"),
        pytest.param(RouteMatch(method="GET"), RouteMatch(method="PUT"), id="method"),
        pytest.param(RouteMatch(scheme="http"), RouteMatch(scheme="https"), id="scheme"),
        pytest.param(RouteMatch(port=80), RouteMatch(port=81), id="port"),
        pytest.param(RouteMatch(hostname="a.b"), RouteMatch(hostname="c.b"), id="hostname"),
        pytest.param(RouteMatch(hostname_suffix=".b"), RouteMatch(hostname_suffix=".c"), id="hostname-suffix"),
        pytest.param(RouteMatch(hostname="a.b"), RouteMatch(hostname_suffix=".b"), id="hostname-and-suffix"),
        pytest.param(RouteMatch(service_name="a"), RouteMatch(service_name="b"), id="service"),
        pytest.param(
            RouteMatch(service_name="a", method_name="b"),
            RouteMatch(service_name="a", method_name="c"),
            id="grpc-method",
        ),
        pytest.param(header(exact="red"), header(exact="blue"), id="header-exact"),
        pytest.param(header(exact="red"), header("Color", exact="blue"), id="header-names-have-no-case"),
        pytest.param(header(exact="red"), header(exact="red", invert=True), id="red-and-not-red"),
        pytest.param(header(prefix="r"), header(prefix="r", invert=True), id="prefix-and-not"),
        pytest.param(header(suffix="d"), header(suffix="d", invert=True), id="suffix-and-not"),
        pytest.param(header(regex="r.d"), header(regex="r.d", invert=True), id="regex-and-not"),
        pytest.param(header(range=(0, 9)), header(range=(0, 9), invert=True), id="range-and-not"),
        pytest.param(header(), header(invert=True), id="there-and-not-there"),
        pytest.param(header(exact="red"), header(invert=True), id="red-and-not-there"),
        pytest.param(header(exact="red", invert=True), header(invert=True), id="not-red-and-not-there"),
        pytest.param(metadata(exact="red"), metadata(exact="blue"), id="metadata"),
        pytest.param(query(color="red"), query(color="blue"), id="query"),
        pytest.param(query(color="red", shape="round"), query(shape="flat"), id="one-of-two-queries"),
        pytest.param(header(exact="red"), header(prefix="b"), id="exact-and-another-prefix"),
        pytest.param(header(exact="red"), header(suffix="e"), id="exact-and-another-suffix"),
        pytest.param(header(prefix="r"), header(prefix="b"), id="two-other-prefixes"),
        pytest.param(header(suffix="d"), header(suffix="e"), id="two-other-suffixes"),
        pytest.param(header(range=(0, 1)), header(range=(1, 2)), id="two-ranges-apart"),
    ],
)
def test_matches_do_not_overlap(first: RouteMatch, second: RouteMatch) -> None:
    assert not overlap(first, second)
    assert not overlap(second, first)


@pytest.mark.parametrize(
    ("match", "text"),
    [
        pytest.param(RouteMatch(), "any request", id="nothing"),
        pytest.param(RouteMatch(path="/a", method="GET", scheme="https", port=80), "GET /a https port 80", id="http"),
        pytest.param(RouteMatch(path_regex="/a.*"), "~/a.*", id="regex"),
        pytest.param(RouteMatch(service_name="colors.Teller"), "colors.Teller", id="service"),
        pytest.param(RouteMatch(service_name="a", method_name="b"), "a/b", id="method-of-a-service"),
        pytest.param(RouteMatch(hostname="a.b", prefix="/"), "a.b /", id="hostname"),
        pytest.param(RouteMatch(hostname_suffix=".b"), "*.b", id="suffix"),
        pytest.param(RouteMatch(hostname_suffix="*.b"), "*.b", id="suffix-with-a-star"),
        pytest.param(header(), "color", id="header-there"),
        pytest.param(header(invert=True), "not(color)", id="header-not-there"),
        pytest.param(header(exact="red"), "color exact red", id="header"),
        pytest.param(metadata(prefix="r", invert=True), "not(color prefix r)", id="metadata"),
        pytest.param(header(range=(1, 5)), "color range (1, 5)", id="range"),
        pytest.param(query(color="red", shape=None), "?color=red ?shape", id="query"),
    ],
)
def test_short_description_of_a_match(match: RouteMatch, text: str) -> None:
    assert match_text(match) == text


def test_routes_with_different_header_conditions_may_have_the_same_prefix() -> None:
    red = RouteMatch(prefix="/", headers=(HeaderMatch(name="color", exact="red"),))
    blue = RouteMatch(prefix="/", headers=(HeaderMatch(name="color", exact="blue"),))
    assert routing(route("one", match=red), route("two", match=blue))
    assert entering(gateway_route("one", match=red, priority=7), gateway_route("two", match=blue, priority=7))


def test_routes_with_overlapping_header_conditions_are_rejected() -> None:
    red = RouteMatch(prefix="/", headers=(HeaderMatch(name="color", prefix="r"),))
    regex = RouteMatch(prefix="/", headers=(HeaderMatch(name="color", regex="re."),))
    assert refusal(routing, route("one", match=red), route("two", match=regex)) == (
        "virtual router 'router': duplicate match in route 'two', got '/ color regex re.' "
        "(also in 'one': change one of them, or give them priorities)"
    )


def test_grpc_routes_that_match_the_same_call_are_rejected() -> None:
    teller = {"protocol": "grpc", "match": RouteMatch(service_name="colors.Teller")}
    assert refusal(entering, gateway_route("one", **teller), gateway_route("two", **teller), on=(GRPC,)) == (
        "virtual gateway 'gateway': duplicate match in route 'two', got 'colors.Teller' "
        "(also in 'one': change one of them, or give them priorities)"
    )


def test_every_pair_of_routes_is_compared() -> None:
    routes = route("one"), route("two", priority=1), route("three"), route("four", priority=1)
    assert refusal(routing, *routes).splitlines() == [
        (
            "virtual router 'router': duplicate match in route 'three', got '/' "
            "(also in 'one': change one of them, or give them priorities)"
        ),
        (
            "virtual router 'router': duplicate match in route 'four', got '/' "
            "(also in 'two': change one of them, or give them priorities)"
        ),
    ]


def test_priority_does_not_distinguish_tcp_routes() -> None:
    tcp = {"protocol": "tcp", "match": RouteMatch(port=83)}
    routes = route("one", priority=1, **tcp), route("two", priority=2, **tcp)
    assert refusal(routing, *routes, on=(TCP,), red=(TCP,)) == (
        "virtual router 'router': duplicate match in route 'two', got 'port 83' "
        "(also in 'one': the first one takes every connection)"
    )


def test_port_distinguishes_tcp_routes() -> None:
    tcp: dict[str, Any] = {"protocol": "tcp", "targets": (target(),)}
    one, two = route("one", match=RouteMatch(port=83), **tcp), route("two", match=RouteMatch(port=84), **tcp)
    assert routing(one, two, on=(TCP, TCP_84), red=(TCP,))


def test_routes_of_different_protocols_do_not_overlap() -> None:
    at_80, at_81 = RouteMatch(port=80), RouteMatch(port=81)
    one, two = gateway_route("one", match=at_80), gateway_route("two", protocol="http2", match=at_81)
    assert entering(one, two, on=(HTTP, HTTP2))
