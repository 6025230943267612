"""TLS between real Envoys: accepted clients and accepted servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from color_mesh.model import (
    ClientTls,
    DnsDiscovery,
    FileCertificate,
    FileTrust,
    Listener,
    ListenerTls,
    Mesh,
    TlsMode,
    TlsValidation,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh, send_request

PORT = 8080


def certificate(name: str) -> FileCertificate:
    return FileCertificate(certificate_chain=f"{name}.pem", private_key=f"{name}.key")


def trust(authority: str, *names: str) -> TlsValidation:
    return TlsValidation(trust=FileTrust(certificate_chain=f"{authority}.pem"), subject_alternative_names=names)


def server(name: str, mode: TlsMode = "STRICT", validation: TlsValidation | None = None) -> VirtualNode:
    tls = ListenerTls(mode=mode, certificate=certificate("server"), validation=validation)
    return VirtualNode(
        name=name,
        listeners=(Listener(port=PORT, tls=tls),),
        discovery=DnsDiscovery(hostname="server.colors.local"),
    )


def client(name: str, tls: ClientTls | None, *services: str, **own: ClientTls) -> VirtualNode:
    backends = (
        *(VirtualServiceBackend(virtual_service=f"{service}.colors.local") for service in services),
        *(
            VirtualServiceBackend(virtual_service=f"{service}.colors.local", client_tls=policy)
            for service, policy in own.items()
        ),
    )
    return VirtualNode(name=name, backends=backends, client_tls=tls)


def policy(validation: TlsValidation, **changes: Any) -> ClientTls:
    return ClientTls(validation=validation, **changes)


ALL = ("plain", "strict", "permissive", "disabled", "mutual", "named")
GOOD = trust("authority")
MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="plain", listeners=(Listener(port=PORT),), discovery=DnsDiscovery(hostname="server.colors.local")
        ),
        server("strict"),
        server("permissive", "PERMISSIVE"),
        server("disabled", "DISABLED"),
        server("mutual", validation=GOOD),
        server("named", validation=trust("authority", "client.colors.local")),
        client("follows", None, *ALL),
        client("enforces", policy(GOOD), *ALL),
        client("offers", policy(GOOD, enforce=False), *ALL),
        client("mistrusts", policy(trust("stranger")), "strict"),
        client("expects", policy(trust("authority", "other.colors.local")), "strict"),
        client("names", policy(trust("authority", "other.colors.local", "server.colors.local")), "strict"),
        client("shows", policy(GOOD, certificate=certificate("client")), "mutual", "named"),
        client("shows-another", policy(GOOD, certificate=certificate("other")), "mutual", "named"),
        client("forges", policy(GOOD, certificate=certificate("forged")), "mutual"),
        client("other-port", policy(trust("stranger"), ports=(PORT + 1,)), "strict"),
        client("own", policy(trust("stranger")), "permissive", strict=policy(GOOD)),
    ),
    services=tuple(VirtualService(name=f"{name}.colors.local", virtual_node=name) for name in ALL),
)


def write(folder: Path, name: str, issued: trustme.LeafCert) -> None:
    issued.cert_chain_pems[0].write_to_path(str(folder / f"{name}.pem"))
    issued.private_key_pem.write_to_path(str(folder / f"{name}.key"))


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    stranger.cert_pem.write_to_path(str(folder / "stranger.pem"))
    for name in ("server", "client", "other"):
        write(folder, name, authority.issue_cert(f"{name}.colors.local"))
    write(folder, "forged", stranger.issue_cert("client.colors.local"))

    def in_folder(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: str(folder / each) if key == "filename" else in_folder(each) for key, each in value.items()}
        return [in_folder(each) for each in value] if isinstance(value, list | tuple) else value

    with loopback_mesh(MESH, tmp_path_factory.mktemp("mesh"), adjust=in_folder) as mesh:
        yield mesh


@pytest.mark.parametrize(
    ("caller", "service", "status"),
    [
        pytest.param("follows", "plain", 200, id="plaintext-without-a-policy"),
        pytest.param("follows", "strict", 200, id="a-caller-without-a-policy-does-as-the-listener-does"),
        pytest.param("follows", "permissive", 200, id="and-with-a-permissive-one"),
        pytest.param("follows", "disabled", 200, id="and-without-tls-when-it-is-disabled"),
        pytest.param("follows", "mutual", 503, id="no-certificate-where-one-is-needed"),
        pytest.param("enforces", "strict", 200, id="a-certificate-of-the-trusted-authority"),
        pytest.param("enforces", "permissive", 200, id="and-at-a-permissive-listener"),
        pytest.param("enforces", "plain", 503, id="enforced-where-there-is-no-tls"),
        pytest.param("enforces", "disabled", 503, id="enforced-where-tls-is-disabled"),
        pytest.param("enforces", "mutual", 503, id="a-policy-without-a-certificate-where-one-is-needed"),
        pytest.param("offers", "plain", 200, id="not-enforced-where-there-is-no-tls"),
        pytest.param("offers", "strict", 200, id="not-enforced-where-there-is-tls"),
        pytest.param("mistrusts", "strict", 503, id="a-certificate-of-another-authority"),
        pytest.param("expects", "strict", 503, id="a-certificate-with-another-name"),
        pytest.param("names", "strict", 200, id="a-certificate-with-one-of-the-names"),
        pytest.param("shows", "mutual", 200, id="a-client-certificate"),
        pytest.param("shows", "named", 200, id="a-client-certificate-with-the-name"),
        pytest.param("shows-another", "mutual", 200, id="a-client-certificate-with-any-name"),
        pytest.param("shows-another", "named", 503, id="a-client-certificate-with-another-name"),
        pytest.param("forges", "mutual", 503, id="a-client-certificate-of-another-authority"),
        pytest.param("other-port", "strict", 200, id="a-policy-for-another-port"),
        pytest.param("own", "strict", 200, id="a-backends-own-policy-before-the-nodes"),
        pytest.param("own", "permissive", 503, id="the-nodes-policy-for-other-backends"),
    ],
)
def test_client_policy_decides_about_the_connection(mesh: LoopbackMesh, caller: str, service: str, status: int) -> None:
    assert mesh.call(caller, f"{service}.colors.local", PORT).status == status


@pytest.mark.parametrize("caller", ["follows", "enforces", "offers"])
def test_connection_to_a_permissive_listener_uses_tls(mesh: LoopbackMesh, caller: str) -> None:
    mesh.call(caller, "permissive.colors.local", PORT)
    assert mesh.task(caller).stat("cluster.cds_egress_colors_permissive_http_8080.ssl.handshake") >= 1


@pytest.mark.parametrize("name", ["plain", "permissive", "disabled"])
def test_plaintext_is_accepted_unless_the_listener_is_strict(mesh: LoopbackMesh, name: str) -> None:
    assert send_request(mesh.task(name).address(1), 15100).status == 200


@pytest.mark.parametrize("name", ["strict", "mutual"])
def test_plaintext_is_rejected_by_a_strict_listener(mesh: LoopbackMesh, name: str) -> None:
    with pytest.raises(OSError, match=r"reset|closed|disconnected"):
        send_request(mesh.task(name).address(1), 15100)
