"""The tutorial's own tests, on the mesh that ``color-mesh up`` runs from the app's assembly."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from color_mesh.envoy import loopback_address
from tests.support.local_mesh import COMMAND, LocalMesh, local_mesh
from tests.support.rolling_deployment import SHORT_DNS_DELAY, shorten_draining

CHAPTERS = {
    "chapter-2": {"chapter": "2"},
    "chapter-3": {"chapter": "3"},
    "chapter-4": {},
    "public-ip": {"gateway": "public-ip"},
}
# By names, which pytest can tell apart: so it runs the tests of a mesh one after the other, and each mesh once.
MESHES = {
    f"{plane}-{chapter}": {**settings, "dataPlane": plane}
    for plane in ("app-mesh", "envoy")
    for chapter, settings in CHAPTERS.items()
}
APP_MESH, ENVOY = list(MESHES)[: len(CHAPTERS)], list(MESHES)[len(CHAPTERS) :]


def of(*meshes: Any) -> pytest.MarkDecorator:
    """Run a test on each of these meshes."""
    return pytest.mark.parametrize("mesh", meshes, indirect=True)


in_every_chapter = of(*APP_MESH, *ENVOY)
with_a_router = of(*APP_MESH[1:], *ENVOY[1:])
with_a_gateway = of(*APP_MESH[2:], *ENVOY[2:])
# Names are answered with tasks, and what callers send is redirected, whatever the answer.
with_app_mesh = of(*APP_MESH)
with_a_router_of_app_mesh = of(*APP_MESH[1:])
# Names are answered with loopback addresses, at which the Envoys of callers listen, and nobody else.
with_envoy = of(*ENVOY)


@pytest.fixture(scope="module")
def mesh(
    request: pytest.FixtureRequest, cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMesh]:
    with local_mesh(cloud_assembly(**MESHES[request.param]), tmp_path_factory.mktemp("mesh")) as run:
        yield run


@pytest.fixture(scope="module", params=["app-mesh", "envoy"])
def changing(
    request: pytest.FixtureRequest, cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMesh]:
    def synthesized(**settings: str) -> Path:
        found = cloud_assembly(dataPlane=request.param, **settings)
        sooner = Path(shutil.copytree(found, tmp_path_factory.mktemp("sooner") / "cdk.out"))
        shorten_draining(sooner)
        return sooner

    with local_mesh(synthesized(), tmp_path_factory.mktemp("changing"), *SHORT_DNS_DELAY) as run:
        run.synthesize_with = synthesized
        yield run


def lookup(mesh: LocalMesh, task: str, name: str) -> list[str]:
    """The addresses that a name has in a task."""
    done = mesh.execute(task, "nslookup", name)
    # The first address is the resolver's own.
    return re.findall(r"Address: ([0-9.]+)$", done.stdout, re.MULTILINE)


def share_of_green(answers: dict[str, int]) -> float:
    assert set(answers) == {"green", "yellow"}
    return answers["green"] / sum(answers.values())


@in_every_chapter
@pytest.mark.parametrize("color", ["red", "blue"])
def test_an_application_answers_in_its_own_task(mesh: LocalMesh, color: str) -> None:
    assert mesh.curl(color, "http://localhost") == color


@in_every_chapter
def test_blue_reaches_red_its_backend(mesh: LocalMesh) -> None:
    assert mesh.curl("blue", "http://red.colors.local") == "red"


@in_every_chapter
def test_red_does_not_reach_blue_no_backend_of_it(mesh: LocalMesh) -> None:
    assert mesh.curl("red", "http://blue.colors.local").startswith("failed: ")


@in_every_chapter
def test_nothing_outside_the_mesh_is_reached_through_envoy(mesh: LocalMesh) -> None:
    # But for port 443 on the plane of Envoys, which its security groups let out for the APIs of AWS: nothing redirects
    # there, and nothing is on this machine that would answer.
    assert mesh.curl("red", "http://198.51.100.1", seconds=1).startswith("failed: ")
    assert mesh.curl("red", "http://10.0.0.2:8080", seconds=1).startswith("failed: ")


@in_every_chapter
def test_names_outside_are_not_found(mesh: LocalMesh) -> None:
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
def test_envoys_administration_answers(mesh: LocalMesh, path: str, expected: str) -> None:
    assert expected in mesh.curl("red", f"http://localhost:9901{path}")


@in_every_chapter
def test_only_the_gateway_is_reached_from_outside(mesh: LocalMesh) -> None:
    public = [task["public"] for service in mesh.status()["services"] for task in service["tasks"]]
    assert public.count(True) == (1 if "gateway-svc" in [s["name"] for s in mesh.status()["services"]] else 0)


@in_every_chapter
def test_logs_have_the_streams_of_the_application_and_of_envoy(mesh: LocalMesh) -> None:
    said = mesh.run("logs", "red")
    task = mesh.tasks("red-svc")[0]["id"]
    assert f"red-app-container/red-app/{task}  listening on port 80" in said
    assert f"red-envoy-sidecar/envoy-sidecar/{task}  " in said


@with_a_router
def test_the_router_splits_four_to_one(mesh: LocalMesh) -> None:
    assert 0.74 < share_of_green(mesh.histogram("red", "http://router.colors.local", 1000)) < 0.86


@with_app_mesh
def test_blue_finds_red(mesh: LocalMesh) -> None:
    assert lookup(mesh, "blue", "red.colors.local") == [mesh.address("red-svc")]


@with_app_mesh
def test_red_finds_blue_although_it_does_not_reach_it(mesh: LocalMesh) -> None:
    assert lookup(mesh, "red", "blue.colors.local") == [mesh.address("blue-svc")]


@with_app_mesh
def test_red_reaches_blue_while_blue_is_its_backend(mesh: LocalMesh) -> None:
    before = "" if "green-svc" not in str(mesh.status()) else "router"
    mesh.run("set", "node", "red", "--backends", f"{before},blue")
    mesh.wait_until(lambda: mesh.curl("red", "http://blue.colors.local") == "blue", "red reaches blue")
    mesh.run("set", "node", "red", "--backends", before)
    mesh.wait_until(lambda: mesh.curl("red", "http://blue.colors.local").startswith("failed"), "it does not")


@with_app_mesh
def test_envoy_runs_as_the_ignored_user_and_the_application_does_not(mesh: LocalMesh) -> None:
    assert mesh.execute("red", "id", "--user", container="envoy-sidecar").stdout == "1337\n"
    assert mesh.execute("red", "id", "--user").stdout == "0\n"


@with_a_router_of_app_mesh
def test_the_routers_name_is_answered_with_the_task_of_green(mesh: LocalMesh) -> None:
    assert lookup(mesh, "red", "router.colors.local") == [mesh.address("green-svc")]


@with_a_router_of_app_mesh
def test_without_weight_green_gets_nothing(mesh: LocalMesh) -> None:
    mesh.run("set", "route", "color-route", "green=0,yellow=1")
    assert mesh.histogram("red", "http://router.colors.local", 100) == {"yellow": 100}
    mesh.run("set", "route", "color-route", "green=4,yellow=1")
    assert set(mesh.histogram("red", "http://router.colors.local", 100)) == {"green", "yellow"}


@with_a_router_of_app_mesh
def test_blue_may_take_the_place_of_green_which_dns_still_names(mesh: LocalMesh) -> None:
    mesh.run("set", "route", "color-route", "blue=4,yellow=1")
    assert set(mesh.histogram("red", "http://router.colors.local", 100)) == {"blue", "yellow"}
    assert lookup(mesh, "red", "router.colors.local") == [mesh.address("green-svc")]
    mesh.run("set", "route", "color-route", "green=4,yellow=1")


@with_envoy
def test_a_service_has_a_loopback_address_in_every_task(mesh: LocalMesh) -> None:
    for task in ("red", "blue"):
        assert lookup(mesh, task, "red.colors.local") == [loopback_address("red.colors.local")]


@with_envoy
def test_tasks_are_found_in_the_zone_below(mesh: LocalMesh) -> None:
    assert lookup(mesh, "red", "blue.tasks.colors.local") == [mesh.address("blue-svc")]


@with_envoy
def test_what_is_no_backend_is_refused_at_its_address(mesh: LocalMesh) -> None:
    assert "Failed to connect" in mesh.curl("red", "http://blue.colors.local")


@with_envoy
def test_tasks_take_connections_at_envoys_port_alone(mesh: LocalMesh) -> None:
    address = mesh.address("red-svc")
    assert mesh.curl("blue", f"http://{address}:15100") == "red"
    assert mesh.curl("blue", f"http://{address}", seconds=1).startswith("failed: ")
    assert mesh.curl("blue", f"http://{address}:9901", seconds=1).startswith("failed: ")


@with_envoy
def test_envoy_is_nobody_special(mesh: LocalMesh) -> None:
    assert mesh.execute("red", "id", "--user", container="envoy-sidecar").stdout == "101\n"


@with_envoy
def test_what_a_running_mesh_cannot_change_is_refused(mesh: LocalMesh) -> None:
    done = mesh.command("set", "route", "color-route", "green=0,yellow=1")
    assert done.stderr == (
        "set route: the templates declare no mesh that could change, got 'color-route' "
        "(change the settings and synthesize: the run takes it on)\n"
    )


@with_envoy
def test_watch_shows_who_calls_whom(mesh: LocalMesh) -> None:
    with subprocess.Popen([COMMAND, "watch"], cwd=mesh.folder, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        mesh.histogram("blue", "http://red.colors.local", 200)
        line = next(line for line in watch.stdout if line.startswith("blue-svc") and " red " in line)
        watch.terminate()
    assert int(line.split()[-1]) > 100


@with_a_gateway
def test_the_shorter_prefix_leads_to_blue(mesh: LocalMesh) -> None:
    assert mesh.get("/") == "blue"


@with_a_gateway
def test_the_longer_prefix_wins_and_is_rewritten(mesh: LocalMesh) -> None:
    assert mesh.get("/router") in ("green", "yellow")


@with_a_gateway
def test_the_gateway_splits_four_to_one(mesh: LocalMesh) -> None:
    said = mesh.run("hits", f"{mesh.url}/router", "--count", "1000")
    counted = {color: int(count) for count, color in re.findall(r"^ *(\d+) .* 200 (\w+)", said, re.MULTILINE)}
    assert 0.74 < share_of_green(counted) < 0.86


@with_a_gateway
def test_a_path_that_the_application_lacks_is_its_own_answer(mesh: LocalMesh) -> None:
    assert "404" in mesh.get("/nowhere")


@pytest.mark.parametrize("changing", ["app-mesh"], indirect=True)
def test_other_weights_are_in_effect_without_a_restart(changing: LocalMesh) -> None:
    before = [container["pid"] for task in changing.tasks("red-svc") for container in task["containers"]]
    changing.synthesize(changing.synthesize_with(weights="green=0,yellow=1"))
    changing.wait_until(
        lambda: changing.histogram("red", "http://router.colors.local", 20) == {"yellow": 20}, "only yellow"
    )
    assert before == [container["pid"] for task in changing.tasks("red-svc") for container in task["containers"]]


def test_another_backend_is_in_effect_and_out_of_it_again(changing: LocalMesh) -> None:
    assert changing.curl("red", "http://blue.colors.local").startswith("failed")
    changing.synthesize(changing.synthesize_with(redBackends="router,blue"))
    changing.wait_until(lambda: changing.curl("red", "http://blue.colors.local") == "blue", "red reaches blue")
    changing.synthesize(changing.synthesize_with())
    changing.wait_until(lambda: changing.curl("red", "http://blue.colors.local").startswith("failed"), "it does not")
    assert changing.curl("red", "http://router.colors.local") in ("green", "yellow")


def test_blue_takes_the_place_of_green(changing: LocalMesh) -> None:
    changing.synthesize(changing.synthesize_with(weights="blue=4,yellow=1"))
    changing.wait_until(
        lambda: set(changing.histogram("red", "http://router.colors.local", 50)) == {"blue", "yellow"}, "blue"
    )


def test_a_chapter_may_follow_another_and_be_left_again(changing: LocalMesh) -> None:
    changing.synthesize(changing.synthesize_with(chapter="3"))
    changing.wait_until(lambda: len(changing.status()["services"]) == 4, "the gateway is gone")
    assert changing.get("/").startswith("failed")
    changing.synthesize(changing.synthesize_with(gateway="public-ip"))
    changing.wait_until(lambda: changing.get("/") == "blue", "the public gateway answers")
    changing.synthesize(changing.synthesize_with())
    changing.wait_until(lambda: len(changing.tasks("gateway-svc-load-balanced")) == 2, "the load balancer is back")
    changing.wait_until_steady()
    assert changing.get("/") == "blue"


def test_templates_that_cannot_run_change_nothing(changing: LocalMesh) -> None:
    file = changing.assembly / "EcsStack.template.json"
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    changing.wait_for_output("the new templates cannot run, the mesh goes on as it was")
    assert changing.get("/") == "blue"
    file.write_text(whole)
