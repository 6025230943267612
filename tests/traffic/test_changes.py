"""Changes of running meshes: new files of every kind, without a failed request."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from color_mesh.envoy import FileEndpoints, Instance, Loopback, configure, endpoints
from color_mesh.envoy.discovery import CLUSTERS_FILE
from color_mesh.envoy.placement import INBOUND_PORT
from color_mesh.model import (
    CloudMapDiscovery,
    GatewayRoute,
    HealthCheck,
    Listener,
    Mesh,
    Milliseconds,
    OutlierDetection,
    Route,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from tests.support.envoy import parts
from tests.support.loopback_mesh import LoopbackMesh, Task, loopback_mesh, send_request, wait_until
from tests.support.sequential_requests import SequentialRequests

PORT = 8080
ENTRY = 8000
UPDATES = "cluster_manager.cds.update_success"
CHECK = HealthCheck(
    protocol="http", interval=Milliseconds(5000), timeout=Milliseconds(2000), healthy_threshold=2, unhealthy_threshold=2
)
OUTLIER = OutlierDetection(
    max_server_errors=5, interval=Milliseconds(1000), base_ejection_duration=Milliseconds(1000), max_ejection_percent=50
)


def node(name: str, listener: Listener = Listener(port=PORT)) -> VirtualNode:  # noqa: B008  (a frozen value)
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, listeners=(listener,), discovery=discovery)


def caller(*services: str) -> VirtualNode:
    backends = tuple(VirtualServiceBackend(virtual_service=f"{name}.colors.local") for name in services)
    return VirtualNode(name="caller", backends=backends)


def router(**weights: int) -> VirtualRouter:
    targets = tuple(WeightedTarget(virtual_node=name, weight=weight) for name, weight in weights.items())
    route = Route(name="all", match=RouteMatch(prefix="/"), targets=targets)
    return VirtualRouter(name="split", listeners=(Listener(port=PORT),), routes=(route,))


def gateway(*paths: str) -> VirtualGateway:
    routes = tuple(
        GatewayRoute(name=path.strip("/"), match=RouteMatch(prefix=path), virtual_service="split.colors.local")
        for path in paths
    )
    return VirtualGateway(name="gateway", listeners=(Listener(port=ENTRY),), routes=routes)


MESH = Mesh(
    name="colors",
    nodes=(caller("split"), node("green"), node("yellow")),
    routers=(router(green=1),),
    services=(
        VirtualService(name="split.colors.local", virtual_router="split"),
        VirtualService(name="yellow.colors.local", virtual_node="yellow"),
    ),
    gateways=(gateway("/old"),),
)


@pytest.fixture(scope="module")
def running_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("changes"), watched=True) as mesh:
        yield mesh


@pytest.fixture
def mesh(running_mesh: LoopbackMesh) -> Iterator[LoopbackMesh]:
    """Return the running mesh, with its initial configuration before and after each test."""
    yield running_mesh
    change(running_mesh, MESH)
    wait_until(lambda: running_mesh.enter("gateway", ENTRY, "/old").status == 200, "the gateway has its old route")


def address(task: Task, service: str) -> str:
    return f"127.{task.machine}.1.{1 if service == 'split.colors.local' else 2}"


def change(mesh: LoopbackMesh, changed: Mesh) -> None:
    """Write the changed files of each task in order: the dependencies first."""
    for task in mesh.tasks:
        write(mesh, task, changed)


def write(mesh: LoopbackMesh, task: Task, changed: Mesh) -> None:
    (part,) = [part for part in parts(changed) if part.name == task.part.name]
    placement = Loopback(
        task_address=task.address(1),
        app_address=task.address(2),
        envoy_address=task.address(3),
        backend_addresses={service.name: address(task, service.name) for service in changed.services},
    )
    configuration = configure(
        changed, part, interception=placement, endpoints=FileEndpoints(directory=str(task.folder))
    )
    endpoint_files = {
        name: endpoints(changed, target, [Instance(ipv4=mesh.task(target.node.name).address(1), port=INBOUND_PORT)])
        for name, target in configuration.targets.items()
    }
    for name, content in {**configuration.files, **endpoint_files}.items():
        before = task.stat(UPDATES)
        task.write(name, content)
        if name == CLUSTERS_FILE:
            wait_until(partial(has_clusters, task, before), "Envoy has every cluster")


def has_clusters(task: Task, before: int) -> bool:
    """Return whether Envoy has the clusters and their endpoints, which routes need."""
    return task.stat(UPDATES) > before and task.stat("cluster_manager.warming_clusters") == 0


def test_added_backend_answers_without_failed_requests_to_others(mesh: LoopbackMesh) -> None:
    load = SequentialRequests(mesh, "caller", "split.colors.local", PORT)
    with load.sending():
        load.wait_for_responses()
        change(mesh, replace(MESH, nodes=(caller("split", "yellow"), *MESH.nodes[1:])))
        wait_until(lambda: answers(mesh, "yellow.colors.local"), "the new backend answers")
        load.wait_for_responses()
    assert load.failures == []


def answers(mesh: LoopbackMesh, service: str) -> bool:
    try:
        return send_request(address(mesh.task("caller"), service), PORT, headers={"Host": service}).status == 200
    except ConnectionRefusedError:
        return False


def test_removed_backend_is_unreachable_without_failed_requests_to_others(mesh: LoopbackMesh) -> None:
    change(mesh, replace(MESH, nodes=(caller("split", "yellow"), *MESH.nodes[1:])))
    wait_until(lambda: answers(mesh, "yellow.colors.local"), "the new backend answers")
    load = SequentialRequests(mesh, "caller", "split.colors.local", PORT)
    with load.sending():
        change(mesh, MESH)
        wait_until(lambda: not answers(mesh, "yellow.colors.local"), "the backend is gone")
        load.wait_for_responses()
    assert load.failures == []


@pytest.mark.parametrize(
    "listener",
    [
        pytest.param(Listener(port=PORT), id="plain"),
        pytest.param(Listener(port=PORT, health_check=CHECK), id="checked"),
    ],
)
def test_requests_move_to_a_new_target_without_failures(mesh: LoopbackMesh, listener: Listener) -> None:
    nodes = (*MESH.nodes[:2], node("yellow", listener))
    load = SequentialRequests(mesh, "caller", "split.colors.local", PORT)
    with load.sending():
        load.wait_for_responses()
        change(mesh, replace(MESH, nodes=nodes, routers=(router(green=0, yellow=1),)))
        wait_until(lambda: load.responses["yellow"] > 20, "the new target answers")
    assert load.failures == []


@pytest.mark.parametrize(
    "listener",
    [
        pytest.param(Listener(port=PORT, health_check=CHECK), id="health-check"),
        pytest.param(Listener(port=PORT, outlier_detection=OUTLIER), id="outlier-detection"),
    ],
)
def test_policies_of_a_caller_change_without_failed_requests(mesh: LoopbackMesh, listener: Listener) -> None:
    modified = mesh.task("caller").stat("cluster_manager.cluster_modified")
    load = SequentialRequests(mesh, "caller", "split.colors.local", PORT)
    with load.sending():
        load.wait_for_responses()
        change(mesh, replace(MESH, nodes=(MESH.nodes[0], node("green", listener), node("yellow"))))
        wait_until(
            lambda: mesh.task("caller").stat("cluster_manager.cluster_modified") > modified,
            "the caller has another cluster",
        )
        load.wait_for_responses(100)
    assert load.failures == []


def test_added_gateway_route_is_used(mesh: LoopbackMesh) -> None:
    assert mesh.enter("gateway", ENTRY, "/new").status == 404
    change(mesh, replace(MESH, gateways=(gateway("/old", "/new"),)))
    wait_until(lambda: mesh.enter("gateway", ENTRY, "/new").status == 200, "the new route is there")


def test_first_routes_of_a_gateway_are_used(mesh: LoopbackMesh) -> None:
    change(mesh, replace(MESH, gateways=(gateway(),)))
    wait_until(lambda: mesh.enter("gateway", ENTRY, "/old").status == 404, "the gateway has no route")
    change(mesh, MESH)
    wait_until(lambda: mesh.enter("gateway", ENTRY, "/old").status == 200, "the gateway has its route again")


def test_invalid_file_changes_nothing(mesh: LoopbackMesh) -> None:
    task = mesh.task("caller")
    name = f"rds/rds_egress_http_{PORT}_split.colors.local.json"
    rejected = f"http.egress.rds.rds_egress_http_{PORT}_split.colors.local.update_rejected"
    before = task.stat(rejected)
    task.write(name, {"resources": [{"@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"}, {}]})
    wait_until(lambda: task.stat(rejected) > before, "Envoy refuses the routes")
    assert mesh.call("caller", "split.colors.local", PORT).status == 200
