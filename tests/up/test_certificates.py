"""Certificates of ACM, AWS Private CA and Secrets Manager in a running mesh with mutual TLS."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import App

from tests.support.cloudformation import Template
from tests.support.encrypted_shop import NAMESPACE, EncryptedShop, server_option
from tests.support.local_mesh import LocalMesh, local_mesh
from tests.support.steady_load import under_load

PORT = 15100  # Of a node's listener.


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMesh]:
    folder = tmp_path_factory.mktemp("encrypted")
    app = App(outdir=str(folder / "synthesized"), builtin_cloud_formation_validation=False)
    EncryptedShop(app)
    app.synth()
    with local_mesh(folder / "synthesized", folder, "--cloud-map-delay", "0", *server_option()) as run:
        yield run


def url(service: str) -> str:
    return f"http://{service}.shop.local/"


def certificate(mesh: LocalMesh, service: str, number: int = 0) -> str:
    """Return the serial number, the end and the names of the certificate that a task shows."""
    address = f"{mesh.tasks(service)[number]['address']}:{PORT}"
    shown = f"openssl s_client -connect {address} </dev/null 2>/dev/null"
    return mesh.execute("red", "sh", "-c", f"{shown} | openssl x509 -noout -serial -enddate -ext subjectAltName").stdout


def direct(mesh: LocalMesh, scheme: str, *options: str) -> tuple[int, str]:
    """Request the listener of ``green`` from the application of ``red``, past its Envoy; return curl's exit status."""
    target = f"{scheme}://{mesh.address('green')}:{PORT}/"
    completed = mesh.execute("red", "curl", "--silent", "--verbose", "--max-time", "5", *options, target)
    return completed.returncode, completed.stdout + completed.stderr


def denied_tasks(mesh: LocalMesh, others: list[str]) -> list[Any]:
    """Return the tasks of ``green``, except others, whose Envoys have logged that they are denied."""
    new = [task for task in mesh.tasks("green") if task["id"] not in others]
    return [task for task in new if "AccessDeniedException" in mesh.command("logs", task["id"]).stdout]


def test_gateway_and_node_call_over_mutual_tls(mesh: LocalMesh) -> None:
    assert mesh.get("/") == "green"
    assert mesh.curl("red", url("green")) == "green"
    assert f"DNS:green.{NAMESPACE}" in certificate(mesh, "green")
    _, log = direct(mesh, "https", "--insecure")
    assert f"subject: CN=green.{NAMESPACE}" in log


def test_certificate_comes_from_a_secret(mesh: LocalMesh) -> None:
    assert mesh.curl("red", url("vault")) == "vault"
    assert f"DNS:vault.{NAMESPACE}" in certificate(mesh, "vault")


def test_every_protocol_is_encrypted(mesh: LocalMesh) -> None:
    assert mesh.curl("red", url("stream")) == "stream"
    options = ("--silent", "--include", "--max-time", "5", "--http2-prior-knowledge")
    http2 = mesh.execute("red", "curl", *options, url("multiplexed")).stdout
    assert http2.startswith("HTTP/2 200")
    call = ("--header", "content-type: application/grpc", "--header", "te: trailers", "--data-binary", "")
    grpc = mesh.execute("red", "curl", *options, *call, f"{url('procedures')}shop.Procedures/Call").stdout
    assert "grpc-status: 0" in grpc
    for service in ("stream", "multiplexed", "procedures"):
        assert f"DNS:{service}.{NAMESPACE}" in certificate(mesh, service)


@pytest.mark.parametrize(
    ("service", "name"), [("stranger", f"stranger.{NAMESPACE}"), ("misnamed", "elsewhere.shop.local")]
)
def test_caller_refuses_the_certificate_of_another_authority_and_of_another_name(
    mesh: LocalMesh, service: str, name: str
) -> None:
    assert f"DNS:{name}" in certificate(mesh, service)
    assert mesh.curl("red", url(service)).endswith(" 503")


