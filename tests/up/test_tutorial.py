"""Steps of the tutorial, on the mesh that ``color-mesh up`` runs from the app's assembly."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from color_mesh.envoy import loopback_address
from tests.support.local_mesh import COMMAND, LocalMesh, local_mesh
from tests.support.rolling_deployment import SHORT_DELAYS, shorten_draining

# Chapter 3 is chapter 4 without its gateway. `test_templates_of_other_chapters_are_taken_over` runs it.
CHAPTERS = {
    "chapter-2": {"chapter": "2"},
    "chapter-4": {},
    "public-ip": {"gateway": "public-ip"},
}
# Parameters are names, because pytest groups tests by equal parameters: each mesh is then started once.
MESHES = {
    f"{plane}-{chapter}": {**settings, "dataPlane": plane}
    for plane in ("app-mesh", "envoy")
    for chapter, settings in CHAPTERS.items()
}
APP_MESH, ENVOY = list(MESHES)[: len(CHAPTERS)], list(MESHES)[len(CHAPTERS) :]


def on_meshes(*meshes: Any) -> pytest.MarkDecorator:
    """Run a test on each of these meshes."""
    return pytest.mark.parametrize("mesh", meshes, indirect=True)


in_every_chapter = on_meshes(*APP_MESH, *ENVOY)
with_router_and_gateway = on_meshes(*APP_MESH[1:], *ENVOY[1:])
# Names resolve to tasks, and all connections of callers are redirected to Envoy.
with_app_mesh = on_meshes(*APP_MESH)
with_router_of_app_mesh = on_meshes(*APP_MESH[1:])
# Names resolve to loopback addresses, at which only the Envoys of callers listen.
with_envoy = on_meshes(*ENVOY)
with_router_of_envoy = on_meshes(*ENVOY[1:])


@pytest.fixture(scope="module")
def mesh(
    request: pytest.FixtureRequest, cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMesh]:
    with local_mesh(cloud_assembly(**MESHES[request.param]), tmp_path_factory.mktemp("mesh")) as run:
        yield run


@pytest.fixture(scope="module", params=["app-mesh", "envoy"])
def changing_mesh(
    request: pytest.FixtureRequest, cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMesh]:
    def synthesized(**settings: str) -> Path:
        assembly = cloud_assembly(dataPlane=request.param, **settings)
        sooner = Path(shutil.copytree(assembly, tmp_path_factory.mktemp("sooner") / "cdk.out"))
        shorten_draining(sooner)
        return sooner

    with local_mesh(synthesized(), tmp_path_factory.mktemp("changing_mesh"), *SHORT_DELAYS) as run:
        run.synthesize_with = synthesized
        yield run


def lookup(mesh: LocalMesh, task: str, name: str) -> list[str]:
    """Return the addresses that a name resolves to in a task."""
    completed = mesh.execute(task, "nslookup", name)
    # The first address is that of the resolver.
    return re.findall(r"Address: ([0-9.]+)$", completed.stdout, re.MULTILINE)


def share_of_green(answers: dict[str, int]) -> float:
    assert set(answers) == {"green", "yellow"}
    return answers["green"] / sum(answers.values())


@in_every_chapter
@pytest.mark.parametrize("color", ["red", "blue"])
def test_application_answers_in_its_own_task(mesh: LocalMesh, color: str) -> None:
    assert mesh.curl(color, "http://localhost") == color


@in_every_chapter
def test_blue_reaches_its_backend_red(mesh: LocalMesh) -> None:
    assert mesh.curl("blue", "http://red.colors.local") == "red"


@in_every_chapter
def test_red_does_not_reach_blue_which_is_no_backend(mesh: LocalMesh) -> None:
    assert mesh.curl("red", "http://blue.colors.local").startswith("failed: ")


@in_every_chapter
def test_addresses_outside_the_mesh_are_unreachable(mesh: LocalMesh) -> None:
    # The security groups of the Envoy plane allow port 443 for the APIs of AWS; nothing on this machine answers there.
    assert mesh.curl("red", "http://198.51.100.1", seconds=1).startswith("failed: ")
    assert mesh.curl("red", "http://10.0.0.2:8080", seconds=1).startswith("failed: ")


@in_every_chapter
def test_names_outside_the_mesh_do_not_resolve(mesh: LocalMesh) -> None:
    assert "NXDOMAIN" in mesh.execute("red", "nslookup", "example.com").stdout


@in_every_chapter
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/server_info", '"state": "LIVE"', id="server_info"),
        pytest.param("/ready", "LIVE", id="ready"),
        pytest.param("/stats", "cluster.cds_ingress_color-mesh_red_http_80.", id="stats"),
        pytest.param("/stats/prometheus", "envoy_cluster_upstream_cx_total", id="prometheus"),
    ],
)
def test_administration_interface_answers(mesh: LocalMesh, path: str, expected: str) -> None:
    assert expected in mesh.curl("red", f"http://localhost:9901{path}")


@in_every_chapter
def test_only_the_gateway_is_public(mesh: LocalMesh) -> None:
    public = [task["public"] for service in mesh.status()["services"] for task in service["tasks"]]
    assert public.count(True) == (1 if "gateway-svc" in [s["name"] for s in mesh.status()["services"]] else 0)


@in_every_chapter
def test_logs_have_the_streams_of_application_and_envoy(mesh: LocalMesh) -> None:
    output = mesh.run("logs", "red")
    task = mesh.tasks("red-svc")[0]["id"]
    assert f"red-app-container/red-app/{task}  listening on port 80" in output
    assert f"red-envoy-sidecar/envoy-sidecar/{task}  " in output


@with_router_and_gateway
def test_router_splits_requests_four_to_one(mesh: LocalMesh) -> None:
    assert 0.74 < share_of_green(mesh.histogram("red", "http://router.colors.local", 1000)) < 0.86


@with_app_mesh
def test_name_of_red_resolves_to_its_task(mesh: LocalMesh) -> None:
    assert lookup(mesh, "blue", "red.colors.local") == [mesh.address("red-svc")]


@with_app_mesh
def test_name_of_blue_resolves_although_red_does_not_reach_it(mesh: LocalMesh) -> None:
    assert lookup(mesh, "red", "blue.colors.local") == [mesh.address("blue-svc")]


@with_app_mesh
def test_red_reaches_blue_while_blue_is_its_backend(mesh: LocalMesh) -> None:
    before = "" if "green-svc" not in str(mesh.status()) else "router"
    mesh.run("set", "node", "red", "--backends", f"{before},blue")
    mesh.wait_until(lambda: mesh.curl("red", "http://blue.colors.local") == "blue", "red reaches blue")
    mesh.run("set", "node", "red", "--backends", before)
    mesh.wait_until(
        lambda: mesh.curl("red", "http://blue.colors.local").startswith("failed"), "red no longer reaches blue"
    )


@with_app_mesh
def test_only_envoy_runs_as_the_ignored_user(mesh: LocalMesh) -> None:
    assert mesh.execute("red", "id", "--user", container="envoy-sidecar").stdout == "1337\n"
    assert mesh.execute("red", "id", "--user").stdout == "0\n"


@with_router_of_app_mesh
def test_name_of_the_router_resolves_to_the_task_of_green(mesh: LocalMesh) -> None:
    assert lookup(mesh, "red", "router.colors.local") == [mesh.address("green-svc")]


@with_router_of_app_mesh
def test_target_with_weight_0_gets_no_requests(mesh: LocalMesh) -> None:
    mesh.run("set", "route", "color-route", "green=0,yellow=1")
    assert mesh.histogram("red", "http://router.colors.local", 100) == {"yellow": 100}
    mesh.run("set", "route", "color-route", "green=4,yellow=1")
    assert set(mesh.histogram("red", "http://router.colors.local", 100)) == {"green", "yellow"}


@with_router_of_app_mesh
def test_set_route_replaces_a_target_without_changing_dns(mesh: LocalMesh) -> None:
    mesh.run("set", "route", "color-route", "blue=4,yellow=1")
    assert set(mesh.histogram("red", "http://router.colors.local", 100)) == {"blue", "yellow"}
    assert lookup(mesh, "red", "router.colors.local") == [mesh.address("green-svc")]
    mesh.run("set", "route", "color-route", "green=4,yellow=1")


@with_envoy
def test_name_of_a_service_resolves_to_its_loopback_address(mesh: LocalMesh) -> None:
    for task in ("red", "blue"):
        assert lookup(mesh, task, "red.colors.local") == [loopback_address("red.colors.local")]


@with_envoy
def test_names_of_tasks_are_in_a_zone_of_their_own(mesh: LocalMesh) -> None:
    assert lookup(mesh, "red", "blue.tasks.colors.local") == [mesh.address("blue-svc")]


@with_envoy
def test_service_that_is_no_backend_is_reached_neither_by_name_nor_by_address(mesh: LocalMesh) -> None:
    # A name has records in the stacks of its callers only, and this one has no caller.
    assert "NXDOMAIN" in mesh.execute("red", "nslookup", "blue.colors.local").stdout
    assert "Could not resolve host" in mesh.curl("red", "http://blue.colors.local")
    # What the name would resolve to if another task of the mesh called it.
    assert "Failed to connect" in mesh.curl("red", f"http://{loopback_address('blue.colors.local')}")
    # The security group of blue does not let red in.
    for port in (80, 15100):
        assert mesh.curl("red", f"http://{mesh.address('blue-svc')}:{port}", seconds=1).startswith("failed: ")


@with_envoy
def test_tasks_accept_connections_only_at_the_port_of_envoy(mesh: LocalMesh) -> None:
    address = mesh.address("red-svc")
    assert mesh.curl("blue", f"http://{address}:15100") == "red"
    assert mesh.curl("blue", f"http://{address}", seconds=1).startswith("failed: ")
    assert mesh.curl("blue", f"http://{address}:9901", seconds=1).startswith("failed: ")


@with_envoy
def test_envoy_runs_as_a_non_root_user(mesh: LocalMesh) -> None:
    assert mesh.execute("red", "id", "--user", container="envoy-sidecar").stdout == "101\n"


@with_router_of_envoy
def test_set_route_changes_the_weights_in_cloud_map(mesh: LocalMesh) -> None:
    def answers() -> set[str]:
        return set(mesh.histogram("red", "http://router.colors.local", 50))

    mesh.run("set", "route", "color-route", "green=0,yellow=1")
    mesh.wait_until(lambda: answers() == {"yellow"}, "only yellow answers")
    mesh.run("set", "route", "color-route", "green=4,yellow=1")
    mesh.wait_until(lambda: answers() == {"green", "yellow"}, "both answer")


@with_envoy
def test_set_node_is_refused_without_an_app_mesh(mesh: LocalMesh) -> None:
    assert_set_is_refused(mesh, "node", "red", "--backends", "blue")


@on_meshes(ENVOY[0])
def test_set_route_is_refused_without_a_router(mesh: LocalMesh) -> None:
    assert_set_is_refused(mesh, "route", "color-route", "green=0,yellow=1")


def assert_set_is_refused(mesh: LocalMesh, part: str, name: str, *more: str) -> None:
    completed = mesh.command("set", part, name, *more)
    assert (completed.returncode, completed.stdout) == (1, "")
    assert completed.stderr == (
        f"set {part}: the templates declare no mesh that can be changed, got {name!r} "
        "(change the settings and synthesize: the run takes over the new templates)\n"
    )


@with_envoy
def test_watch_shows_callers_and_targets(mesh: LocalMesh) -> None:
    with subprocess.Popen([COMMAND, "watch"], cwd=mesh.folder, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        mesh.histogram("blue", "http://red.colors.local", 200)
        line = next(line for line in watch.stdout if line.startswith("blue-svc") and " red " in line)
        watch.terminate()
    assert int(line.split()[-1]) > 100


@with_router_and_gateway
def test_gateway_route_with_the_shorter_prefix_leads_to_blue(mesh: LocalMesh) -> None:
    assert mesh.get("/") == "blue"


@with_router_and_gateway
def test_gateway_route_with_the_longer_prefix_wins_and_rewrites(mesh: LocalMesh) -> None:
    assert mesh.get("/router") in ("green", "yellow")


@with_router_and_gateway
def test_gateway_splits_requests_four_to_one(mesh: LocalMesh) -> None:
    output = mesh.run("hits", f"{mesh.url}/router", "--count", "1000")
    counted = {color: int(count) for count, color in re.findall(r"^ *(\d+) .* 200 (\w+)", output, re.MULTILINE)}
    assert 0.74 < share_of_green(counted) < 0.86


@with_router_and_gateway
def test_unknown_path_is_answered_404_by_the_application(mesh: LocalMesh) -> None:
    assert "404" in mesh.get("/nowhere")


@pytest.mark.parametrize("changing_mesh", ["app-mesh"], indirect=True)
def test_changed_weights_take_effect_without_a_restart(changing_mesh: LocalMesh) -> None:
    before = [container["pid"] for task in changing_mesh.tasks("red-svc") for container in task["containers"]]
    changing_mesh.synthesize(changing_mesh.synthesize_with(weights="green=0,yellow=1"))
    changing_mesh.wait_until(
        lambda: changing_mesh.histogram("red", "http://router.colors.local", 20) == {"yellow": 20}, "only yellow"
    )
    assert before == [container["pid"] for task in changing_mesh.tasks("red-svc") for container in task["containers"]]


def test_added_backend_takes_effect_until_it_is_removed(changing_mesh: LocalMesh) -> None:
    assert changing_mesh.curl("red", "http://blue.colors.local").startswith("failed")
    changing_mesh.synthesize(changing_mesh.synthesize_with(redBackends="router,blue"))
    changing_mesh.wait_until(
        lambda: changing_mesh.curl("red", "http://blue.colors.local") == "blue", "red reaches blue"
    )
    changing_mesh.synthesize(changing_mesh.synthesize_with())
    changing_mesh.wait_until(
        lambda: changing_mesh.curl("red", "http://blue.colors.local").startswith("failed"), "red no longer reaches blue"
    )
    assert changing_mesh.curl("red", "http://router.colors.local") in ("green", "yellow")


def test_target_of_a_route_is_replaced(changing_mesh: LocalMesh) -> None:
    changing_mesh.synthesize(changing_mesh.synthesize_with(weights="blue=4,yellow=1"))
    changing_mesh.wait_until(
        lambda: set(changing_mesh.histogram("red", "http://router.colors.local", 50)) == {"blue", "yellow"}, "blue"
    )


def test_templates_of_other_chapters_are_taken_over(changing_mesh: LocalMesh) -> None:
    changing_mesh.synthesize(changing_mesh.synthesize_with(chapter="3"))
    changing_mesh.wait_until(lambda: len(changing_mesh.status()["services"]) == 4, "the gateway is gone")
    assert changing_mesh.get("/").startswith("failed")
    changing_mesh.synthesize(changing_mesh.synthesize_with(gateway="public-ip"))
    changing_mesh.wait_until(lambda: changing_mesh.get("/") == "blue", "the public gateway answers")
    changing_mesh.synthesize(changing_mesh.synthesize_with())
    changing_mesh.wait_until(
        lambda: len(changing_mesh.tasks("gateway-svc-load-balanced")) == 2, "the load balancer is back"
    )
    changing_mesh.wait_until_steady()
    assert changing_mesh.get("/") == "blue"


def test_invalid_templates_change_nothing(changing_mesh: LocalMesh) -> None:
    file = changing_mesh.assembly / "EcsStack.template.json"
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    changing_mesh.wait_for_output("the new templates cannot run, the mesh goes on as it was")
    assert changing_mesh.get("/") == "blue"
    file.write_text(whole)
