"""Faults and changes under load: two tasks a service, requests through the gateway at a steady rate."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cloudformation import Template
from tests.support.local_mesh import LocalMesh, local_mesh
from tests.support.rolling_deployment import SHORT_DELAYS, replace_every_task, shorten_draining
from tests.support.steady_load import LoadReport, under_load

TAKEN_OVER = "the new templates are in effect"
# Connections of clients that are open at the same time under this load. They end with their Envoy.
OPEN_CONNECTIONS = 20
# Usually none is lost; on a busy machine all three attempts of a retried request may reach the killed task.
FAILED_RETRIES = 2


@pytest.fixture(scope="module")
def mesh(
    request: pytest.FixtureRequest, cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMesh]:
    def synthesized(**settings: str) -> Path:
        assembly = cloud_assembly(desiredCount="2", dataPlane=request.param, **settings)
        sooner = Path(shutil.copytree(assembly, tmp_path_factory.mktemp("sooner") / "cdk.out"))
        shorten_draining(sooner)
        return sooner

    with local_mesh(synthesized(), tmp_path_factory.mktemp("mesh"), *SHORT_DELAYS) as run:
        run.synthesize_with = synthesized
        yield run


def no_fault(mesh: LocalMesh) -> None:
    """Change nothing."""


def kill(mesh: LocalMesh, service: str, *containers: str) -> None:
    """Kill containers of the first task of a service, and wait until the task has stopped."""
    task = mesh.tasks(service)[0]["id"]
    for pid in [mesh.pid(service, container) for container in containers]:
        mesh.kill(pid)
    mesh.wait_until(lambda: task not in [each["id"] for each in mesh.tasks(service)], "the task is gone")


def kill_an_application(mesh: LocalMesh) -> None:
    kill(mesh, "green-svc", "green-app")


def kill_a_sidecar(mesh: LocalMesh) -> None:
    kill(mesh, "blue-svc", "envoy-sidecar")


def kill_a_gateway(mesh: LocalMesh) -> None:
    kill(mesh, "gateway-svc-load-balanced", "envoy-proxy")


def kill_a_task(mesh: LocalMesh) -> None:
    kill(mesh, "green-svc", "envoy-sidecar", "green-app")


def terminate_every_container_of_a_task(mesh: LocalMesh) -> None:
    """Send SIGTERM to all containers of a task at once, as if ECS did not stop them in the order of their start."""
    for service in ("green-svc", "blue-svc"):
        task = mesh.tasks(service)[0]
        for pid in [mesh.machine_pid(int(container["pid"])) for container in task["containers"]]:
            os.kill(pid, signal.SIGTERM)
        mesh.wait_until(lambda task=task: task["id"] not in str(mesh.status()), "the task is gone")  # type: ignore[misc]


def change_the_weights(mesh: LocalMesh) -> None:
    for weights in ("green=1,yellow=4", "blue=1,red=1", "green=0,yellow=1", "green=4,yellow=1"):
        mesh.run("set", "route", "color-route", weights)


def change_the_backends(mesh: LocalMesh) -> None:
    for backends in ("router,blue", "", "router"):
        mesh.run("set", "node", "red", "--backends", backends)


def change_the_templates(mesh: LocalMesh) -> None:
    for weight in (0, 50, 4):
        before = mesh.output().count(TAKEN_OVER)
        mesh.change("MeshStack", lambda template, weight=weight: set_weight(template, weight))  # type: ignore[misc]
        mesh.wait_until(lambda before=before: mesh.output().count(TAKEN_OVER) > before, "the weight is in effect")  # type: ignore[misc]


def set_weight(template: Template, weight: int) -> None:
    (route,) = (each for each in template["Resources"].values() if each["Type"] == "AWS::AppMesh::Route")
    route["Properties"]["Spec"]["HttpRoute"]["Action"]["WeightedTargets"][0]["Weight"] = weight


def change_the_settings(mesh: LocalMesh, **settings: str) -> None:
    """Synthesize with other settings, and wait until the tasks that they change are replaced."""
    before = {task["id"] for task in mesh.tasks("red-svc")}
    mesh.synthesize(mesh.synthesize_with(**settings))
    mesh.wait_until(lambda: not {task["id"] for task in mesh.tasks("red-svc")} & before, "red is replaced", 90)
    mesh.wait_until_steady(90)


def change_the_weights_by_settings(mesh: LocalMesh) -> None:
    """Synthesize with other weights, which replace no task."""

    def task_ids() -> list[str]:
        return [task["id"] for service in mesh.status()["services"] for task in service["tasks"]]

    before = task_ids()
    mesh.synthesize(mesh.synthesize_with(weights="green=0,yellow=1"))
    router = "http://router.colors.local"
    mesh.wait_until(lambda: mesh.histogram("red", router, 20) == {"yellow": 20}, "the weights are in effect")
    assert task_ids() == before


def change_the_backends_by_settings(mesh: LocalMesh) -> None:
    change_the_settings(mesh, weights="blue=4,yellow=1", redBackends="router,blue")
    assert mesh.curl("red", "http://blue.colors.local") == "blue"
    assert set(mesh.histogram("red", "http://router.colors.local", 50)) == {"blue", "yellow"}


def restart_the_resolver(mesh: LocalMesh) -> None:
    mesh.kill(mesh.status()["resolver"])
    mesh.wait_for_output("the resolver ended with -9, restarting it")


FAULTS: dict[Callable[[LocalMesh], None], int] = {
    no_fault: 0,
    kill_an_application: FAILED_RETRIES,
    kill_a_sidecar: FAILED_RETRIES,
    kill_a_task: FAILED_RETRIES,
    # Nothing retries the requests that a killed gateway has not answered.
    kill_a_gateway: OPEN_CONNECTIONS,
    restart_the_resolver: 0,
}
CHANGES = (change_the_weights, change_the_backends, change_the_templates)
CHANGES_OF_SETTINGS = (change_the_weights_by_settings, change_the_backends_by_settings)


def on_data_planes(*planes: str) -> pytest.MarkDecorator:
    """Run a test on a mesh of each of these data planes."""
    return pytest.mark.parametrize("mesh", planes, indirect=True)


@on_data_planes("app-mesh", "envoy")
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_loses_no_more_requests_than_it_may(
    mesh: LocalMesh, fault: Callable[[LocalMesh], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with under_load_until_steady(mesh, fault.__name__, capsys) as load:
        fault(mesh)
    assert load.failed <= FAULTS[fault], load.failures


@on_data_planes("app-mesh", "envoy")
def test_killed_load_balancer_loses_requests_until_it_answers_again(
    mesh: LocalMesh, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Envoy that stands in for the load balancer starts again. On AWS there is no such process."""
    with under_load_until_steady(mesh, "kill the load balancer", capsys) as load:
        before = mesh.status()["balancers"][0]["pid"]
        mesh.kill(before)
        mesh.wait_until(
            lambda: mesh.status()["balancers"][0]["pid"] not in (None, before), "the load balancer is restarted"
        )
        mesh.wait_until(lambda: mesh.get("/") == "blue", "the load balancer forwards requests")
        failed_before_the_answer = load.failed
    assert load.failed <= failed_before_the_answer + OPEN_CONNECTIONS, load.failures


