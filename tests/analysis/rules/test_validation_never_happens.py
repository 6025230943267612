"""The rule ``validation-never-happens``."""

import pytest

from color_mesh.model import Listener, TlsMode
from tests.support.analysis import provided, texts
from tests.support.builders import client_tls, listener_tls, mesh, node, validation

ID = "validation-never-happens"


@pytest.mark.parametrize("mode", ["DISABLED", "PERMISSIVE"])
def test_validation_of_a_listener_that_requires_no_certificate_is_found(mode: TlsMode) -> None:
    red = node(listeners=(Listener(port=80, tls=listener_tls(mode=mode, validation=validation())),))
    assert texts(ID, provided(red)) == [
        (
            f"virtual node 'red' Spec.Listeners[0].TLS.Validation: in the mode {mode}, the listener accepts "
            "clients without a certificate"
        )
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ports": (8080,)}, "no backend has one of its ports"),
        ({"enforce": False}, "no backend has TLS, and it is not enforced"),
    ],
)
def test_policy_without_a_connection_is_found(changes: dict[str, object], reason: str) -> None:
    assert texts(ID, provided(client_tls=client_tls(**changes))) == [
        f"virtual node 'blue' Spec.BackendDefaults.ClientPolicy: the client policy applies to no connection: {reason}"
    ]


def test_policy_of_a_node_without_backends_is_found() -> None:
    (text,) = texts(ID, mesh(nodes=(node(client_tls=client_tls()),)))
    assert text.endswith("the client policy applies to no connection: it has no backends")


def test_policy_and_listener_that_validate_are_not_found() -> None:
    red = node(listeners=(Listener(port=80, tls=listener_tls(validation=validation())),))
    assert texts(ID, provided(red, client_tls=client_tls())) == []
    assert texts(ID, provided(red, client_tls=client_tls(enforce=False))) == []
