"""Forwarding headers, schemes, timeouts and connections of clients of a gateway, with real Envoys."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h2.connection
import h2.events
import pytest

from color_mesh.envoy.edge import HEALTH_PATH, MAX_CONNECTIONS
from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    FileCertificate,
    FileTrust,
    GatewayRoute,
    Listener,
    ListenerTls,
    Mesh,
    Route,
    RouteMatch,
    TlsValidation,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)
from color_mesh.model.health_check import Protocol
from tests.support.certificates import authority
from tests.support.loopback_mesh import LoopbackMesh, Task, connect, loopback_mesh, wait_until

PORT = 8000
TLS_PORT = 8443
STRICT_PORT = 8444
HTTP2_PORT = 8002
KEPT_NAMES = {"host", "accept-encoding", "x-request-id", "x-envoy-expected-rq-timeout-ms"}
ADDED_NAMES = {"x-forwarded-for", "x-forwarded-proto", "x-envoy-external-address"} | {
    f"x-envoy-original-{each}" for each in ("host", "path")
}
FORGED_ADDRESS = "10.0.0.1"
# Headers in which proxies describe a request, with what a client could gain by them.
FORGED = {
    **dict.fromkeys(("x-forwarded-for", "x-real-ip", "x_forwarded_for", "x_real_ip"), FORGED_ADDRESS),
    **dict.fromkeys(("x-forwarded-proto", "x-forwarded_proto"), "https"),
    **dict.fromkeys(
        ("x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-client-cert", "forwarded"), "forged"
    ),
    **{
        f"x-envoy-{name}": "1"
        for name in (
            *("upstream-rq-timeout-ms", "expected-rq-timeout-ms", "retry-on", "max-retries", "force-trace", "internal"),
            *("external-address", "original-path", "original-host", "original-dst-host", "decorator-operation"),
            *("downstream-service-cluster", "anything"),
        )
    },
    "x_envoy_internal": "true",
    "x-app-mesh-virtual-service": "secure.colors.local:8080",
    "x-request-id": "forged",
}


def node(name: str, *listeners: Listener) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, listeners=listeners, discovery=discovery)


def router(name: str, port: int, protocol: Protocol) -> VirtualRouter:
    """Return a router that sends requests with https to one node, and all others to another."""
    routes = tuple(
        Route(
            name=target,
            protocol=protocol,
            priority=priority,
            match=RouteMatch(prefix="/", scheme="https" if target == "secure" else None),
            targets=(WeightedTarget(virtual_node=target, weight=1, port=port),),
        )
        for priority, target in enumerate(("secure", "plain"))
    )
    return VirtualRouter(name=name, listeners=(Listener(port=port, protocol=protocol),), routes=routes)


def gateway(name: str, **settings: Any) -> VirtualGateway:
    tls = ListenerTls(
        mode="PERMISSIVE",
        certificate=FileCertificate(certificate_chain="door.pem", private_key="door.key"),
        validation=TlsValidation(trust=FileTrust(certificate_chain="authority.pem")),
    )
    return VirtualGateway(
        name=name,
        listeners=(
            Listener(port=PORT),
            Listener(port=TLS_PORT, tls=tls),
            Listener(port=STRICT_PORT, tls=replace(tls, mode="STRICT", validation=None)),
            Listener(port=HTTP2_PORT, protocol="http2"),
        ),
        routes=(
            GatewayRoute(name="http", match=RouteMatch(prefix="/", port=PORT), virtual_service="http.colors.local"),
            GatewayRoute(name="tls", match=RouteMatch(prefix="/", port=TLS_PORT), virtual_service="http.colors.local"),
            GatewayRoute(
                name="http2",
                protocol="http2",
                match=RouteMatch(prefix="/", port=HTTP2_PORT),
                virtual_service="http2.colors.local",
            ),
        ),
        **settings,
    )


LISTENERS = (Listener(port=8080), Listener(port=8082, protocol="http2"))
MESH = Mesh(
    name="colors",
    nodes=(node("plain", *LISTENERS), node("secure", *LISTENERS)),
    routers=(router("http", 8080, "http"), router("http2", 8082, "http2")),
    services=tuple(VirtualService(name=f"{name}.colors.local", virtual_router=name) for name in ("http", "http2")),
    gateways=(gateway("door", access_log=AccessLog(path="access.log")),),
)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    signer = authority(folder, "authority")
    signer.issue("door", "door.example.com")
    signer.issue("client", "client.example.com")
    return folder


def in_folder(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {
            key: str(folder / each) if key == "filename" else in_folder(each, folder) for key, each in value.items()
        }
    return [in_folder(each, folder) for each in value] if isinstance(value, list | tuple) else value


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[LoopbackMesh]:
    with loopback_mesh(
        MESH, tmp_path_factory.mktemp("mesh"), adjust=lambda content: in_folder(content, certificates)
    ) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def routeless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    """A gateway without routes."""
    door = VirtualGateway(name="door", listeners=(Listener(port=PORT),), access_log=AccessLog(path="access.log"))
    with loopback_mesh(Mesh(name="colors", gateways=(door,)), tmp_path_factory.mktemp("routeless")) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[LoopbackMesh]:
    """The mesh behind one trusted proxy."""
    with loopback_mesh(
        MESH,
        tmp_path_factory.mktemp("behind"),
        adjust=lambda content: in_folder(content, certificates),
        settings={"trusted_hops": 1},
    ) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[LoopbackMesh]:
    """The mesh with short timeouts and few connections, where the gateway has long ones and many."""

    def shorten(content: Any) -> Any:
        text = json.dumps(in_folder(content, certificates))
        for old, new in (
            ('"request_headers_timeout": "10s"', '"request_headers_timeout": "0.5s"'),
            ('"transport_socket_connect_timeout": "10s"', '"transport_socket_connect_timeout": "0.5s"'),
            ('"idle_timeout": "300s"', '"idle_timeout": "1.5s"'),
            (f'"max_active_downstream_connections": {MAX_CONNECTIONS}', '"max_active_downstream_connections": 5'),
        ):
            text = text.replace(old, new)
        return json.loads(text)

    with loopback_mesh(MESH, tmp_path_factory.mktemp("impatient"), adjust=shorten) as mesh:
        yield mesh


def received(mesh: LoopbackMesh, headers: dict[str, str]) -> dict[str, str]:
    """Return the headers that the application receives, by their name in lower case."""
    request = mesh.enter("door", PORT, "/x", headers=headers).request
    return {name.lower(): value for name, value in request["headers"].items()}


def node_over_tls(mesh: LoopbackMesh, certificates: Path, headers: dict[str, str]) -> Any:
    """Send a request with a client certificate, and return the request that the application receives."""
    context = ssl.create_default_context(cafile=str(certificates / "authority.pem"))
    context.check_hostname = False
    context.load_cert_chain(certificates / "client.pem", certificates / "client.key")
    connection = http.client.HTTPSConnection(mesh.task("door").address(1), TLS_PORT, timeout=10, context=context)
    connection.request("GET", "/", headers=headers)
    response = json.loads(connection.getresponse().read())
    connection.close()
    return response


def node_over_http2(mesh: LoopbackMesh, scheme: str) -> str:
    """Send a request with a scheme over HTTP/2 without TLS, and return the node that receives it."""
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    pseudo_headers = [(":method", "GET"), (":path", "/"), (":scheme", scheme), (":authority", "door")]
    connection.send_headers(1, [*pseudo_headers, ("x-forwarded-proto", scheme)], end_stream=True)
    body = b""
    with connect(mesh.task("door").address(1), HTTP2_PORT) as client:
        while True:
            client.sendall(connection.data_to_send())
            for event in connection.receive_data(client.recv(65536)):
                if isinstance(event, h2.events.DataReceived):
                    body += event.data or b""
                if isinstance(event, h2.events.StreamEnded):
                    return str(json.loads(body)["node"])


def test_no_forwarding_header_of_a_client_reaches_the_application(mesh: LoopbackMesh) -> None:
    headers = received(mesh, FORGED)
    assert headers.keys() - KEPT_NAMES == ADDED_NAMES
    assert not set(FORGED.values()) & set(headers.values())


def test_other_headers_of_a_client_reach_the_application(mesh: LoopbackMesh) -> None:
    others = {"my_header": "1", "x-forward": "2", "x-envoyer": "3", "forwarded-by": "4", "authorization": "Basic x"}
    assert others.items() <= received(mesh, others).items()


def test_address_of_the_client_is_passed_on_and_logged(mesh: LoopbackMesh) -> None:
    headers = received(mesh, FORGED)
    assert headers["x-envoy-external-address"] == "127.0.0.1"
    # For a client at a loopback address Envoy writes an address of its own.
    forwarded = headers["x-forwarded-for"]
    assert "," not in forwarded
    log = mesh.task("door").folder / "access.log"
    logged = [f'"{address}" "-" "{headers["x-request-id"]}"' for address in ("127.0.0.1", forwarded)]
    wait_until(lambda: all(log.read_text().count(line) == 1 for line in logged), "both hops log the address")
    assert FORGED_ADDRESS not in log.read_text()


@pytest.mark.parametrize(
    ("target", "status"),
    [("/a%2fb", 307), ("/a#b", 400), ("/absent", 404), (HEALTH_PATH, 200)],
    ids=["redirect", "fragment", "no-route", "health"],
)
def test_address_of_a_client_to_whom_the_gateway_answers_is_logged(
    routeless: LoopbackMesh, target: str, status: int
) -> None:
    log = routeless.task("door").folder / "access.log"
    before = log.read_text().count("\n") if log.exists() else 0
    with connect(routeless.task("door").address(1), PORT) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: door\r\nX-Forwarded-For: {FORGED_ADDRESS}\r\n\r\n".encode())
        assert client.recv(65536).startswith(f"HTTP/1.1 {status}".encode())
    wait_until(lambda: log.read_text().count("\n") > before, "the request is logged")
    line = log.read_text().splitlines()[-1]
    assert ('"127.0.0.1"' in line, FORGED_ADDRESS in line) == (True, False)


def test_health_check_of_a_load_balancer_reaches_no_service(mesh: LoopbackMesh) -> None:
    response = mesh.enter("door", PORT, HEALTH_PATH, headers={"host": "10.0.0.1:80"})
    assert (response.status, response.body) == (200, b"")
    assert mesh.enter("door", PORT, "/").status == 200


@pytest.mark.parametrize("headers", [{}, FORGED], ids=["none", "forged"])
def test_scheme_of_a_request_without_tls_is_http(mesh: LoopbackMesh, headers: dict[str, str]) -> None:
    assert mesh.enter("door", PORT, "/", headers=headers).request["node"] == "plain"
    assert mesh.enter("door", TLS_PORT, "/", headers=headers).request["node"] == "plain"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_scheme_in_http2_is_not_believed(mesh: LoopbackMesh, scheme: str) -> None:
    assert node_over_http2(mesh, scheme) == "plain"


def test_scheme_in_an_absolute_url_is_not_believed(mesh: LoopbackMesh) -> None:
    response = mesh.enter("door", PORT, "https://door/")
    assert response.status == 403 or response.request["node"] == "plain"


@pytest.mark.parametrize("headers", [{}, {**FORGED, "x-forwarded-proto": "http"}], ids=["none", "forged"])
def test_request_with_tls_has_the_scheme_https_and_no_certificate_header(
    mesh: LoopbackMesh, certificates: Path, headers: dict[str, str]
) -> None:
    request = node_over_tls(mesh, certificates, headers)
    names = {name.lower() for name in request["headers"]}
    assert (request["node"], "x-forwarded-client-cert" in names) == ("secure", False)


def test_headers_of_a_trusted_proxy_are_believed(behind_a_proxy: LoopbackMesh) -> None:
    sent = {**FORGED, "x-forwarded-for": f"{FORGED_ADDRESS}, 198.51.100.7"}
    request = behind_a_proxy.enter("door", PORT, "/x", headers=sent).request
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert (request["node"], headers["x-envoy-external-address"]) == ("secure", "198.51.100.7")
    assert headers["x-forwarded-for"].startswith(f"{FORGED_ADDRESS}, 198.51.100.7,")
    assert headers.keys() - KEPT_NAMES == ADDED_NAMES | {f"x-forwarded-{each}" for each in ("host", "port", "prefix")}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_scheme_of_a_trusted_proxy_is_believed_in_http2(behind_a_proxy: LoopbackMesh, scheme: str) -> None:
    assert node_over_http2(behind_a_proxy, scheme) == {"http": "plain", "https": "secure"}[scheme]


def closed_within(client: socket.socket, seconds: float) -> bytes:
    """Return what a client receives until Envoy closes the connection, or fail."""
    client.settimeout(seconds)
    answer = b""
    while data := client.recv(65536):
        answer += data
    return answer


def door(mesh: LoopbackMesh) -> Task:
    return mesh.task("door")


def test_client_that_sends_headers_slowly_is_answered_408(impatient: LoopbackMesh) -> None:
    with connect(door(impatient).address(1), PORT) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: door\r\n")
        start = time.monotonic()
        for number in range(20):
            time.sleep(0.1)
            try:
                client.sendall(f"x-{number}: slow\r\n".encode())
            except OSError:
                break
        client.settimeout(5)
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - start < 5


def test_client_that_sends_nothing_is_disconnected(impatient: LoopbackMesh) -> None:
    with connect(door(impatient).address(1), PORT) as client:
        assert closed_within(client, 5) == b""


def test_client_that_keeps_an_idle_connection_is_disconnected(impatient: LoopbackMesh) -> None:
    with connect(door(impatient).address(1), PORT) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: door\r\n\r\n")
        # Envoy closes it at the end of its drain timeout of 5 s, for a request that may be on its way.
        assert closed_within(client, 15).startswith(b"HTTP/1.1 200")


def test_client_that_does_not_finish_a_tls_handshake_is_disconnected(impatient: LoopbackMesh) -> None:
    with connect(door(impatient).address(1), STRICT_PORT) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # The beginning of a ClientHello.
        assert closed_within(client, 5) == b""


def test_response_may_take_longer_than_the_headers(impatient: LoopbackMesh) -> None:
    assert impatient.enter("door", PORT, "/", headers={"x-delay": "2"}).status == 200


def test_connections_beyond_the_limit_are_closed_and_those_within_it_work(impatient: LoopbackMesh) -> None:
    address = door(impatient).address(1)
    wait_until(lambda: door(impatient).stat("http.ingress.http.8000.downstream_cx_active") == 0, "no client is left")
    clients = [connect(address, PORT) for _ in range(5)]
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nHost: door\r\nx-delay: 1\r\n\r\n")
    time.sleep(0.2)
    with connect(address, PORT) as another:
        assert closed_within(another, 0.5) == b""
    for client in clients:
        client.settimeout(5)
        # All requests have passed the second hop, whose connections do not count.
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.close()
    assert door(impatient).admin("/ready") == b"LIVE\n"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({f"x-{number}": "1" for number in range(101)}, id="number"),
        pytest.param({"x-long": "1" * 61 * 1024}, id="size"),
    ],
)
def test_request_with_too_many_headers_is_answered_431(mesh: LoopbackMesh, headers: dict[str, str]) -> None:
    assert mesh.enter("door", PORT, "/", headers=headers).status == 431