def test_listener_refuses_plaintext_and_clients_without_a_certificate(mesh: LocalMesh) -> None:
    for options in (("http",), ("https", "--insecure")):
        status, log = direct(mesh, *options)
        assert status in (52, 55, 56)  # No response, or a connection that ends while curl sends or receives.
        assert "< HTTP/" not in log
    statistic = f"listener.0.0.0.0_{PORT}.ssl.fail_verify_no_cert"
    counted = mesh.curl("green", f"http://localhost:9901/stats?filter={statistic}").strip()
    assert counted.startswith(statistic)
    assert not counted.endswith(" 0")


def test_renewal_loses_no_request_and_replaces_no_task(mesh: LocalMesh, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [task["id"] for task in mesh.tasks("green")]
    before = certificate(mesh, "green")
    with under_load(mesh, "renewal", capsys, paths=("/",)) as load:
        assert f"green.{NAMESPACE}" in mesh.run("renew", f"green.{NAMESPACE}")
        mesh.run("renew", f"door.{NAMESPACE}")
        mesh.wait_until(lambda: certificate(mesh, "green") not in (before, ""), "the first task has it")
        mesh.wait_until(lambda: certificate(mesh, "green", 1) == certificate(mesh, "green"), "both tasks have it")
    assert load.failed == 0, load.failures
    assert [task["id"] for task in mesh.tasks("green")] == tasks


def test_new_version_of_a_secret_is_taken_up(mesh: LocalMesh) -> None:
    before = certificate(mesh, "vault")
    mesh.run("renew", "shop/vault/tls")
    mesh.wait_until(lambda: certificate(mesh, "vault") not in (before, ""), "the task shows the new certificate")
    assert mesh.curl("red", url("vault")) == "vault"


def test_outage_of_acm_loses_no_request(mesh: LocalMesh, capsys: pytest.CaptureFixture[str]) -> None:
    before = certificate(mesh, "green")
    with under_load(mesh, "acm down", capsys, paths=("/",)) as load:
        mesh.run("fail", "acm", "down")
        mesh.run("renew", f"green.{NAMESPACE}")
        mesh.wait_until(lambda: "ACM ExportCertificate" in mesh.run("logs", "green"), "Envoy logs a failed call")
        assert certificate(mesh, "green") == before
        mesh.run("heal", "acm")
        mesh.wait_until(lambda: certificate(mesh, "green") not in (before, ""), "Envoy asks again")
    assert load.failed == 0, load.failures


def test_expired_certificate_is_refused_and_logged(mesh: LocalMesh) -> None:
    before, name = certificate(mesh, "stream"), f"stream.{NAMESPACE}"
    mesh.run("renew", name, "--days", "0")
    mesh.wait_until(lambda: certificate(mesh, "stream") not in (before, ""), "the task shows it")
    # Each connection of an application is one to the backend.
    assert mesh.curl("red", url("stream")).startswith("failed: ")
    mesh.wait_until(lambda: "the certificate expired at" in mesh.run("logs", "stream"), "Envoy logs it")
    mesh.run("renew", name)
    mesh.wait_until(lambda: mesh.curl("red", url("stream")) == "stream", "the next certificate is accepted")


def test_revoked_permission_is_named_and_fails_new_tasks_only(
    mesh: LocalMesh, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_permission(template: Template) -> None:
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::IAM::Policy":
                document = resource["Properties"]["PolicyDocument"]
                document["Statement"] = [
                    each for each in document["Statement"] if each["Action"] != "acm:ExportCertificate"
                ]

    with under_load(mesh, "revoked", capsys, paths=("/",)) as load:
        mesh.change("Shop", without_permission)
        mesh.wait_until(
            lambda: (
                re.search(r"green/\w+: acm:ExportCertificate on arn:\S+ no policy allows it", mesh.output()) is not None
            ),
            "the denied call is named",
        )
    assert load.failed == 0, load.failures
    # A new task gets no certificate, and so no requests.
    before = [task["id"] for task in mesh.tasks("green")]
    mesh.kill(mesh.pid("green", "green-app"))
    mesh.wait_until(lambda: denied_tasks(mesh, before) != [], "the Envoy of a new task is denied its certificate")
    (task,) = denied_tasks(mesh, before)
    assert task["status"] == "PENDING"
    assert mesh.get("/") == "green"
