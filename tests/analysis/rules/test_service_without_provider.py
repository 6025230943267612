"""The rule ``service-without-provider``."""

import pytest

from color_mesh.model import Mesh
from tests.support.analysis import provided, routed, texts
from tests.support.builders import gateway, gateway_route, mesh, node, router, service, to

ID = "service-without-provider"
CALLER = node("blue", backends=(to("red.colors.local"),))


@pytest.mark.parametrize(
    ("called", "reason"),
    [
        (mesh(nodes=(CALLER,), services=(service(),)), "has no provider"),
        (
            mesh(nodes=(CALLER,), services=(service(virtual_router="router"),), routers=(router(),)),
            "is provided by virtual router 'router', which has no routes",
        ),
        (
            provided(node(listeners=())),
            "is provided by virtual node 'red', which has no listener",
        ),
    ],
)
def test_backend_without_a_target_is_found(called: Mesh, reason: str) -> None:
    assert texts(ID, called) == [
        (
            "virtual node 'blue' Spec.Backends[0].VirtualService.VirtualServiceName: it calls virtual service "
            f"'red.colors.local', which {reason}"
        )
    ]


def test_gateway_route_without_a_target_is_found() -> None:
    entered = mesh(services=(service(),), gateways=(gateway(routes=(gateway_route(),)),))
    assert "virtual gateway 'gateway' Spec: it calls virtual service" in texts(ID, entered)[0]


def test_service_with_a_target_is_not_found() -> None:
    assert texts(ID, provided()) == []
    assert texts(ID, routed()) == []


def test_service_that_nobody_calls_is_not_found() -> None:
    assert texts(ID, mesh(services=(service(),))) == []
