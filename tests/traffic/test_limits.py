"""Connection pools, health checks, ejection, updates and access logs, with real Envoys."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from color_mesh.envoy import Instance, endpoints
from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    ConnectionPool,
    HealthCheck,
    Listener,
    Mesh,
    Milliseconds,
    OutlierDetection,
    Route,
    RouteMatch,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from tests.support.loopback_mesh import LoopbackMesh, Task, loopback_mesh, wait_until
from tests.support.sequential_requests import SequentialRequests

PORT = 8080
TEXT = AccessLog(path="text.log", text="%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL% %RESPONSE_CODE%\n")
JSON = AccessLog(
    path="json.log",
    json=(("method", "%REQ(:METHOD)%"), ("code", "%RESPONSE_CODE%"), ("begin", "%PROTOCOL%")),
)
DEFAULT = AccessLog(path="default.log")
SERVICES = ("connections", "outlier", "checked", "split", "plain")


def node(name: str, log: AccessLog | None = None, **policies: Any) -> VirtualNode:
    return VirtualNode(
        name=name,
        listeners=(Listener(port=PORT, **policies),),
        discovery=CloudMapDiscovery(namespace="colors.local", service=name),
        access_log=log,
    )


MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="caller",
            backends=tuple(VirtualServiceBackend(virtual_service=f"{name}.colors.local") for name in SERVICES),
            access_log=TEXT,
        ),
        node("connections", connection_pool=ConnectionPool(max_connections=1, max_pending_requests=1)),
        node(
            "outlier",
            outlier_detection=OutlierDetection(
                max_server_errors=2,
                interval=Milliseconds(100),
                base_ejection_duration=Milliseconds(60000),
                max_ejection_percent=50,
            ),
        ),
        node(
            "checked",
            health_check=HealthCheck(
                protocol="http",
                interval=Milliseconds(5000),
                timeout=Milliseconds(2000),
                healthy_threshold=2,
                unhealthy_threshold=2,
                path="/healthy",
            ),
        ),
        node("green", JSON),
        node("yellow", DEFAULT),
        node("plain"),
    ),
    routers=(
        VirtualRouter(
            name="split",
            listeners=(Listener(port=PORT),),
            routes=(
                Route(
                    name="split",
                    match=RouteMatch(),
                    targets=(
                        WeightedTarget(virtual_node="green", weight=1),
                        WeightedTarget(virtual_node="yellow", weight=0),
                    ),
                ),
            ),
        ),
    ),
    services=(
        *(VirtualService(name=f"{name}.colors.local", virtual_node=name) for name in SERVICES if name != "split"),
        VirtualService(name="split.colors.local", virtual_router="split"),
    ),
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("limits"), tasks={"outlier": 2}, watched=True) as mesh:
        yield mesh


def at_once(mesh: LoopbackMesh, service: str, count: int) -> Counter[int]:
    """Return the statuses of concurrent requests whose responses take a while."""
    statuses: list[int] = []

    def send() -> None:
        statuses.append(mesh.call("caller", service, PORT, headers={"x-delay": "0.5"}).status)

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(statuses)


def test_requests_above_the_limits_of_the_pool_are_answered_503(mesh: LoopbackMesh) -> None:
    statuses = at_once(mesh, "connections.colors.local", 6)
    cluster = "cluster.cds_ingress_colors_connections_http_8080"
    overflows = mesh.task("connections").stat(f"{cluster}.upstream_rq_pending_overflow")
    assert (set(statuses), overflows > 0) == ({200, 503}, True)


def test_pool_limits_the_node_and_not_its_callers(mesh: LoopbackMesh) -> None:
    cluster = "cluster.cds_egress_colors_connections_http_8080"
    at_once(mesh, "connections.colors.local", 3)
    assert mesh.task("caller").stat(f"{cluster}.upstream_rq_pending_overflow") == 0


def test_failing_endpoint_is_ejected(mesh: LoopbackMesh) -> None:
    caller, first, second = mesh.task("caller"), mesh.task("outlier", 0), mesh.task("outlier", 1)
    headers = {"x-statuses": "500", "x-key": "bad"}
    ejected = "cluster.cds_egress_colors_outlier_http_8080.outlier_detection.ejections_active"

    def one_is_ejected() -> bool:
        mesh.call("caller", "outlier.colors.local", PORT, headers=headers)
        return caller.stat(ejected) == 1

    wait_until(one_is_ejected, "one of two endpoints is ejected")
    statuses = [mesh.call("caller", "outlier.colors.local", PORT, headers={"x-key": "good"}).status for _ in range(10)]
    counts = sorted([first.app.request_counts["good"], second.app.request_counts["good"]])
    assert (statuses, counts) == ([200] * 10, [0, 10])


def test_endpoint_is_checked_before_it_is_used(mesh: LoopbackMesh) -> None:
    healthy = "cluster.cds_egress_colors_checked_http_8080.membership_healthy"
    caller = mesh.task("caller")
    wait_until(lambda: caller.stat(healthy) == 1, "the endpoint is healthy")
    assert mesh.call("caller", "checked.colors.local", PORT).status == 200


def test_endpoint_that_does_not_answer_is_not_used(mesh: LoopbackMesh) -> None:
    caller, checked = mesh.task("caller"), mesh.task("checked")
    dead = Instance(ipv4=checked.address(9), port=15100)
    replace_endpoints(mesh, caller, "checked", [checked.instance(checked.part.listeners[0]), dead])
    cluster = "cluster.cds_egress_colors_checked_http_8080"
    wait_until(lambda: caller.stat(f"{cluster}.health_check.failure") >= 1, "the dead endpoint was checked")
    assert (caller.stat(f"{cluster}.membership_total"), caller.stat(f"{cluster}.membership_healthy")) == (2, 1)
    assert {mesh.call("caller", "checked.colors.local", PORT).status for _ in range(10)} == {200}


def test_refused_connection_is_retried_twice(mesh: LoopbackMesh) -> None:
    caller, plain = mesh.task("caller"), mesh.task("plain")
    replace_endpoints(mesh, caller, "plain", [Instance(ipv4=plain.address(9), port=15100)])
    cluster = "cluster.cds_egress_colors_plain_http_8080"
    before = caller.stat(f"{cluster}.upstream_rq_retry")
    response = mesh.call("caller", "plain.colors.local", PORT)
    assert (response.status, caller.stat(f"{cluster}.upstream_rq_retry") - before) == (503, 2)
    assert response.body.startswith(b"upstream connect error or disconnect/reset before headers")
    mesh.find_endpoints(caller)


def test_new_weights_are_used_without_a_failed_request(mesh: LoopbackMesh) -> None:
    caller = mesh.task("caller")
    name = "rds/rds_egress_http_8080_split.colors.local.json"
    content = caller.configuration.files[name]
    changed = swap(content, {"weight": {1: 0, 0: 1}})
    load = SequentialRequests(mesh, "caller", "split.colors.local", PORT)
    with load.sending():
        wait_until(lambda: load.responses["green"] > 20, "green answers")
        caller.write(name, changed)
        wait_until(lambda: load.responses["yellow"] > 20, "yellow answers")
    assert load.failures == []
    caller.write(name, content)


def test_new_endpoints_are_used_without_a_failed_request(mesh: LoopbackMesh) -> None:
    caller, first, second = mesh.task("caller"), mesh.task("outlier", 0), mesh.task("outlier", 1)
    listener = first.part.listeners[0]
    replace_endpoints(mesh, caller, "outlier", [first.instance(listener)])
    cluster = "cluster.cds_egress_colors_outlier_http_8080"
    load = SequentialRequests(mesh, "caller", "outlier.colors.local", PORT)
    with load.sending():
        wait_until(
            lambda: caller.stat(f"{cluster}.membership_total") == 1 and load.responses.total() > 20, "one answers"
        )
        before = second.app.request_counts[""]
        replace_endpoints(mesh, caller, "outlier", [second.instance(listener)])
        wait_until(lambda: second.app.request_counts[""] > before + 20, "the second answers")
    assert load.failures == []
    mesh.find_endpoints(caller)


def test_log_lines_have_the_text_format(mesh: LoopbackMesh) -> None:
    mesh.call("caller", "split.colors.local", PORT, "/text", method="PUT")
    wait_for_line(mesh.task("caller"), "text.log", r"PUT /text HTTP/1\.1 200")


def test_log_lines_have_the_json_format(mesh: LoopbackMesh) -> None:
    mesh.call("caller", "split.colors.local", PORT, "/json", method="PATCH")
    wait_for_line(mesh.task("green"), "json.log", re.escape('{"begin":"HTTP/1.1","code":200,"method":"PATCH"}'))


def test_log_lines_have_envoys_default_format(mesh: LoopbackMesh) -> None:
    caller = mesh.task("caller")
    name = "rds/rds_egress_http_8080_split.colors.local.json"
    caller.write(name, swap(caller.configuration.files[name], {"weight": {1: 0, 0: 1}}))
    wait_until(
        lambda: mesh.call("caller", "split.colors.local", PORT, "/default").request["node"] == "yellow",
        "yellow answers",
    )
    caller.write(name, caller.configuration.files[name])
    time, request_id = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\]", r'"[0-9a-f-]{36}"'
    upstream = re.escape(f'"{mesh.task("yellow").address(2)}:{PORT}"')
    wait_for_line(
        mesh.task("yellow"),
        "default.log",
        rf'{time} "GET /default HTTP/1\.1" 200 - 0 \d+ \d+ \d+ "-" "-" {request_id} "split\.colors\.local" {upstream}',
    )


def wait_for_line(task: Task, name: str, pattern: str) -> None:
    """Return the first line of an access log that matches a pattern completely, once there is one."""
    log = task.folder / name
    wait_until(
        lambda: log.exists() and any(re.fullmatch(pattern, line) for line in log.read_text().splitlines()),
        f"a line of {log} is {pattern}; it has:\n{Path(log).read_text() if log.exists() else 'nothing'}",
    )


def replace_endpoints(mesh: LoopbackMesh, caller: Task, name: str, instances: list[Instance]) -> None:
    """Replace the endpoints of a node for a caller, and wait until it has them."""
    file, target = next(
        (file, target) for file, target in caller.configuration.targets.items() if target.node.name == name
    )
    updates = f"cluster.{target.cluster}.update_success"
    before = caller.stat(updates)
    caller.write(file, endpoints(mesh.mesh, target, instances))
    wait_until(lambda: caller.stat(updates) > before, f"{name} has other endpoints")


def swap(value: Any, others: dict[str, dict[Any, Any]]) -> Any:
    """Return a copy with other values of some keys."""
    if isinstance(value, dict):
        return {
            key: others[key].get(each, each) if key in others else swap(each, others) for key, each in value.items()
        }
    return [swap(each, others) for each in value] if isinstance(value, list) else value
