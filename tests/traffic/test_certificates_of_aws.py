"""TLS between real Envoys that ask a stand-in for AWS for certificates and trusted authorities."""

import json
import os
import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from color_mesh.cdk.envoy_process import READY_SCRIPT_WITH_CERTIFICATES
from color_mesh.envoy import CloudMapEndpoints
from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    ClientTls,
    DnsDiscovery,
    GatewayRoute,
    Listener,
    ListenerTls,
    Mesh,
    RouteMatch,
    SecretsManagerCertificate,
    SecretsManagerTrust,
    TlsValidation,
    VirtualGateway,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from color_mesh.model.certificates import Certificate, Trust
from tests.support.aws_certificates import Certificates, certificates_of_aws
from tests.support.aws_standin import Reply
from tests.support.certificates import Authority, authority
from tests.support.envoy import WORKER_ADDRESS, parts
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh, wait_until

PORT = 8080
SERVICES = ("acm", "secret")


def acm(name: str) -> AcmCertificate:
    return AcmCertificate(arn=f"arn:aws:acm:eu-west-1:111122223333:certificate/{name}")


def authorities(*names: str) -> AcmTrust:
    prefix = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/"
    return AcmTrust(certificate_authority_arns=tuple(f"{prefix}{name}" for name in names))


def secret(name: str) -> str:
    return f"arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}-a1B2c3"


def server(name: str, certificate: Certificate, trust: Trust) -> VirtualNode:
    tls = ListenerTls(certificate=certificate, validation=TlsValidation(trust=trust))
    listeners = (Listener(port=PORT, tls=tls),)
    return VirtualNode(name=name, listeners=listeners, discovery=DnsDiscovery(hostname=f"{name}.colors.local"))


def client(name: str, certificate: Certificate | None, trust: Trust, *names: str) -> VirtualNode:
    validation = TlsValidation(trust=trust, subject_alternative_names=names)
    backends = tuple(VirtualServiceBackend(virtual_service=f"{each}.colors.local") for each in SERVICES)
    policy = ClientTls(certificate=certificate, validation=validation)
    return VirtualNode(name=name, backends=backends, client_tls=policy)


def door() -> VirtualGateway:
    """Return a gateway whose clients use TLS, and which presents a certificate to the node."""
    tls = ListenerTls(certificate=acm("door"))
    policy = ClientTls(certificate=acm("client"), validation=TlsValidation(trust=authorities("mesh")))
    route = GatewayRoute(name="all", match=RouteMatch(prefix="/"), virtual_service="acm.colors.local")
    listener = Listener(port=PORT, tls=tls)
    return VirtualGateway(name="door", listeners=(listener,), routes=(route,), client_tls=policy)


SECRET = SecretsManagerCertificate(secret_arn=secret("secret"))
MESH = Mesh(
    name="colors",
    nodes=(
        server("acm", acm("acm"), authorities("mesh")),
        server("secret", SECRET, SecretsManagerTrust(secret_arn=secret("secret"))),
        client("of-acm", acm("client"), authorities("stranger", "mesh", "root")),
        client("of-secrets", SECRET, SecretsManagerTrust(secret_arn=secret("secret"))),
        client("anonymous", None, authorities("mesh")),
        client("forges", acm("forged"), authorities("mesh")),
        client("mistrusts", acm("client"), authorities("stranger")),
        client("expects", acm("client"), authorities("mesh"), "other.colors.local"),
        client("late", acm("late"), authorities("mesh")),
    ),
    gateways=(door(),),
    services=tuple(VirtualService(name=f"{name}.colors.local", virtual_node=name) for name in SERVICES),
)


