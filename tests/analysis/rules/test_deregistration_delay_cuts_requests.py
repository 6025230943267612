"""The rule ``deregistration-delay-cuts-requests``."""

from typing import Any

import pytest

from color_mesh.model import Listener, Mesh, Milliseconds, Timeout
from tests.support.analysis import entered, in_target_group, routed, texts
from tests.support.builders import gateway_route, route

ID = "deregistration-delay-cuts-requests"
MINUTE = Timeout(per_request=Milliseconds(60000))


def found(mesh: Mesh, part: str, seconds: int, protocol: str = "HTTP") -> list[str]:
    attributes = {"deregistration_delay.timeout_seconds": str(seconds)}
    return texts(ID, mesh, **in_target_group(part, protocol=protocol, attributes=attributes))


def test_delay_shorter_than_requests_is_found() -> None:
    assert found(routed(red=Listener(port=80, timeout=MINUTE)), "red", 30) == [
        (
            "app.yaml: Group TargetGroupAttributes[deregistration_delay.timeout_seconds]: requests to virtual node "
            "'red' may take 60 s, but the load balancer ends those of a deregistered task after 30 s"
        )
    ]


def through_gateway(**parts: Any) -> Mesh:
    mesh = entered(gateway_route(virtual_service="red.colors.local"))
    return routed(route(timeout=MINUTE), red=Listener(port=80, timeout=MINUTE), gateways=mesh.gateways, **parts)


def test_delay_shorter_than_requests_through_a_gateway_is_found() -> None:
    (text,) = found(through_gateway(), "gateway", 20)
    assert "requests to virtual gateway 'gateway' may take 60 s" in text


def test_delay_of_a_network_load_balancer_that_still_sends_connections_is_found() -> None:
    (text,) = found(through_gateway(), "gateway", 60, "TCP")
    assert text.endswith("for about 120 s after its deregistration, but ECS stops it after 60 s")


@pytest.mark.parametrize(("seconds", "protocol"), [(60, "HTTP"), (300, "HTTP"), (150, "TCP")])
def test_sufficient_delay_is_not_found(seconds: int, protocol: str) -> None:
    assert found(through_gateway(), "gateway", seconds, protocol) == []


def test_default_and_unlimited_timeouts_are_not_found() -> None:
    assert found(routed(), "red", 5) == []
    assert found(routed(red=Listener(port=80, timeout=Timeout(per_request=Milliseconds(0)))), "red", 5) == []
