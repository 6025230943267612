"""TLS of a mesh: names in certificates, and invalid attributes."""

from typing import Any

import pytest

from color_mesh.model import FileCertificate, FileTrust, MeshTls
from color_mesh.model.mesh_tls import certificate_name
from tests.support.builders import gateway, node, refusal

CERTIFICATE = FileCertificate(certificate_chain="chain.pem", private_key="key.pem")
TRUST = FileTrust(certificate_chain="ca.pem")


def certificate_of(name: str, dns_name: str) -> FileCertificate:
    return CERTIFICATE


def test_name_of_a_node_is_that_of_its_cloud_map_service() -> None:
    assert certificate_name(node("red"), "tasks.colors.local") == "red.colors.local"


@pytest.mark.parametrize("part", [node("red", listeners=(), discovery=None), gateway("red")])
def test_name_of_a_part_without_a_cloud_map_service_is_its_own_in_the_namespace(part: Any) -> None:
    assert certificate_name(part, "tasks.colors.local") == "red.tasks.colors.local"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "DISABLED"}, "unknown TLS mode, got 'DISABLED' (one of: STRICT, PERMISSIVE)"),
        ({"callers": "mutual"}, "unknown TLS of callers, got 'mutual' (one of: tls, plaintext)"),
        (
            {"callers": "plaintext"},
            "callers without TLS cannot call strict listeners, got 'STRICT' (mode='PERMISSIVE')",
        ),
        ({"client_certificates": 1}, "client_certificates is not true or false, got 1 (True or False)"),
        (
            {"certificate_of": None},
            "'certificate_of' is not a function, got None (certificate_of=lambda name, dns_name: TlsCertificate...)",
        ),
    ],
)
def test_invalid_attribute_is_refused(changes: dict[str, Any], message: str) -> None:
    attributes = {"trust": TRUST, "certificate_of": certificate_of, **changes}
    assert refusal(MeshTls, **attributes) == f"TLS of a mesh: {message}"


def test_listeners_without_client_certificates_validate_none() -> None:
    tls = MeshTls(trust=TRUST, certificate_of=certificate_of, client_certificates=False)
    assert tls.listener_tls(CERTIFICATE).validation is None
