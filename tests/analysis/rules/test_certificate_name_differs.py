"""The rule ``certificate-name-differs``."""

from color_mesh.ecs.certificates import DeclaredCertificate
from color_mesh.model import AcmCertificate, Listener
from color_mesh.model.arns import DECLARED_ARN
from tests.support.analysis import provided, texts
from tests.support.builders import client_tls, listener_tls, node, validation

ID = "certificate-name-differs"
TLS = listener_tls(certificate=AcmCertificate(arn=f"{DECLARED_ARN}Certificate"))
RED = node(listeners=(Listener(port=80, tls=TLS),))


def found(*names: str, accepted: tuple[str, ...] = (), enforce: bool = True) -> list[str]:
    mesh = provided(RED, client_tls=client_tls(validation=validation(*accepted), enforce=enforce))
    return texts(
        ID, mesh, certificates={"app.yaml: Certificate": DeclaredCertificate(key="app.yaml: Certificate", names=names)}
    )


def test_certificate_without_the_accepted_name_is_found() -> None:
    assert found("shop.example.com") == [
        (
            "virtual node 'blue' Spec.BackendDefaults.ClientPolicy.TLS.Validation: it accepts red.colors.local, but "
            "the certificate of listener 80 of virtual node 'red' is for shop.example.com"
        )
    ]
    assert len(found("red.colors.local", accepted=("shop.example.com",))) == 1
    assert len(found("*.colors.local")) == 1


def test_certificate_with_the_accepted_name_is_not_found() -> None:
    assert found("shop.example.com", "Red.colors.local") == []
    assert found("shop.example.com", accepted=("shop.example.com",)) == []
    assert found("*.colors.local", enforce=False) == []


def test_certificates_without_known_names_are_not_found() -> None:
    assert texts(ID, provided(RED, client_tls=client_tls())) == []
    assert texts(ID, provided(client_tls=client_tls())) == []