class Running:
    """The running mesh, and the AWS that its Envoys ask."""

    def __init__(self, mesh: LoopbackMesh, aws: Certificates, issuer: Authority) -> None:
        self.mesh = mesh
        self.aws = aws
        self.issuer = issuer

    def call(self, caller: str, service: str) -> int:
        return self.mesh.call(caller, f"{service}.colors.local", PORT).status

    def served(self, name: str) -> str:
        """Return the certificate that a listener presents."""
        address = (self.mesh.task(name).address(1), 15100)
        return ssl.get_server_certificate(address)

    def wait_until_served(self, name: str, certificate: str) -> None:
        wait_until(lambda: self.served(name) == certificate, f"{name} presents the certificate")

    def renew(self, file: str, *names: str, days: int = 1) -> str:
        """Issue a certificate anew, and return it."""
        self.issuer.issue(file, *names, days=days)
        return (self.issuer.folder / f"{file}.pem").read_text()

    def wait_for_calls(self, *arns: str) -> None:
        """Wait until Envoy has an answer that was not on its way before."""
        before = {arn: self.aws.calls[arn] for arn in arns}
        wait_until(lambda: all(self.aws.calls[arn] >= before[arn] + 2 for arn in arns), f"calls for {arns}")

    def warnings(self, task: str) -> list[str]:
        lines = self.mesh.task(task).log().splitlines()
        return [line.partition("script log: ")[2] for line in lines if "script log: " in line]


def with_key(reply: Reply, key: str) -> Reply:
    status, body = reply
    return status, json.dumps({**json.loads(body), "PrivateKey": key}).encode()


def is_ready(mesh: LoopbackMesh, name: str) -> bool:
    """Return whether the health check of the Envoy's container passes."""
    script = READY_SCRIPT_WITH_CERTIFICATES.replace("127.0.0.1", mesh.task(name).address(3))
    return subprocess.run(["bash", "-c", script], capture_output=True, timeout=10, check=False).returncode == 0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("certificates")
    root, stranger = authority(folder, "root"), authority(folder, "stranger")
    issuer = root.subordinate("mesh")
    for name in ("acm", "secret", "client", "door"):
        issuer.issue(name, f"{name}.colors.local")
    stranger.issue("forged", "client.colors.local")
    with pytest.MonkeyPatch.context() as patch, certificates_of_aws(folder, WORKER_ADDRESS) as (aws, lead, environment):
        for name, value in environment.items():
            patch.setitem(os.environ, name, value)
        for name in ("acm", "client", "forged", "door"):
            aws.files[acm(name).arn] = (name, "mesh")
        for name in ("root", "mesh", "stranger"):
            aws.files[authorities(name).certificate_authority_arns[0]] = (name,)
        aws.files[secret("secret")] = ("secret", "mesh")
        settings = {"certificate_refresh_seconds": 0, "endpoints": CloudMapEndpoints(refresh_seconds=1)}

        def lead_soon(bootstrap: Any) -> Any:
            text = json.dumps(lead(bootstrap)).replace('"refresh_delay": "1s"', '"refresh_delay": "0.2s"')
            changed = json.loads(text)
            for cluster in changed["static_resources"]["clusters"]:
                if cluster["name"].startswith("cds_egress"):
                    # A handshake for each request.
                    (options,) = cluster["typed_extension_protocol_options"].values()
                    options["common_http_protocol_options"]["max_requests_per_connection"] = 1
            return changed

        with loopback_mesh(MESH, tmp_path_factory.mktemp("mesh"), adjust=lead_soon, settings=settings) as mesh:
            ready = [part.name for part in parts(MESH) if part.name != "late"]
            wait_until(lambda: all(is_ready(mesh, name) for name in ready), "the Envoys have certificates")
            yield Running(mesh, aws, issuer)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("caller", "status"),
    [
        ("of-acm", 200),
        ("of-secrets", 200),
        ("anonymous", 503),
        ("forges", 503),
        ("mistrusts", 503),
        ("expects", 503),
        ("late", 503),
    ],
)
def test_certificates_decide_about_the_connection(running: Running, caller: str, service: str, status: int) -> None:
    if caller == "of-secrets" and service == "acm":
        status = 200
    assert running.call(caller, service) == status


def test_client_of_a_gateway_validates_its_certificate_and_the_gateway_that_of_the_node(running: Running) -> None:
    context = ssl.create_default_context(cafile=str(running.issuer.folder / "root.pem"))
    address = (running.mesh.task("door").address(1), PORT)
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="door.colors.local") as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
    with pytest.raises(OSError, match=r"reset|closed|disconnected"):
        running.mesh.enter("door", PORT)


def updates(running: Running, task: str) -> int:
    lines = running.mesh.task(task).admin("/stats?filter=ssl_context_update_by_sds$").decode().splitlines()
    return sum(int(line.split(": ")[1]) for line in lines)