@on_data_planes("app-mesh")
@pytest.mark.parametrize("change", CHANGES)
def test_change_of_a_mesh_loses_no_request(
    mesh: LocalMesh, change: Callable[[LocalMesh], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with under_load_until_steady(mesh, change.__name__, capsys) as load:
        change(mesh)
    assert load.failed == 0, load.failures


@on_data_planes("envoy")
def test_task_whose_containers_end_at_once_loses_no_request(
    mesh: LocalMesh, capsys: pytest.CaptureFixture[str]
) -> None:
    with under_load_until_steady(mesh, "terminate every container of a task", capsys) as load:
        terminate_every_container_of_a_task(mesh)
    assert load.failed == 0, load.failures


@on_data_planes("envoy")
@pytest.mark.parametrize("change", CHANGES_OF_SETTINGS)
def test_change_of_settings_loses_no_request(
    mesh: LocalMesh, change: Callable[[LocalMesh], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with under_load_until_steady(mesh, change.__name__, capsys) as load:
        change(mesh)
    assert load.failed == 0, load.failures


@on_data_planes("app-mesh", "envoy")
def test_rolling_deployments_lose_no_request(mesh: LocalMesh, capsys: pytest.CaptureFixture[str]) -> None:
    with under_load_until_steady(mesh, "replace every task", capsys) as load:
        replace_every_task(mesh)
    assert load.failed == 0, load.failures


@contextmanager
def under_load_until_steady(mesh: LocalMesh, title: str, capsys: pytest.CaptureFixture[str]) -> Iterator[LoadReport]:
    """Send requests during a fault or a change, and until the mesh is steady again."""
    mesh.wait_until_steady()
    with under_load(mesh, title.replace("_", " "), capsys) as load:
        yield load
        mesh.wait_until_steady(60)
