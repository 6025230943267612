"""The rule ``balancer-health-check-without-route``."""

from typing import Any

import pytest

from color_mesh.ecs.target_groups import TargetHealthCheck
from color_mesh.model import RouteMatch
from tests.support.analysis import entered, in_target_group, texts
from tests.support.builders import gateway_route

ID = "balancer-health-check-without-route"


def found(match: RouteMatch, **check: Any) -> list[str]:
    declared = {"protocol": "HTTP", "path": "/health", "codes": "200", **check}
    group = in_target_group(health_check=TargetHealthCheck(**declared))
    return texts(ID, entered(gateway_route(match=match)), **group)


@pytest.mark.parametrize(
    "match", [RouteMatch(prefix="/shop"), RouteMatch(hostname="example.com"), RouteMatch(method="PUT")]
)
def test_path_without_a_route_is_found(match: RouteMatch) -> None:
    assert found(match) == [
        (
            "app.yaml: Group HealthCheckPath: virtual gateway 'gateway' answers the health check of "
            "'/health' with 404, since no route without a hostname matches it"
        )
    ]


@pytest.mark.parametrize(
    "check",
    [
        {"codes": "200-499"},
        {"codes": "200,404"},
        {"protocol": "TCP"},
        {"port": 9901},
        {"path": "/.well-known/gateway-health"},
        {"path": "/shop/x?y=z"},
    ],
)
def test_check_that_passes_is_not_found(check: dict[str, Any]) -> None:
    assert found(RouteMatch(prefix="/shop"), **check) == []


@pytest.mark.parametrize("match", [RouteMatch(), RouteMatch(path="/health"), RouteMatch(path_regex="/h.*")])
def test_path_with_a_route_is_not_found(match: RouteMatch) -> None:
    assert found(match) == []