def test_unchanged_certificates_are_not_loaded_again(running: Running) -> None:
    before = [updates(running, name) for name in ("acm", "secret", "of-acm")]
    (root,) = authorities("root").certificate_authority_arns
    running.wait_for_calls(acm("acm").arn, acm("client").arn, secret("secret"), root)
    assert [updates(running, name) for name in ("acm", "secret", "of-acm")] == before


@pytest.mark.parametrize("service", SERVICES)
def test_renewed_certificate_is_served_while_requests_flow(running: Running, service: str) -> None:
    statuses: Counter[int] = Counter()
    done = threading.Event()

    def send() -> None:
        while not done.is_set():
            statuses[running.call(f"of-{service.replace('secret', 'secrets')}", service)] += 1

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            renewed = running.renew(service, f"{service}.colors.local")
            running.wait_until_served(service, renewed)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}
    assert statuses[200] > 20


def test_envoy_keeps_its_certificate_when_a_permission_is_revoked(running: Running) -> None:
    arn = acm("acm").arn
    before = running.served("acm")
    running.aws.denied.add(arn)
    renewed = running.renew("acm", "acm.colors.local")
    running.wait_for_calls(arn)
    assert running.served("acm") == before
    assert running.call("of-acm", "acm") == 200
    running.aws.denied.remove(arn)
    running.wait_until_served("acm", renewed)
    reason = "400 AccessDeniedException: the role may not do this; what was known before stays in force"
    assert running.warnings("acm")[-1] == f"ACM ExportCertificate of {arn}: {reason}"


def test_certificate_that_is_missing_at_first_is_used_when_it_exists(running: Running) -> None:
    arn = acm("late").arn
    assert not is_ready(running.mesh, "late")
    (first, *_) = (line for line in running.warnings("late") if arn in line)
    assert first.startswith("ACM ExportCertificate of ")
    assert first.endswith("; the task waits for the first answer")
    running.renew("late", "late.colors.local")
    running.aws.files[arn] = ("late", "mesh")
    wait_until(lambda: is_ready(running.mesh, "late"), "the Envoy has certificates")
    assert running.call("late", "acm") == 200


def test_expired_certificate_is_refused_and_logged_with_its_arn(running: Running) -> None:
    expired = running.renew("secret", "secret.colors.local", days=0)
    running.wait_until_served("secret", expired)
    assert running.call("late", "secret") == 503
    wait_until(lambda: bool(running.warnings("secret")), "the certificate is logged")
    assert (
        f"Secrets Manager GetSecretValue of {secret('secret')}#tls.crt: the certificate expired at 20"
        in (running.warnings("secret")[0])
    )
    running.renew("secret", "secret.colors.local")
    wait_until(lambda: running.call("late", "secret") == 200, "the renewed certificate is used")


def test_key_of_another_certificate_is_refused_and_logged(running: Running) -> None:
    arn, before = acm("acm").arn, running.served("acm")
    key = (running.issuer.folder / "client.key").read_text()
    running.aws.change = lambda asked, reply: with_key(reply, key) if asked == arn else reply
    running.renew("acm", "acm.colors.local")
    running.wait_for_calls(arn)
    assert running.served("acm") == before
    assert running.call("of-acm", "acm") == 200
    assert running.warnings("acm")[-1].startswith(f"ACM ExportCertificate of {arn}: Envoy refuses the certificate, or ")


def test_each_call_has_another_passphrase_and_no_key_is_written(running: Running) -> None:
    passphrases = running.aws.passphrases
    assert len(set(passphrases)) == len(passphrases) > 10
    assert {len(each) for each in passphrases} == {44}
    for task in running.mesh.tasks:
        files = [path.read_bytes() for path in task.folder.rglob("*") if path.is_file()]
        dump = task.admin("/config_dump")
        for content in (*files, dump):
            assert b"PRIVATE KEY" not in content
            assert not any(each in content for each in passphrases)


def test_calls_are_signed_for_the_api_and_say_nothing_of_the_task(running: Running) -> None:
    signed = {headers["authorization"].split("/aws4_request")[0].rpartition("/")[2] for headers in running.aws.requests}
    assert signed == {"acm", "acm-pca", "secretsmanager"}
    names = {name for headers in running.aws.requests for name in headers}
    assert names.isdisjoint({"x-envoy-internal", "x-envoy-expected-rq-timeout-ms", "x-forwarded-for"})
