"""Characters and numbers that Envoy refuses are refused first."""

from collections.abc import Callable
from typing import Any

import pytest

from color_mesh.model import (
    HeaderMatch,
    Listener,
    Mesh,
    Milliseconds,
    QueryParameterMatch,
    Rewrite,
    RouteMatch,
    Timeout,
)
from tests.support.builders import (
    entering,
    gateway_route,
    health_check,
    listener_tls,
    mesh,
    node,
    outlier_detection,
    refusal,
    retry_policy,
    route,
    routing,
    validation,
)


def listening(**changes: Any) -> Mesh:
    """Return a mesh of one node with a listener."""
    return mesh(nodes=(node(listeners=(Listener(port=80, **changes),)),))


@pytest.mark.parametrize("character", ["\n", "\x00", "\x1b", "\x7f", "\x85", "\ud800"])
@pytest.mark.parametrize(
    ("describe", "field"),
    [
        (lambda text: mesh(tags=((text, ""),)), "tag key"),
        (lambda text: mesh(tags=(("a", text),)), "value of tag 'a'"),
        (lambda text: routing(route(match=RouteMatch(prefix=f"/{text}"))), "prefix"),
        (lambda text: routing(route(match=RouteMatch(path=f"/{text}"))), "path"),
        (lambda text: routing(route(match=RouteMatch(path_regex=text))), "path_regex"),
        (lambda text: routing(route(match=RouteMatch(headers=(HeaderMatch(name="a", exact=text),)))), "exact of 'a'"),
        (
            lambda text: routing(route(match=RouteMatch(query_parameters=(QueryParameterMatch(name=text),)))),
            "query parameter",
        ),
        (lambda text: entering(gateway_route(rewrite=Rewrite(prefix=f"/{text}"))), "prefix rewrite"),
        (
            lambda text: entering(gateway_route(match=RouteMatch(path="/"), rewrite=Rewrite(path=f"/{text}"))),
            "path rewrite",
        ),
        (lambda text: listening(health_check=health_check(path=f"/{text}")), "health check path"),
        (lambda text: listening(tls=listener_tls(validation=validation(text))), "subject alternative name"),
    ],
)
def test_control_characters_are_refused(describe: Callable[[str], object], field: str, character: str) -> None:
    message = refusal(describe, character)
    assert f"{field} has a control character" in message
    assert message.isprintable()


@pytest.mark.parametrize("text", ["😀", "ä☃", "\u2028", "a\xa0b", '"\\${}'])
def test_other_characters_are_accepted(text: str) -> None:
    assert mesh(tags=((text, text),))
    assert routing(route(match=RouteMatch(prefix=f"/{text}", headers=(HeaderMatch(name="a", exact=text),))))


@pytest.mark.parametrize(
    "hostname",
    [
        "*",
        "*.example.com",
        "example.com:80",
        "ex ample.com",
        "http://example.com",
        "example.com/a",
        "☃.example.com",
        "a\n",
    ],
)
def test_hostname_of_which_no_request_can_be_is_refused(hostname: str) -> None:
    message = refusal(lambda: entering(gateway_route(match=RouteMatch(hostname=hostname))))
    assert "gateway route 'all': hostname has invalid characters" in message


def test_hostname_suffix_with_a_port_is_refused() -> None:
    wrong = "hostname suffix has invalid characters, got '.example.com:80' (letters, digits, '-', '_' and '.')"
    match = RouteMatch(hostname_suffix=".example.com:80")
    assert refusal(lambda: entering(gateway_route(match=match))) == f"gateway route 'all': {wrong}"


@pytest.mark.parametrize("large", [2**63, 10**400])
@pytest.mark.parametrize(
    "describe",
    [
        lambda number: routing(route(timeout=Timeout(per_request=Milliseconds(number)))),
        lambda number: routing(route(timeout=Timeout(idle=Milliseconds(number)))),
        lambda number: routing(route(retry_policy=retry_policy(max_retries=number))),
        lambda number: routing(route(match=RouteMatch(headers=(HeaderMatch(name="a", range=(0, number)),)))),
        lambda number: listening(outlier_detection=outlier_detection(max_server_errors=number)),
    ],
)
def test_number_that_envoy_cannot_hold_is_refused(describe: Callable[[int], Any], large: int) -> None:
    assert "out of range, got " in refusal(describe, large)
