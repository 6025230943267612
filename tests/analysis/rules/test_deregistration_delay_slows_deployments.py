"""The rule ``deregistration-delay-slows-deployments``."""

from typing import Any

from color_mesh.model import Listener, Mesh, Milliseconds, Timeout
from tests.support.analysis import in_target_group, routed, texts

ID = "deregistration-delay-slows-deployments"


def found(mesh: Mesh, **group: Any) -> list[str]:
    return texts(ID, mesh, **in_target_group("red", **{"protocol": "HTTP", **group}))


def test_default_delay_for_short_requests_is_found() -> None:
    assert found(routed()) == [
        (
            "app.yaml: Group TargetGroupAttributes[deregistration_delay.timeout_seconds]: a deployment waits 300 s for "
            "each task of virtual node 'red', whose requests take 15 s at most"
        )
    ]


def test_delay_that_fits_the_requests_is_not_found() -> None:
    assert found(routed(), attributes={"deregistration_delay.timeout_seconds": "60"}) == []
    assert found(routed(red=Listener(port=80, timeout=Timeout(per_request=Milliseconds(250000))))) == []


def test_unlimited_requests_and_network_load_balancers_are_not_found() -> None:
    assert found(routed(red=Listener(port=80, timeout=Timeout(per_request=Milliseconds(0))))) == []
    assert found(routed(), protocol="TCP") == []
