"""Weights that Envoy reads from Cloud Map: what a configuration has for the routes of each protocol."""

from pathlib import Path
from typing import Any

import pytest

from color_mesh.envoy import CloudMapEndpoints, Configuration, Loopback, Transparent, configure
from color_mesh.envoy.aws.cloud_map import weights_name
from color_mesh.envoy.placement import EGRESS_PORT, Interception
from color_mesh.model import IpPreference, Listener, Milliseconds, Route, RouteMatch, Timeout, WeightedTarget
from tests.support.builders import TCP, mesh, node, refusal, router, service, to
from tests.support.envoy import validate

NAMES = ("a", "b", "c")
KEYS = [f"shares.router.route.cds_egress_colors_{name}_tcp_83" for name in NAMES]
LIVE = frozenset({("router", "route")})


def compiled(
    interception: Interception,
    weights: tuple[int, ...] = (0, 2, 1),
    preference: IpPreference | None = None,
    port: int = TCP.port,
) -> Configuration:
    """Compile the configuration of a node that calls a tcp router with three targets."""
    targets = tuple(
        WeightedTarget(virtual_node=name, weight=weight) for name, weight in zip(NAMES, weights, strict=True)
    )
    timeout = Timeout(idle=Milliseconds(9000))
    route = Route(name="route", protocol="tcp", match=RouteMatch(), targets=targets, timeout=timeout)
    of = mesh(
        nodes=[*(node(name, listeners=(TCP,)) for name in NAMES), node("red", backends=(to("abc.colors.local"),))],
        routers=(router("router", Listener(port=port, protocol="tcp"), routes=(route,)),),
        services=(service("abc.colors.local", virtual_router="router"),),
        egress_filter="ALLOW_ALL",
        ip_preference=preference,
    )
    endpoints = CloudMapEndpoints(weights_namespace="colors.local", live_routes=LIVE)
    return configure(of, of.node("red"), interception=interception, endpoints=endpoints)


def listener_of(configuration: Configuration, port: int) -> Any:
    (listener,) = (each for each in configuration.listeners if each["address"]["socket_address"]["port_value"] == port)
    return listener


@pytest.mark.parametrize("interception", [Loopback(), Transparent()], ids=["loopback", "transparent"])
def test_tcp_route_has_a_filter_chain_for_each_target_and_no_weights(interception: Interception) -> None:
    configuration = compiled(interception)
    listener = listener_of(configuration, TCP.port)

    proxies = {each["name"]: each["filters"][0]["typed_config"] for each in listener["filter_chains"]}
    assert list(proxies) == KEYS
    assert [each["cluster"] for each in proxies.values()] == [f"cds_egress_colors_{name}_tcp_83" for name in NAMES]
    assert {each["idle_timeout"] for each in proxies.values()} == {"9s"}
    matchers = listener["filter_chain_matcher"]["matcher_list"]["matchers"]
    assert [each["on_match"]["action"]["name"] for each in matchers] == KEYS
    assert configuration == compiled(interception, (5, 0, 5))


def test_layer_has_a_key_for_each_target_with_those_before_it() -> None:
    (layer,) = (each for each in compiled(Loopback()).bootstrap["layered_runtime"]["layers"] if "rtds_layer" in each)

    keys = [("route", NAMES[: number + 1], key) for number, key in enumerate(KEYS)]
    assert layer["rtds_layer"]["name"] == weights_name("colors.local", "router.weights", keys)


def test_redirected_connections_are_handed_to_the_listener_of_a_tcp_route_with_weights() -> None:
    configuration = compiled(Transparent())
    redirected = listener_of(configuration, EGRESS_PORT)

    assert redirected["use_original_dst"]
    assert TCP.port not in [each["filter_chain_match"].get("destination_port") for each in redirected["filter_chains"]]
    assert listener_of(configuration, TCP.port)["bind_to_port"] is False


def test_connections_to_aws_are_not_for_a_tcp_route_with_weights_on_the_same_port() -> None:
    listener = listener_of(compiled(Transparent(), port=443), 443)

    of_aws, *others = listener["filter_chains"]
    assert of_aws["filters"][0]["typed_config"]["cluster"] == "cds_egress_colors_amazonaws"
    assert [each["name"] for each in others] == KEYS
    first, *by_share = listener["filter_chain_matcher"]["matcher_list"]["matchers"]
    assert first["predicate"]["single_predicate"]["value_match"] == {"suffix": ".amazonaws.com"}
    assert first["on_match"]["action"]["name"] == of_aws["name"]
    assert [each["on_match"]["action"]["name"] for each in by_share] == KEYS


def test_port_of_envoy_cannot_have_a_listener_for_weights() -> None:
    assert refusal(compiled, Transparent(), port=EGRESS_PORT) == (
        "virtual node 'red': backend 'abc.colors.local' has weights and a port that is used by Envoy, got 15001 "
        "(Envoy uses 15000 and 15001 for redirected connections: change the port)"
    )


@pytest.mark.envoy
@pytest.mark.parametrize("port", [TCP.port, 443])
@pytest.mark.parametrize("preference", [None, "IPv6_PREFERRED"])
@pytest.mark.parametrize("interception", [Loopback(), Transparent()], ids=["loopback", "transparent"])
def test_envoy_accepts_weights_of_a_tcp_route(
    interception: Interception, preference: IpPreference | None, port: int, tmp_path: Path, tls: Path
) -> None:
    validate(compiled(interception, preference=preference, port=port), tmp_path, tls)
