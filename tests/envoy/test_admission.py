"""Names of the clients that a listener admits."""

from dataclasses import replace

import pytest

from color_mesh.envoy import Admission, CloudMapEndpoints, Transparent
from color_mesh.envoy.admission import admitted_names
from color_mesh.envoy.placement import Placement
from color_mesh.model import (
    DnsDiscovery,
    FileCertificate,
    FileTrust,
    GatewayRoute,
    Listener,
    ListenerTls,
    Mesh,
    Route,
    RouteMatch,
    TlsValidation,
    VirtualService,
    WeightedTarget,
)
from color_mesh.model.health_check import Protocol
from tests.support.builders import gateway, node, router, to

MUTUAL = ListenerTls(
    certificate=FileCertificate(certificate_chain="chain.pem", private_key="key.pem"),
    validation=TlsValidation(trust=FileTrust(certificate_chain="ca.pem")),
)
PORTS: dict[int, Protocol] = {80: "http", 81: "http", 82: "tcp"}
RED = node("red", listeners=tuple(Listener(port=port, protocol=each, tls=MUTUAL) for port, each in PORTS.items()))
ROUTE = Route(
    name="all",
    match=RouteMatch(prefix="/"),
    targets=(
        WeightedTarget(virtual_node="blue", weight=1),
        WeightedTarget(virtual_node="red", weight=0, port=81),
    ),
)
MESH = Mesh(
    name="colors",
    nodes=(
        RED,
        node("blue"),
        node("caller", backends=(to("red.colors.local"),)),
        node("other-caller", backends=(to("routed.colors.local"),)),
        # It has no tasks, and so no certificate: its name may be that of a gateway.
        node("outside", discovery=DnsDiscovery(hostname="outside.example"), backends=(to("red.colors.local"),)),
        node("stranger", backends=(to("blue.colors.local"), to("elsewhere.colors.local"))),
    ),
    services=(
        VirtualService(name="red.colors.local", virtual_node="red"),
        VirtualService(name="blue.colors.local", virtual_node="blue"),
        VirtualService(name="routed.colors.local", virtual_router="router"),
        VirtualService(name="nothing.colors.local"),
    ),
    external_services=("elsewhere.colors.local",),
    routers=(router("router", Listener(port=80), routes=(ROUTE,)),),
    gateways=(
        gateway(
            routes=(
                GatewayRoute(
                    name="red", match=RouteMatch(prefix="/"), virtual_service="red.colors.local", target_port=80
                ),
            )
        ),
    ),
)
PLACEMENT = Placement(
    interception=Transparent(),
    endpoints=CloudMapEndpoints(),
    sds_socket=None,
    admission=Admission(namespace="tasks.colors.local", other_callers={"red": ("friend.example",), "blue": ("x",)}),
)


@pytest.mark.parametrize(
    ("port", "names"),
    [
        pytest.param(
            80, ("caller.colors.local", "friend.example", "gateway.tasks.colors.local"), id="node-and-gateway"
        ),
        # Also a target without requests for now: its weight may change while the mesh runs.
        pytest.param(81, ("caller.colors.local", "friend.example", "other-caller.colors.local"), id="router"),
        pytest.param(82, ("caller.colors.local", "friend.example"), id="tcp"),
    ],
)
def test_callers_of_a_listener_are_admitted(port: int, names: tuple[str, ...]) -> None:
    listener = next(each for each in RED.listeners if each.port == port)
    assert admitted_names(MESH, RED, listener, PLACEMENT) == names


@pytest.mark.parametrize(
    "tls",
    [
        None,
        replace(MUTUAL, mode="DISABLED"),
        replace(MUTUAL, validation=None),
        replace(
            MUTUAL, validation=TlsValidation(trust=FileTrust(certificate_chain="c"), subject_alternative_names=("a",))
        ),
    ],
)
def test_names_do_not_matter_at_other_listeners(tls: ListenerTls | None) -> None:
    assert admitted_names(MESH, RED, Listener(port=80, tls=tls), PLACEMENT) is None


def test_names_do_not_matter_without_the_tls_of_a_mesh() -> None:
    assert admitted_names(MESH, RED, RED.listeners[0], replace(PLACEMENT, admission=None)) is None
