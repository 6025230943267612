"""Names of the weights of routes in Cloud Map."""

import re

import pytest

from color_mesh.model import Route, RouteMatch, WeightedTarget
from color_mesh.model.weights import weight_attribute, weights_instance, weights_service

# AWS Cloud Map API Reference, *CreateService* and *RegisterInstance*.
SERVICE = r"[a-zA-Z0-9_]([a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_])?\.weights"
INSTANCE = r"[0-9a-zA-Z_/:.@-]{1,64}"


def test_names_are_those_of_the_router_and_the_route() -> None:
    assert (weights_service("color-router"), weights_instance("color-route")) == ("color-router.weights", "color-route")


@pytest.mark.parametrize("name", ["-", "--", "a-", "-a", "r" * 63, "r" * 64, "r" * 65, "r" * 255, "-" * 255])
def test_every_name_of_app_mesh_is_made_one_of_cloud_map(name: str) -> None:
    assert re.fullmatch(SERVICE, weights_service(name))
    assert re.fullmatch(INSTANCE, weights_instance(name))


def test_long_names_with_the_same_beginning_stay_different() -> None:
    assert weights_service("r" * 80 + "1") != weights_service("r" * 80 + "2")


def test_attribute_has_the_port_of_a_node_with_several_listeners_in_the_route() -> None:
    green, yellow = WeightedTarget(virtual_node="green", weight=1), WeightedTarget(virtual_node="yellow", weight=1)
    admin = WeightedTarget(virtual_node="green", weight=1, port=81)
    route = Route(name="route", match=RouteMatch(), targets=(green, yellow))
    both = Route(
        name="route",
        match=RouteMatch(),
        targets=(WeightedTarget(virtual_node="green", weight=1, port=80), admin, yellow),
    )

    assert [weight_attribute(route, target) for target in route.targets] == ["green", "yellow"]
    assert [weight_attribute(both, target) for target in both.targets] == ["green:80", "green:81", "yellow"]
