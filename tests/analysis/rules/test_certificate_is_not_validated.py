"""The rule ``certificate-is-not-validated``."""

from color_mesh.model import AcmCertificate, Listener
from tests.support.analysis import entered, provided, texts
from tests.support.builders import client_tls, gateway_route, listener_tls, node

ID = "certificate-is-not-validated"
RED = node(listeners=(Listener(port=80, tls=listener_tls()),))
TEXT = "it does not validate the certificate of listener 80 of virtual node 'red': it has"


def test_caller_without_a_policy_for_the_listener_is_found() -> None:
    place = "virtual node 'blue' Spec.BackendDefaults.ClientPolicy"
    assert texts(ID, provided(RED)) == [f"{place}: {TEXT} no client policy"]
    policy = client_tls(ports=(8080,))
    assert texts(ID, provided(RED, client_tls=policy)) == [f"{place}: {TEXT} a client policy without that port"]


def test_caller_with_a_policy_is_not_found() -> None:
    assert texts(ID, provided(RED, client_tls=client_tls())) == []


def test_certificate_of_acm_is_found_if_only_app_mesh_would_validate_it() -> None:
    tls = listener_tls(certificate=AcmCertificate(arn="arn:aws:acm:eu-west-1:1:certificate/x"))
    of = provided(node(listeners=(Listener(port=80, tls=tls),)))
    assert texts(ID, of) == []
    assert len(texts(ID, of, validates_acm=False)) == 1


def test_listener_without_tls_is_not_found() -> None:
    assert texts(ID, provided()) == []
    assert texts(ID, entered(gateway_route())) == []
