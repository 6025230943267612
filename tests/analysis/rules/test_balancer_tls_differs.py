"""The rule ``balancer-tls-differs``."""

import pytest

from color_mesh.ecs.actions import Action
from color_mesh.ecs.listeners import LoadBalancerListener
from color_mesh.model import Listener, ListenerTls, Mesh
from tests.support.analysis import entered, in_target_group, texts
from tests.support.builders import gateway_route, listener_tls

ID = "balancer-tls-differs"


def mesh(tls: ListenerTls | None) -> Mesh:
    return entered(gateway_route(), on=(Listener(port=80, tls=tls),))


def test_protocol_that_does_not_fit_the_listener_is_found() -> None:
    listener = "listener 80 of virtual gateway 'gateway'"
    assert texts(ID, mesh(listener_tls()), **in_target_group(protocol="HTTP")) == [
        f"app.yaml: Group Protocol: it sends plaintext, but {listener} requires TLS"
    ]
    assert texts(ID, mesh(None), **in_target_group(protocol="HTTPS")) == [
        f"app.yaml: Group Protocol: it sends TLS, which {listener} does not speak"
    ]


def test_balancer_that_ends_tls_and_sends_tcp_is_found() -> None:
    action = Action(type="forward", weights={"app.yaml: Group": 1})
    listeners = {
        "app.yaml: L": LoadBalancerListener(load_balancer="app.yaml: B", protocol="TLS", port=443, actions=(action,))
    }
    assert len(texts(ID, mesh(listener_tls()), listeners=listeners, **in_target_group(protocol="TCP"))) == 1
    assert texts(ID, mesh(None), listeners=listeners, **in_target_group(protocol="TCP")) == []


@pytest.mark.parametrize(
    ("protocol", "tls"),
    [
        ("HTTP", None),
        ("HTTPS", listener_tls()),
        ("HTTP", listener_tls(mode="PERMISSIVE")),
        ("TLS", listener_tls(mode="PERMISSIVE")),
        ("TCP", listener_tls()),
        ("TCP", None),
    ],
)
def test_protocol_that_fits_is_not_found(protocol: str, tls: ListenerTls | None) -> None:
    assert texts(ID, mesh(tls), **in_target_group(protocol=protocol)) == []
