"""Faults under load: two tasks a service, a few hundred requests a second through the gateway."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cloudformation import Template
from tests.support.local_mesh import LocalMesh, local_mesh
from tests.support.rolling_deployment import SHORT_DNS_DELAY, replace_every_task, shorten_draining
from tests.support.steady_load import LoadReport, steady_load

PER_SECOND = 300
# The clients' connections that are open at once at this load, which end with the Envoy that has them.
OPEN_AT_ONCE = 20
# None was lost in any run so far; on a very busy machine three tries may all meet the task that has just died.
SEVERAL_TRIES = 2


@pytest.fixture(scope="module")
def mesh(
    request: pytest.FixtureRequest, cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMesh]:
    def synthesized(**settings: str) -> Path:
        found = cloud_assembly(desiredCount="2", dataPlane=request.param, **settings)
        sooner = Path(shutil.copytree(found, tmp_path_factory.mktemp("sooner") / "cdk.out"))
        shorten_draining(sooner)
        return sooner

    with local_mesh(synthesized(), tmp_path_factory.mktemp("mesh"), *SHORT_DNS_DELAY) as run:
        run.synthesize_with = synthesized
        yield run


def no_fault(mesh: LocalMesh) -> None:
    """Leave the mesh alone."""


def kill(mesh: LocalMesh, service: str, *containers: str) -> None:
    """End containers of the first task of a service, and wait until the service has done without it."""
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


def kill_the_load_balancer(mesh: LocalMesh) -> None:
    before = mesh.status()["balancers"][0]["pid"]
    mesh.kill(before)
    mesh.wait_until(lambda: mesh.status()["balancers"][0]["pid"] not in (None, before), "it is started again")
    mesh.wait_until(lambda: mesh.get("/") == "blue", "it passes on requests")


def change_the_weights(mesh: LocalMesh) -> None:
    for weights in ("green=1,yellow=4", "blue=1,red=1", "green=0,yellow=1", "green=4,yellow=1"):
        mesh.run("set", "route", "color-route", weights)


def change_the_backends(mesh: LocalMesh) -> None:
    for backends in ("router,blue", "", "router"):
        mesh.run("set", "node", "red", "--backends", backends)


def change_the_templates(mesh: LocalMesh) -> None:
    for weight in (0, 50, 4):
        mesh.change("MeshStack", lambda template, weight=weight: set_weight(template, weight))  # type: ignore[misc]
        time.sleep(1)


def set_weight(template: Template, weight: int) -> None:
    (route,) = (each for each in template["Resources"].values() if each["Type"] == "AWS::AppMesh::Route")
    route["Properties"]["Spec"]["HttpRoute"]["Action"]["WeightedTargets"][0]["Weight"] = weight


def change_the_settings(mesh: LocalMesh, **settings: str) -> None:
    """Synthesize with other settings, which replaces the tasks that are concerned."""
    before = {task["id"] for task in mesh.tasks("red-svc")}
    mesh.synthesize(mesh.synthesize_with(**settings))
    mesh.wait_until(lambda: not {task["id"] for task in mesh.tasks("red-svc")} & before, "red is replaced", 90)
    mesh.wait_until_steady(90)


def change_the_weights_by_settings(mesh: LocalMesh) -> None:
    change_the_settings(mesh, weights="green=0,yellow=1")
    assert mesh.histogram("red", "http://router.colors.local", 20) == {"yellow": 20}


def change_the_backends_by_settings(mesh: LocalMesh) -> None:
    change_the_settings(mesh, weights="blue=4,yellow=1", redBackends="router,blue")
    assert mesh.curl("red", "http://blue.colors.local") == "blue"
    assert set(mesh.histogram("red", "http://router.colors.local", 50)) == {"blue", "yellow"}


def restart_the_resolver(mesh: LocalMesh) -> None:
    mesh.kill(mesh.status()["resolver"])
    mesh.wait_for_output("the resolver ended with -9, restarting it")


FAULTS: dict[Callable[[LocalMesh], None], int] = {
    no_fault: 0,
    kill_an_application: SEVERAL_TRIES,
    kill_a_sidecar: SEVERAL_TRIES,
    kill_a_task: SEVERAL_TRIES,
    # Nobody is left to ask again for what a killed gateway was about to answer.
    kill_a_gateway: OPEN_AT_ONCE,
    # Nothing else stands where it stood, and on AWS it does not die.
    kill_the_load_balancer: PER_SECOND,
    restart_the_resolver: 0,
    replace_every_task: 0,
}
CHANGES = (change_the_weights, change_the_backends, change_the_templates)
CHANGES_OF_SETTINGS = (change_the_weights_by_settings, change_the_backends_by_settings)


def on_data_planes(*planes: str) -> pytest.MarkDecorator:
    """Run a test on a mesh of each of these planes."""
    return pytest.mark.parametrize("mesh", planes, indirect=True)


@on_data_planes("app-mesh", "envoy")
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_loses_no_more_requests_than_it_may(
    mesh: LocalMesh, fault: Callable[[LocalMesh], None], capsys: pytest.CaptureFixture[str]
) -> None:
    load = under_load(mesh, fault, capsys)
    assert load.failed <= FAULTS[fault], load.failures


@on_data_planes("app-mesh")
@pytest.mark.parametrize("change", CHANGES)
def test_change_of_a_mesh_loses_no_request(
    mesh: LocalMesh, change: Callable[[LocalMesh], None], capsys: pytest.CaptureFixture[str]
) -> None:
    load = under_load(mesh, change, capsys)
    assert load.failed == 0, load.failures


@on_data_planes("envoy")
@pytest.mark.parametrize("change", CHANGES_OF_SETTINGS)
def test_change_of_settings_loses_no_request(
    mesh: LocalMesh, change: Callable[[LocalMesh], None], capsys: pytest.CaptureFixture[str]
) -> None:
    load = under_load(mesh, change, capsys)
    assert load.failed == 0, load.failures


def under_load(mesh: LocalMesh, fault: Callable[[LocalMesh], None], capsys: pytest.CaptureFixture[str]) -> LoadReport:
    """Let something happen while requests come, and print what became of them."""
    mesh.wait_until_steady()
    with steady_load((f"{mesh.url}/", f"{mesh.url}/router"), PER_SECOND) as load:
        mesh.wait_until(lambda: load.answered > PER_SECOND // 2, "requests are answered")
        fault(mesh)
        mesh.wait_until_steady(60)
        before = load.answered
        mesh.wait_until(lambda: load.answered > before + PER_SECOND // 2, "requests are answered")
    with capsys.disabled():
        print(f"\n{load.summary(fault.__name__.replace('_', ' '))}")
    return load
