"""Access logs of real Envoys: all lines of a file, in each format, on both sides."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    GatewayRoute,
    HealthCheck,
    Listener,
    Mesh,
    Milliseconds,
    Route,
    RouteMatch,
    Timeout,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from color_mesh.model.health_check import Protocol
from tests.support.loopback_mesh import LoopbackMesh, Task, connect, loopback_mesh, wait_until

PORT = 8080
ENTRY = 8000
LOG = "access.log"
CHECK = HealthCheck(
    protocol="http",
    interval=Milliseconds(5000),
    timeout=Milliseconds(2000),
    healthy_threshold=2,
    unhealthy_threshold=2,
    path="/healthy?deep=1",
)
LINE = "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %REQ(:AUTHORITY)%\n"
FIELDS = (
    ("status", "%RESPONSE_CODE%"),
    ("flags", "%RESPONSE_FLAGS%"),
    ("path", "%REQ(:PATH)%"),
    ("color", "%REQ(COLOR)%"),
    ("both", "%REQ(:METHOD)% %PROTOCOL%"),
)


def node(
    name: str, log: AccessLog | None, protocol: Protocol = "http", check: HealthCheck | None = None, **changes: Any
) -> VirtualNode:
    return VirtualNode(
        name=name,
        listeners=(Listener(port=PORT, protocol=protocol, health_check=check),),
        discovery=CloudMapDiscovery(namespace="colors.local", service=name),
        access_log=log,
        **changes,
    )


def route(name: str, match: RouteMatch, target: str, timeout: Timeout | None = None) -> Route:
    return Route(name=name, match=match, targets=(WeightedTarget(virtual_node=target, weight=1),), timeout=timeout)


def backends(*names: str) -> tuple[VirtualServiceBackend, ...]:
    return tuple(VirtualServiceBackend(virtual_service=f"{name}.colors.local") for name in names)


MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="caller",
            backends=backends("router", "silent"),
            access_log=AccessLog(path=LOG, text=LINE),
        ),
        VirtualNode(name="json", backends=backends("router", "silent"), access_log=AccessLog(path=LOG, json=FIELDS)),
        VirtualNode(
            name="talker",
            backends=backends("talk"),
            access_log=AccessLog(path=LOG, text="%BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER%\n"),
        ),
        VirtualNode(
            name="one-line",
            backends=backends("router"),
            access_log=AccessLog(path=LOG, text="%RESPONSE_CODE%"),
        ),
        VirtualNode(name="checker", backends=backends("checked")),
        node("green", None),
        node("silent", None),
        node("gone", None),
        node("talk", AccessLog(path=LOG, text="%BYTES_RECEIVED% %BYTES_SENT%\n"), "tcp"),
        node("checked", AccessLog(path=LOG, text="%REQ(:AUTHORITY)% %REQ(:PATH)% %REQ(USER-AGENT)%\n"), check=CHECK),
    ),
    routers=(
        VirtualRouter(
            name="router",
            listeners=(Listener(port=PORT),),
            routes=(
                route("gone", RouteMatch(prefix="/gone"), "gone"),
                route("short", RouteMatch(prefix="/short"), "green", Timeout(per_request=Milliseconds(100))),
                route("tell", RouteMatch(prefix="/tell"), "green"),
            ),
        ),
    ),
    services=(
        VirtualService(name="router.colors.local", virtual_router="router"),
        *(VirtualService(name=f"{name}.colors.local", virtual_node=name) for name in ("silent", "talk", "checked")),
    ),
    gateways=(
        VirtualGateway(
            name="gateway",
            listeners=(Listener(port=ENTRY),),
            routes=(GatewayRoute(name="in", match=RouteMatch(prefix="/in"), virtual_service="router.colors.local"),),
            access_log=AccessLog(path=LOG, text=LINE),
        ),
    ),
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("logs"), tasks={"gone": 0}) as mesh:
        yield mesh


def lines(task: Task, about: str, count: int) -> list[str]:
    """Return the lines that contain a text, once there are as many."""
    file = task.folder / LOG

    def matching() -> list[str]:
        return [line for line in file.read_text().splitlines() if about in line] if file.exists() else []

    wait_until(lambda: len(matching()) >= count, f"{file} has {count} lines about {about!r}")
    return matching()


@pytest.mark.parametrize(
    ("path", "headers", "line"),
    [
        pytest.param("/tell?a=1", {}, "GET /tell?a=1 200 - router.colors.local", id="good"),
        pytest.param("/other", {}, "GET /other 404 NR router.colors.local", id="no-route"),
        pytest.param("/gone", {}, "GET /gone 503 UH router.colors.local", id="no-endpoint"),
        pytest.param("/short", {"x-delay": "0.5"}, "GET /short 504 UT router.colors.local", id="too-long"),
    ],
)
def test_line_has_the_outcome_of_a_request(mesh: LoopbackMesh, path: str, headers: dict[str, str], line: str) -> None:
    mesh.call("caller", "router.colors.local", PORT, path, headers=headers)
    assert lines(mesh.task("caller"), path, 1) == [line]


def test_json_has_numbers_and_null_for_missing_values(mesh: LoopbackMesh) -> None:
    mesh.call("json", "router.colors.local", PORT, "/tell/json", headers={"color": "red"})
    mesh.call("json", "router.colors.local", PORT, "/none/json")
    first, second = (json.loads(line) for line in lines(mesh.task("json"), "/json", 2))
    assert first == {"status": 200, "flags": "-", "path": "/tell/json", "color": "red", "both": "GET HTTP/1.1"}
    assert second == {"status": 404, "flags": "NR", "path": "/none/json", "color": None, "both": "GET HTTP/1.1"}


def test_text_format_without_a_newline_has_no_newline(mesh: LoopbackMesh) -> None:
    for path in ("/tell", "/none", "/tell"):
        mesh.call("one-line", "router.colors.local", PORT, path)
    assert lines(mesh.task("one-line"), "200404200", 1) == ["200404200"]


def test_gateway_logs_a_request_on_both_hops(mesh: LoopbackMesh) -> None:
    mesh.enter("gateway", ENTRY, "/in/tell", headers={"Host": "www.example.com"})
    matching = lines(mesh.task("gateway"), "/tell 200", 2)
    assert matching == 2 * ["GET /tell 200 - router.colors.local"]


def test_gateway_logs_a_request_without_a_route_on_both_hops(mesh: LoopbackMesh) -> None:
    mesh.enter("gateway", ENTRY, "/in/missing")
    matching = lines(mesh.task("gateway"), "/missing", 2)
    assert sorted(matching) == ["GET /missing 404 - router.colors.local", "GET /missing 404 NR router.colors.local"]


def test_tcp_connections_are_logged_on_both_sides(mesh: LoopbackMesh) -> None:
    with connect(mesh.task("talker").backend_address("talk.colors.local"), PORT) as client:
        assert client.recv(100) == b"talk\n"
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
    assert lines(mesh.task("talker"), "cds_", 1) == ["5 10 cds_egress_colors_talk_tcp_8080"]
    assert lines(mesh.task("talk"), "5 10", 1) == ["5 10"]


def test_node_without_an_access_log_writes_none(mesh: LoopbackMesh) -> None:
    mesh.call("caller", "silent.colors.local", PORT)
    assert not (mesh.task("silent").folder / LOG).exists()


def test_health_check_has_the_path_and_the_host_of_the_node(mesh: LoopbackMesh) -> None:
    matching = lines(mesh.task("checked"), "Envoy/HC", 1)
    assert matching[0] == f"checked.colors.local:{PORT} /healthy?deep=1 Envoy/HC"
