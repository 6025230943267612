"""Certificates of ACM, AWS Private CA and Secrets Manager in a running mesh with mutual TLS."""

from collections.abc import Iterator

import pytest
from aws_cdk import App

from tests.support.encrypted_shop import NAMESPACE, EncryptedShop, server_option
from tests.support.local_mesh import LocalMesh, local_mesh

PER_SECOND = 60
PORT = 15100  # Of a node's first listener.


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMesh]:
    folder = tmp_path_factory.mktemp("encrypted")
    app = App(outdir=str(folder / "synthesized"), builtin_cloud_formation_validation=False)
    EncryptedShop(app)
    app.synth()
    with local_mesh(folder / "synthesized", folder, "--cloud-map-delay", "0", *server_option()) as run:
        yield run


def shown(mesh: LocalMesh, service: str) -> str:
    """Return the serial number, the names and the end of the certificate that a task shows."""
    address = f"{mesh.address(service)}:{PORT}"
    line = (
        f"openssl s_client -connect {address} </dev/null 2>/dev/null"
        " | openssl x509 -noout -serial -enddate -ext subjectAltName"
    )
    return mesh.execute("red", "sh", "-c", line).stdout


def url(service: str) -> str:
    return f"http://{service}.shop.local/"


def test_nodes_and_gateways_call_over_mutual_tls(mesh: LocalMesh) -> None:
    assert mesh.get("/") == "green"
    assert mesh.curl("red", url("green")) == "green"
    assert f"DNS:green.{NAMESPACE}" in shown(mesh, "green")


def test_certificate_comes_from_a_secret(mesh: LocalMesh) -> None:
    assert mesh.curl("red", url("vault")) == "vault"
    assert f"DNS:vault.{NAMESPACE}" in shown(mesh, "vault")
