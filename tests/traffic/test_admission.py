"""Admission of callers by the names in their certificates, between real Envoys and for every protocol."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from color_mesh.envoy import Admission
from color_mesh.model import (
    ClientTls,
    CloudMapDiscovery,
    FileCertificate,
    FileTrust,
    GatewayRoute,
    Listener,
    ListenerTls,
    Mesh,
    Route,
    RouteMatch,
    TlsMode,
    TlsValidation,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from color_mesh.model.health_check import Protocol
from tests.support.certificates import authority
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh, send_request, wait_until

NAMESPACE = "tasks.colors.local"
ENTRY = 8000
PORTS: dict[Protocol, int] = {"http": 8081, "http2": 8082, "grpc": 8083, "tcp": 8084}
# With TLS 1.3 a client sends its request before it learns that its certificate was rejected.
REFUSED = (ssl.SSLError, ConnectionResetError, BrokenPipeError)
ALL_CALLERS = ("caller", "intruder", "anonymous")


def certificate(name: str) -> FileCertificate:
    return FileCertificate(certificate_chain=f"{name}.pem", private_key=f"{name}.key")


def trust(*names: str) -> TlsValidation:
    return TlsValidation(trust=FileTrust(certificate_chain="authority.pem"), subject_alternative_names=names)


def server(name: str, validation: TlsValidation, mode: TlsMode = "STRICT") -> VirtualNode:
    tls = ListenerTls(mode=mode, certificate=certificate(name), validation=validation)
    return VirtualNode(
        name=name,
        listeners=tuple(Listener(port=port, protocol=protocol, tls=tls) for protocol, port in PORTS.items()),
        discovery=CloudMapDiscovery(namespace=NAMESPACE, service=name),
    )


def shows(name: str) -> ClientTls:
    return ClientTls(validation=trust(), certificate=certificate(name))


def caller(name: str, tls: ClientTls) -> VirtualNode:
    backends = tuple(
        VirtualServiceBackend(virtual_service=f"{each}.colors.local") for each in ("red", "named", "split")
    )
    return VirtualNode(name=name, client_tls=tls, backends=backends)


def gateway(name: str, tls: ClientTls) -> VirtualGateway:
    route = GatewayRoute(
        name="all", match=RouteMatch(prefix="/"), virtual_service="red.colors.local", target_port=PORTS["http"]
    )
    return VirtualGateway(name=name, listeners=(Listener(port=ENTRY),), client_tls=tls, routes=(route,))


MESH = Mesh(
    name="colors",
    nodes=(
        server("red", trust()),
        server("alone", trust()),
        server("named", trust("other.tasks.colors.local")),
        server("permissive", trust(), "PERMISSIVE"),
        server("routed", trust()),
        caller("caller", shows("caller")),
        # These are callers too, but their certificates are not theirs.
        caller("intruder", shows("other")),
        caller("anonymous", ClientTls(validation=trust())),
    ),
    services=(
        VirtualService(name="red.colors.local", virtual_node="red"),
        VirtualService(name="named.colors.local", virtual_node="named"),
        VirtualService(name="split.colors.local", virtual_router="split"),
    ),
    routers=(
        VirtualRouter(
            name="split",
            listeners=(Listener(port=PORTS["http"]),),
            routes=(
                Route(
                    name="all",
                    match=RouteMatch(prefix="/"),
                    targets=(WeightedTarget(virtual_node="routed", weight=1, port=PORTS["http"]),),
                ),
            ),
        ),
    ),
    gateways=(gateway("gateway", shows("gateway")), gateway("strange-gateway", shows("other"))),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    trusted, stranger = authority(folder, "authority"), authority(folder, "stranger")
    for name in ("red", "alone", "named", "permissive", "routed", "caller", "other", "gateway", "friend"):
        trusted.issue(name, f"{name}.{NAMESPACE}")
    trusted.issue("other-app", "spiffe://billing/worker")
    stranger.issue("forged", f"caller.{NAMESPACE}")
    return folder


@pytest.fixture(scope="module")
def mesh(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    def in_folder(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: str(folder / each) if key == "filename" else in_folder(each) for key, each in value.items()}
        return [in_folder(each) for each in value] if isinstance(value, list | tuple) else value

    others = {"red": (f"friend.{NAMESPACE}", "spiffe://billing/worker")}
    settings = {"admission": Admission(namespace=NAMESPACE, other_callers=others)}
    with loopback_mesh(MESH, tmp_path_factory.mktemp("mesh"), adjust=in_folder, settings=settings) as mesh:
        yield mesh


def inbound(protocol: Protocol) -> int:
    return 15100 + list(PORTS).index(protocol)


@contextmanager
def secured(mesh: LoopbackMesh, folder: Path, node: str, protocol: Protocol, shown: str) -> Iterator[ssl.SSLSocket]:
    """Connect to a listener as a client other than Envoy, with a certificate."""
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    context.load_cert_chain(folder / f"{shown}.pem", folder / f"{shown}.key")
    address = mesh.task(node).address(1), inbound(protocol)
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=f"{node}.{NAMESPACE}") as client,
    ):
        yield client


def status(mesh: LoopbackMesh, folder: Path, node: str, shown: str) -> int:
    """Send a request over TLS, and return the status of the response."""
    with secured(mesh, folder, node, "http", shown) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: red\r\nconnection: close\r\n\r\n")
        response = http.client.HTTPResponse(client)
        response.begin()
        return response.status


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("caller", 200, id="own-name"),
        pytest.param("intruder", 403, id="name-of-no-caller"),
        pytest.param("anonymous", 503, id="no-certificate"),
    ],
)
@pytest.mark.parametrize("service", ["red", "split"])
def test_request_is_admitted_by_the_name_in_the_certificate(
    mesh: LoopbackMesh, service: str, name: str, code: int
) -> None:
    response = mesh.call(name, f"{service}.colors.local", PORTS["http"])
    assert response.status == code
    assert code != 403 or response.body == b"RBAC: access denied"


def test_parallel_connections_are_admitted_too(mesh: LoopbackMesh) -> None:
    def call(_: int) -> int:
        return mesh.call("caller", "red.colors.local", PORTS["http"]).status

    # Envoy opens more connections to the node, and would resume the TLS session of the first.
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(200))) == {200}


@pytest.mark.parametrize(("name", "code"), [("gateway", 200), ("strange-gateway", 403)])
def test_gateway_is_admitted_by_the_name_in_its_certificate(mesh: LoopbackMesh, name: str, code: int) -> None:
    assert mesh.enter(name, ENTRY).status == code


@pytest.mark.parametrize(("name", "refusal"), [("caller", None), ("intruder", grpc.StatusCode.PERMISSION_DENIED)])
def test_grpc_call_is_admitted_by_the_name_in_the_certificate(
    mesh: LoopbackMesh, name: str, refusal: grpc.StatusCode | None
) -> None:
    address = f"{mesh.task(name).backend_address('red.colors.local')}:{PORTS['grpc']}"
    with grpc.insecure_channel(address, options=[("grpc.default_authority", "red.colors.local")]) as channel:
        stub: Any = channel.unary_unary("/colors.Teller/Tell")
        if refusal is None:
            assert json.loads(stub(b"hello", timeout=5))["node"] == "red"
        else:
            with pytest.raises(grpc.RpcError) as error:
                stub(b"hello", timeout=5)
            assert error.value.code() == refusal


@pytest.mark.parametrize(("name", "received"), [("caller", b"red\n"), ("intruder", b""), ("anonymous", b"")])
def test_connection_of_another_client_is_closed_before_it_receives_what_the_server_sends_first(
    mesh: LoopbackMesh, name: str, received: bytes
) -> None:
    address = mesh.task(name).backend_address("red.colors.local")
    with socket.create_connection((address, PORTS["tcp"]), timeout=10) as client:
        assert client.recv(100) == received


@pytest.mark.parametrize("shown", ["caller", "friend", "other-app", "gateway"])
def test_callers_of_other_apps_are_admitted_by_their_names(mesh: LoopbackMesh, folder: Path, shown: str) -> None:
    assert status(mesh, folder, "red", shown) == 200


def test_certificate_of_another_authority_is_refused_whatever_its_name(mesh: LoopbackMesh, folder: Path) -> None:
    with pytest.raises(REFUSED):
        status(mesh, folder, "red", "forged")


@pytest.mark.parametrize("shown", ["caller", "red", "alone"])
def test_node_without_callers_admits_nobody(mesh: LoopbackMesh, folder: Path, shown: str) -> None:
    assert status(mesh, folder, "alone", shown) == 403
    with pytest.raises(REFUSED), secured(mesh, folder, "alone", "tcp", shown) as client:
        client.recv(100)


def test_listener_with_names_of_its_own_admits_these_only(mesh: LoopbackMesh) -> None:
    codes = {name: mesh.call(name, "named.colors.local", PORTS["http"]).status for name in ("caller", "intruder")}
    assert codes == {"caller": 503, "intruder": 200}


def test_permissive_listener_admits_everybody_and_counts_who_will_be_refused(mesh: LoopbackMesh, folder: Path) -> None:
    task = mesh.task("permissive")
    assert send_request(task.address(1), inbound("http")).status == 200
    assert status(mesh, folder, "permissive", "other") == 200
    with secured(mesh, folder, "permissive", "tcp", "other") as client:
        client.sendall(b"hello")
        assert client.recv(100)
    denied = "http.ingress.http.8081.rbac.shadow_denied", "ingress.rbac.shadow_denied"
    # Of tcp, Envoy counts the first bytes of the client, which the server need not wait for.
    wait_until(lambda: [task.stat(name) for name in denied] == [2, 1], "two requests and one connection are counted")
