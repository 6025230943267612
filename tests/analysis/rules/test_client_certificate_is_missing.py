"""The rule ``client-certificate-is-missing``."""

import pytest

from color_mesh.model import ClientTls, Listener, ListenerTls
from tests.support.analysis import provided, texts
from tests.support.builders import certificate, client_tls, listener_tls, node, validation

ID = "client-certificate-is-missing"
STRICT = listener_tls(validation=validation())


@pytest.mark.parametrize("policy", [None, client_tls(), client_tls(certificate=certificate(), ports=(8080,))])
@pytest.mark.parametrize("tls", [STRICT, listener_tls(mode="PERMISSIVE", validation=validation("blue.colors.local"))])
def test_caller_without_a_certificate_is_found(tls: ListenerTls, policy: ClientTls | None) -> None:
    red = node(listeners=(Listener(port=80, tls=tls),))
    assert texts(ID, provided(red, client_tls=policy)) == [
        (
            "virtual node 'blue' Spec.BackendDefaults.ClientPolicy: it has no client certificate, which listener 80 of "
            "virtual node 'red' requires"
        )
    ]


def test_caller_with_a_certificate_is_not_found() -> None:
    red = node(listeners=(Listener(port=80, tls=STRICT),))
    assert texts(ID, provided(red, client_tls=client_tls(certificate=certificate()))) == []


@pytest.mark.parametrize("tls", [listener_tls(), listener_tls(mode="PERMISSIVE", validation=validation())])
def test_listener_that_requires_no_certificate_is_not_found(tls: ListenerTls) -> None:
    assert texts(ID, provided(node(listeners=(Listener(port=80, tls=tls),)))) == []
