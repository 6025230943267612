"""The rule ``tls-required-but-not-spoken``."""

import pytest

from color_mesh.model import DnsDiscovery, Listener, ListenerTls, VirtualNode
from tests.support.analysis import entered, node_task, provided, routed, texts
from tests.support.builders import client_tls, gateway_route, listener_tls, node, to

ID = "tls-required-but-not-spoken"
NO_TLS = "listener 80 of virtual node 'red' has none"


@pytest.mark.parametrize("tls", [None, listener_tls(mode="DISABLED")])
def test_policy_for_a_listener_without_tls_is_found(tls: ListenerTls | None) -> None:
    red = Listener(port=80, tls=tls)
    assert texts(ID, routed(red=red, blue={"client_tls": client_tls()})) == [
        f"virtual node 'blue' Spec.BackendDefaults.ClientPolicy.TLS: it requires TLS, but {NO_TLS}"
    ]


def test_policy_of_a_backend_and_of_a_gateway_is_found() -> None:
    backends = (to("red.colors.local", client_tls=client_tls()),)
    assert "Spec.Backends[0].VirtualService.ClientPolicy.TLS" in texts(ID, provided(backends=backends))[0]
    assert "virtual gateway 'gateway'" in texts(ID, entered(gateway_route(), client_tls=client_tls()))[0]


@pytest.mark.parametrize("changes", [{"enforce": False}, {"ports": (8080,)}])
def test_policy_that_does_not_apply_is_not_found(changes: dict[str, object]) -> None:
    assert texts(ID, provided(client_tls=client_tls(**changes))) == []


def test_policy_for_a_listener_with_tls_is_not_found() -> None:
    red = node(listeners=(Listener(port=80, tls=listener_tls()),))
    assert texts(ID, provided(red, client_tls=client_tls())) == []


def test_policy_for_a_server_outside_of_the_mesh_is_not_found() -> None:
    red = VirtualNode(name="red", listeners=(Listener(port=80),), discovery=DnsDiscovery(hostname="example.com"))
    assert texts(ID, provided(red, client_tls=client_tls())) == []
    assert len(texts(ID, provided(red, client_tls=client_tls()), task_definitions=node_task())) == 1
