"""Health checks, outlier detection and connection pools, with real Envoys."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from color_mesh.envoy.clusters import endpoint
from color_mesh.envoy.placement import INBOUND_PORT
from color_mesh.model import (
    CloudMapDiscovery,
    ConnectionPool,
    GatewayRoute,
    HealthCheck,
    Listener,
    Mesh,
    Milliseconds,
    OutlierDetection,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from color_mesh.model.health_check import Protocol
from tests.support.loopback_mesh import LoopbackMesh, Task, connect, loopback_mesh, wait_until
from tests.support.servers import SERVERS
from tests.support.streaming_servers import streaming_grpc_server

PORT = 8080
ENTRY = 8000
NOBODY = "127.254.254.254"
CHECKED: dict[str, tuple[Protocol, Protocol, str | None]] = {
    "web": ("http", "http", "/healthy?deep=1"),
    "web-at-the-root": ("http", "http", None),
    "web-of-http2": ("http2", "http2", "/healthy"),
    "teller": ("grpc", "grpc", None),
    "talk": ("tcp", "tcp", None),
    "web-by-connection": ("http", "tcp", None),
    "teller-by-connection": ("grpc", "tcp", None),
}


def node(name: str, protocol: Protocol = "http", **policies: Any) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, listeners=(Listener(port=PORT, protocol=protocol, **policies),), discovery=discovery)


def check(protocol: Protocol, path: str | None = None) -> HealthCheck:
    return HealthCheck(
        protocol=protocol,
        interval=Milliseconds(5000),
        timeout=Milliseconds(2000),
        healthy_threshold=2,
        unhealthy_threshold=2,
        path=path,
    )


def outlier(errors: int, base: int, percent: int) -> OutlierDetection:
    return OutlierDetection(
        max_server_errors=errors,
        interval=Milliseconds(100),
        base_ejection_duration=Milliseconds(base),
        max_ejection_percent=percent,
    )


NODES = (
    *(
        node(name, protocol, health_check=check(check_protocol, path))
        for name, (protocol, check_protocol, path) in CHECKED.items()
    ),
    node("ill", "grpc", health_check=check("grpc")),
    node("back-soon", outlier_detection=outlier(1, 300, 100)),
    node("patient", outlier_detection=outlier(3, 60000, 100)),
    node("few", outlier_detection=outlier(1, 60000, 0)),
    node("narrow", "tcp", connection_pool=ConnectionPool(max_connections=1)),
    node("wide"),
)
MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="caller",
            backends=tuple(VirtualServiceBackend(virtual_service=f"{each.name}.colors.local") for each in NODES),
        ),
        *NODES,
    ),
    services=tuple(VirtualService(name=f"{each.name}.colors.local", virtual_node=each.name) for each in NODES),
    gateways=(
        VirtualGateway(
            name="gateway",
            listeners=(
                Listener(port=ENTRY, connection_pool=ConnectionPool(max_connections=1, max_pending_requests=1)),
            ),
            routes=(GatewayRoute(name="wide", match=RouteMatch(prefix="/"), virtual_service="wide.colors.local"),),
        ),
    ),
)


def with_dead_endpoints(content: dict[str, Any]) -> dict[str, Any]:
    """Add an endpoint without a listener to every cluster with health checks."""
    for cluster in content["static_resources"]["clusters"]:
        if "health_checks" in cluster:
            (place,) = cluster["load_assignment"]["endpoints"]
            place["lb_endpoints"].append(endpoint(NOBODY, INBOUND_PORT))
    return content


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    tasks = {"back-soon": 2, "patient": 2, "few": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SERVERS, "grpc", streaming_grpc_server)
        folder = tmp_path_factory.mktemp("health")
        with loopback_mesh(MESH, folder, tasks=tasks, adjust=with_dead_endpoints) as mesh:
            yield mesh


def cluster(name: str) -> str:
    protocol = next(each.listeners[0].protocol for each in NODES if each.name == name)
    return f"cluster.cds_egress_colors_{name}_{protocol}_{PORT}"


@pytest.mark.parametrize("name", CHECKED)
def test_health_checks_distinguish_tasks_that_answer(mesh: LoopbackMesh, name: str) -> None:
    caller = mesh.task("caller")
    wait_until(lambda: caller.stat(f"{cluster(name)}.health_check.success") >= 1, "one task is healthy")
    wait_until(lambda: caller.stat(f"{cluster(name)}.health_check.failure") >= 1, "one task is unhealthy")
    stats = [caller.stat(f"{cluster(name)}.membership_{kind}") for kind in ("total", "healthy")]
    assert stats == [2, 1]


@pytest.mark.parametrize("name", ["web", "web-at-the-root", "web-by-connection"])
def test_no_request_is_sent_to_a_dead_endpoint(mesh: LoopbackMesh, name: str) -> None:
    statuses = {mesh.call("caller", f"{name}.colors.local", PORT).status for _ in range(30)}
    assert (statuses, mesh.task("caller").stat(f"{cluster(name)}.upstream_rq_retry")) == ({200}, 0)


def test_task_that_fails_its_health_check_is_unhealthy(mesh: LoopbackMesh) -> None:
    caller = mesh.task("caller")
    wait_until(lambda: caller.stat(f"{cluster('ill')}.health_check.failure") >= 1, "the check has failed")
    assert caller.stat(f"{cluster('ill')}.membership_healthy") == 0


def errors(mesh: LoopbackMesh, name: str, count: int) -> None:
    """Send requests that are answered with 500; Envoy sends them to the tasks in turn."""
    for _ in range(count):
        mesh.call("caller", f"{name}.colors.local", PORT, headers={"x-statuses": "500", "x-key": "bad"})


def ejected(task: Task, name: str) -> int:
    return task.stat(f"{cluster(name)}.outlier_detection.ejections_active")


def test_an_ejection_ends(mesh: LoopbackMesh) -> None:
    caller = mesh.task("caller")
    errors(mesh, "back-soon", 1)
    assert caller.stat(f"{cluster('back-soon')}.outlier_detection.ejections_enforced_consecutive_5xx") == 1
    wait_until(lambda: ejected(caller, "back-soon") == 0, "the ejection ends")
    apps = [mesh.task("back-soon", number).app for number in (0, 1)]

    def both_receive_requests() -> bool:
        mesh.call("caller", "back-soon.colors.local", PORT, headers={"x-key": "good"})
        return all(app.request_counts["good"] > 0 for app in apps)

    wait_until(both_receive_requests, "both receive requests again")


def test_fewer_errors_than_the_limit_eject_no_task(mesh: LoopbackMesh) -> None:
    caller = mesh.task("caller")
    errors(mesh, "patient", 4)
    mesh.call("caller", "patient.colors.local", PORT)
    mesh.call("caller", "patient.colors.local", PORT)
    errors(mesh, "patient", 4)
    assert caller.stat(f"{cluster('patient')}.outlier_detection.ejections_detected_consecutive_5xx") == 0
    errors(mesh, "patient", 2)
    assert caller.stat(f"{cluster('patient')}.outlier_detection.ejections_enforced_consecutive_5xx") == 2


def test_one_task_is_ejected_with_max_ejection_percent_0(mesh: LoopbackMesh) -> None:
    caller = mesh.task("caller")
    errors(mesh, "few", 6)
    detected = f"{cluster('few')}.outlier_detection.ejections_overflow"
    assert (ejected(caller, "few"), caller.stat(detected) > 0) == (1, True)


def test_tcp_connection_above_the_limit_is_closed(mesh: LoopbackMesh) -> None:
    address = mesh.task("caller").backend_address("narrow.colors.local")
    with connect(address, PORT) as first, connect(address, PORT) as second:
        assert (first.recv(100), ended(second)) == (b"narrow\n", True)
    overflow = f"cluster.cds_ingress_colors_narrow_tcp_{PORT}.upstream_cx_overflow"
    assert mesh.task("narrow").stat(overflow) >= 1


def ended(client: socket.socket) -> bool:
    """Return whether the server closes a connection without sending data."""
    try:
        return client.recv(100) == b""
    except ConnectionResetError:
        return True


def send_slow_request(mesh: LoopbackMesh) -> socket.socket:
    """Send a request through the gateway to which the response takes a while."""
    lines = ("GET / HTTP/1.1", "host: any", "x-delay: 0.5", "x-key: held", "connection: close", "", "")
    client = connect(mesh.task("gateway").address(1), ENTRY)
    client.sendall("\r\n".join(lines).encode())
    return client


def test_requests_above_the_limits_of_a_gateway_are_answered_503(mesh: LoopbackMesh) -> None:
    cluster = "cluster.cds_ingress_colors_gateway_self_redirect_http_15001"
    gateway, request_counts = mesh.task("gateway"), mesh.app("wide").request_counts
    with send_slow_request(mesh) as first:
        wait_until(lambda: request_counts["held"] == 1, "the first request is under way")
        with send_slow_request(mesh) as second:
            wait_until(lambda: gateway.stat(f"{cluster}.upstream_rq_pending_active") == 1, "the second waits")
            with send_slow_request(mesh) as third:
                statuses = [client.recv(12)[-3:] for client in (first, second, third)]
    assert statuses == [b"200", b"200", b"503"]
    assert gateway.stat(f"{cluster}.upstream_rq_pending_overflow") == 1
