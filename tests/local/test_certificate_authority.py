"""Certificates of a run."""

import ssl

import pytest

from color_mesh.local.run.certificate_authority import CertificateAuthority


def handshake(trusted: str, name: str, server: ssl.SSLContext) -> str | None:
    """Connect a client to a server in memory, and return the TLS version."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cadata=trusted).wrap_bio(to_client, to_server, server_hostname=name)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, other, client, other):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.version()


def test_client_that_trusts_the_authority_connects_to_a_server_with_its_certificate() -> None:
    authority = CertificateAuthority()
    server = authority.issue("api.example.com", "*.elb.example.com").context()
    assert handshake(authority.certificate, "api.example.com", server) == "TLSv1.3"
    assert handshake(authority.certificate, "shop-1.elb.example.com", server) == "TLSv1.3"


@pytest.mark.parametrize(
    ("name", "trusted"),
    [("other.example.com", True), ("api.example.com", False)],
    ids=["another-name", "another-authority"],
)
def test_client_rejects_another_name_and_another_authority(name: str, trusted: bool) -> None:
    authority = CertificateAuthority()
    server = authority.issue("api.example.com").context()
    certificate = (authority if trusted else CertificateAuthority()).certificate
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificate, name, server)


def test_private_key_is_not_printed() -> None:
    certificate = CertificateAuthority().issue("api.example.com")
    assert "PRIVATE KEY" in certificate.private_key
    assert "PRIVATE KEY" not in repr(certificate)
