"""A mesh without App Mesh: Envoys with their configuration in the task definition, backends on loopback addresses."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from color_mesh.envoy import loopback_address
from color_mesh.model import WeightedTarget
from tests.running import COMMAND, Running, running
from tests.self_managed import template, tutorial
from tests.steady_load import steady_load

# Unlike the tutorial's image, it leaves the port of the loopback addresses to Envoy.
APP = """
import os, http.server as s
class H(s.BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True
    def do_GET(self):
        body = os.environ["COLOR"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
s.ThreadingHTTPServer(("127.0.0.1", 80), H).serve_forever()
"""


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("mesh")
    (folder / "app.py").write_text(APP)
    (folder / "made").mkdir()
    (folder / "made" / "Mesh.template.json").write_text(json.dumps(template(tutorial(), count=2)))
    with running(folder / "made", folder, "--image", f"example/color=/usr/bin/env python3 {folder / 'app.py'}") as run:
        # Envoys find each other by DNS, which they ask again when a name is there that was not.
        for task, service in (("blue", "red"), ("red", "router")):
            run.until(lambda: "failed" not in run.curl(task, f"http://{service}.colors.local"), "it answers")  # noqa: B023
        run.until(lambda: run.answer("/") == "blue", "the gateway answers")
        yield run


def lookup(mesh: Running, task: str, name: str) -> list[str]:
    done = mesh.execute(task, "nslookup", name)
    return re.findall(r"Address: ([0-9.]+)$", done.stdout, re.MULTILINE)


def test_a_service_has_a_loopback_address_in_every_task(mesh: Running) -> None:
    for task in ("red", "blue"):
        assert lookup(mesh, task, "router.colors.local") == [loopback_address("router.colors.local")]


def test_tasks_are_found_in_the_zone_below(mesh: Running) -> None:
    addresses = sorted(task["address"] for task in mesh.tasks("green-svc"))
    assert sorted(lookup(mesh, "red", "green.tasks.colors.local")) == addresses


def test_a_backend_is_reached_and_another_service_is_not(mesh: Running) -> None:
    assert mesh.curl("blue", "http://red.colors.local") == "red"
    assert "Failed to connect" in mesh.curl("red", "http://blue.colors.local")


def test_the_router_splits_four_to_one(mesh: Running) -> None:
    answers = mesh.histogram("red", "http://router.colors.local", 1000)
    assert set(answers) == {"green", "yellow"}
    assert 0.74 < answers["green"] / 1000 < 0.86


def test_the_gateway_routes_as_the_tutorials(mesh: Running) -> None:
    assert mesh.answer("/") == "blue"
    assert mesh.answer("/router") in ("green", "yellow")


def test_envoy_binds_low_ports_as_an_ordinary_user(mesh: Running) -> None:
    assert mesh.execute("red", "id", "--user", container="envoy").stdout == "101\n"


def test_tasks_take_connections_at_envoys_port_alone(mesh: Running) -> None:
    address = mesh.address("red-svc")
    assert mesh.curl("blue", f"http://{address}:15100") == "red"
    assert mesh.curl("blue", f"http://{address}:9901").startswith("failed: ")


def test_tasks_are_called_by_their_nodes(mesh: Running) -> None:
    assert mesh.execute("red", "printenv", "COLOR").stdout == "red\n"
    assert "color-gateway" in mesh.tasks("gateway-svc")[0]["names"]


def test_watch_shows_who_calls_whom(mesh: Running) -> None:
    process = subprocess.Popen([COMMAND, "watch"], cwd=mesh.folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        mesh.histogram("red", "http://router.colors.local", 200)
        line = next(line for line in process.stdout if line.startswith("red-svc") and " green " in line)
    finally:
        process.terminate()
        process.communicate()
    assert int(line.split()[-1]) > 100


def test_what_a_running_mesh_cannot_change_is_refused(mesh: Running) -> None:
    done = mesh.command("set", "route", "color-route", "green=0,yellow=1")
    assert done.stderr == (
        "set route: the templates declare no mesh that could change, got 'color-route' "
        "(change the settings and synthesize: the run takes it on)\n"
    )


def test_other_weights_replace_the_tasks_that_route_by_them_and_lose_nothing(mesh: Running) -> None:
    before = {name: [task["id"] for task in mesh.tasks(f"{name}-svc")] for name in ("red", "blue", "green", "gateway")}
    tutorials = tutorial()
    router = tutorials.router("color-router")
    targets = (WeightedTarget(virtual_node="yellow", weight=1, port=80),)
    changed = replace(tutorials, routers=(replace(router, routes=(replace(router.routes[0], targets=targets),)),))
    with steady_load((f"{mesh.url}/",), 100) as load:
        (mesh.assembly / "Mesh.template.json").write_text(json.dumps(template(changed, count=2)))
        mesh.until(
            lambda: mesh.status()["steady"] and before["red"] != [task["id"] for task in mesh.tasks("red-svc")],
            "new",
            60,
        )
        mesh.until_steady(60)
    assert mesh.histogram("red", "http://router.colors.local", 50) == {"yellow": 50}
    assert mesh.answer("/router") == "yellow"
    for name in ("blue", "green"):
        assert [task["id"] for task in mesh.tasks(f"{name}-svc")] == before[name]
    assert [task["id"] for task in mesh.tasks("gateway-svc")] != before["gateway"]
    # One gateway with a public address, without a load balancer: the requests that it has when it ends are lost.
    assert load.failed <= 5, load.failures
