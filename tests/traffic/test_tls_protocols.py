"""TLS with other protocols than HTTP/1.1, with gateways, and with other clients than Envoy."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import h2.connection
import h2.events
import pytest

from color_mesh.model import (
    ClientTls,
    DnsDiscovery,
    FileCertificate,
    FileTrust,
    GatewayRoute,
    Listener,
    ListenerTls,
    Mesh,
    RouteMatch,
    TlsMode,
    TlsValidation,
    VirtualGateway,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from color_mesh.model.health_check import Protocol
from tests.support.certificates import authority
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh, send_request

SERVICE = "server.colors.local"
PORTS: dict[Protocol, int] = {"http": 8081, "http2": 8082, "grpc": 8083, "tcp": 8084}
# With TLS 1.3 a client sends its request before it learns that its certificate was rejected.
REFUSED = (ssl.SSLError, ConnectionResetError, BrokenPipeError)
SPIFFE = "spiffe://colors.local/client"


def certificate(name: str) -> FileCertificate:
    return FileCertificate(certificate_chain=f"{name}.pem", private_key=f"{name}.key")


def trust(*names: str) -> TlsValidation:
    return TlsValidation(trust=FileTrust(certificate_chain="authority.pem"), subject_alternative_names=names)


def tls(mode: TlsMode = "STRICT", validation: TlsValidation | None = None) -> ListenerTls:
    return ListenerTls(mode=mode, certificate=certificate("server"), validation=validation)


def server(name: str, spoken: ListenerTls | None) -> VirtualNode:
    return VirtualNode(
        name=name,
        listeners=tuple(Listener(port=port, protocol=protocol, tls=spoken) for protocol, port in PORTS.items()),
        discovery=DnsDiscovery(hostname=f"{name}.colors.local"),
    )


def gateway(name: str, client_tls: ClientTls | None, spoken: ListenerTls | None) -> VirtualGateway:
    return VirtualGateway(
        name=name,
        listeners=(
            Listener(port=8001, tls=spoken),
            Listener(port=8002, protocol="http2", tls=spoken),
        ),
        client_tls=client_tls,
        routes=(
            GatewayRoute(
                name="http",
                match=RouteMatch(prefix="/", port=8001),
                virtual_service=SERVICE,
                target_port=PORTS["http"],
            ),
            GatewayRoute(
                name="http2",
                protocol="http2",
                match=RouteMatch(prefix="/", port=8002),
                virtual_service=SERVICE,
                target_port=PORTS["http2"],
            ),
        ),
    )


SHOWN = ClientTls(validation=trust(), certificate=certificate("client"))
MESH = Mesh(
    name="colors",
    nodes=(
        server("server", tls(validation=trust(SPIFFE, "nobody.colors.local"))),
        server("permissive", tls("PERMISSIVE", trust())),
        server("permissive-named", tls("PERMISSIVE", trust(SPIFFE))),
        VirtualNode(name="caller", client_tls=SHOWN, backends=(VirtualServiceBackend(virtual_service=SERVICE),)),
    ),
    services=(VirtualService(name=SERVICE, virtual_node="server"),),
    gateways=(
        gateway("strict", SHOWN, tls()),
        gateway("permissive-gateway", SHOWN, tls("PERMISSIVE")),
        gateway("mutual", SHOWN, tls(validation=trust())),
        gateway("without-certificate", ClientTls(validation=trust()), None),
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    trusted, stranger = authority(folder, "authority"), authority(folder, "stranger")
    trusted.issue("server", SERVICE, "permissive.colors.local")
    trusted.issue("client", SPIFFE)
    trusted.issue("other", "other.colors.local")
    trusted.issue("expired", SPIFFE, days=0)
    stranger.issue("forged", SPIFFE)
    return folder


@pytest.fixture(scope="module")
def mesh(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    def in_folder(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: str(folder / each) if key == "filename" else in_folder(each) for key, each in value.items()}
        return [in_folder(each) for each in value] if isinstance(value, list | tuple) else value

    with loopback_mesh(MESH, tmp_path_factory.mktemp("mesh"), adjust=in_folder) as mesh:
        yield mesh


def context(folder: Path, shown: str | None = None, *protocols: str) -> ssl.SSLContext:
    """Return the TLS context of a client other than Envoy."""
    tls_context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    if shown:
        tls_context.load_cert_chain(folder / f"{shown}.pem", folder / f"{shown}.key")
    if protocols:
        tls_context.set_alpn_protocols(list(protocols))
    return tls_context


@contextmanager
def secured(address: str, port: int, tls_context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection((address, port), timeout=10) as plain,
        tls_context.wrap_socket(plain, server_hostname=SERVICE) as client,
    ):
        yield client


def status(address: str, port: int, tls_context: ssl.SSLContext) -> int:
    """Send a request over TLS, and return the status of the response."""
    with secured(address, port, tls_context) as client:
        client.sendall(f"GET / HTTP/1.1\r\nhost: {SERVICE}\r\nconnection: close\r\n\r\n".encode())
        response = http.client.HTTPResponse(client)
        response.begin()
        return response.status


def ask_http2(client: socket.socket) -> int:
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    headers = [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", SERVICE)]
    connection.send_headers(1, headers, end_stream=True)
    while True:
        client.sendall(connection.data_to_send())
        for event in connection.receive_data(client.recv(65536)):
            if isinstance(event, h2.events.ResponseReceived):
                return int(dict(event.headers or ())[b":status"])


def test_http_over_mutual_tls(mesh: LoopbackMesh) -> None:
    assert mesh.call("caller", SERVICE, PORTS["http"]).status == 200


def test_http2_over_mutual_tls(mesh: LoopbackMesh) -> None:
    address = mesh.task("caller").backend_address(SERVICE)
    with socket.create_connection((address, PORTS["http2"]), timeout=10) as client:
        assert ask_http2(client) == 200


def test_grpc_over_mutual_tls(mesh: LoopbackMesh) -> None:
    address = f"{mesh.task('caller').backend_address(SERVICE)}:{PORTS['grpc']}"
    with grpc.insecure_channel(address, options=[("grpc.default_authority", SERVICE)]) as channel:
        stub: Any = channel.unary_unary("/colors.Teller/Tell")
        assert json.loads(stub(b"hello", timeout=5))["node"] == "server"


def test_tcp_over_mutual_tls(mesh: LoopbackMesh) -> None:
    address = mesh.task("caller").backend_address(SERVICE)
    with socket.create_connection((address, PORTS["tcp"]), timeout=10) as client:
        assert client.recv(100) == b"server\n"


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc", "tcp"])
def test_tls_connection_is_encrypted(mesh: LoopbackMesh, protocol: Protocol) -> None:
    cluster = mesh.task("caller").admin(f"/stats?filter=cds_egress_colors_server_{protocol}_{PORTS[protocol]}.ssl")
    assert b"ssl.handshake" in cluster


@pytest.mark.parametrize("protocol", ["http2", "grpc"])
def test_http2_listener_negotiates_http2_by_alpn(mesh: LoopbackMesh, folder: Path, protocol: Protocol) -> None:
    port = 15100 + list(PORTS).index(protocol)
    with secured(mesh.task("server").address(1), port, context(folder, "client", "h2", "http/1.1")) as client:
        assert client.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize("name", ["strict", "permissive-gateway"])
def test_gateway_has_its_certificate(mesh: LoopbackMesh, folder: Path, name: str) -> None:
    assert status(mesh.task(name).address(1), 8001, context(folder)) == 200


def test_http2_gateway_uses_http2_over_tls(mesh: LoopbackMesh, folder: Path) -> None:
    with secured(mesh.task("strict").address(1), 8002, context(folder, None, "h2")) as client:
        assert (client.selected_alpn_protocol(), ask_http2(client)) == ("h2", 200)


def test_strict_gateway_rejects_plaintext(mesh: LoopbackMesh) -> None:
    with pytest.raises(OSError, match=r"reset|closed|disconnected"):
        mesh.enter("strict", 8001)


def test_permissive_gateway_accepts_plaintext(mesh: LoopbackMesh) -> None:
    assert mesh.enter("permissive-gateway", 8001).status == 200


def test_gateway_accepts_a_client_with_a_trusted_certificate(mesh: LoopbackMesh, folder: Path) -> None:
    assert status(mesh.task("mutual").address(1), 8001, context(folder, "other")) == 200


@pytest.mark.parametrize("shown", [None, "forged", "expired"])
def test_gateway_rejects_a_client_without_a_trusted_certificate(
    mesh: LoopbackMesh, folder: Path, shown: str | None
) -> None:
    with pytest.raises(REFUSED):
        status(mesh.task("mutual").address(1), 8001, context(folder, shown))


def test_gateway_without_a_certificate_is_rejected_by_a_node_that_requires_one(mesh: LoopbackMesh) -> None:
    assert mesh.enter("without-certificate", 8001).status == 503


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("permissive", None, id="none"),
        pytest.param("permissive", "other", id="one-with-any-name"),
        pytest.param("permissive-named", "client", id="one-with-the-name"),
    ],
)
def test_permissive_listener_accepts_tls_with_an_accepted_name(
    mesh: LoopbackMesh, folder: Path, name: str, shown: str | None
) -> None:
    assert status(mesh.task(name).address(1), 15100, context(folder, shown)) == 200


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("permissive", "forged", id="of-another-authority"),
        pytest.param("permissive", "expired", id="expired"),
        pytest.param("permissive-named", "other", id="with-another-name"),
        pytest.param("permissive-named", None, id="none-where-a-name-is-wanted"),
    ],
)
def test_permissive_listener_rejects_a_certificate_without_an_accepted_name(
    mesh: LoopbackMesh, folder: Path, name: str, shown: str | None
) -> None:
    with pytest.raises(REFUSED):
        status(mesh.task(name).address(1), 15100, context(folder, shown))


@pytest.mark.parametrize("name", ["permissive", "permissive-named"])
def test_permissive_listener_accepts_plaintext(mesh: LoopbackMesh, name: str) -> None:
    assert send_request(mesh.task(name).address(1), 15100).status == 200
