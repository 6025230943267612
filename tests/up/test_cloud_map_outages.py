"""Outages of Cloud Map and changes of weights under load, with the Envoys of the data plane ``envoy``."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cloudformation import Template, ecs_service
from tests.support.local_mesh import LocalMesh, local_mesh, template_of
from tests.support.steady_load import under_load

TASKS = 16
ROUTER = "http://router.colors.local"


def run_sixteen_tasks(template: Template) -> None:
    ecs_service(template, "green-svc")["DesiredCount"] = TASKS


@pytest.fixture(scope="module")
def mesh(cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMesh]:
    assembly = cloud_assembly(dataPlane="envoy")
    with local_mesh(
        assembly, tmp_path_factory.mktemp("mesh"), change=template_of("EcsStack", run_sixteen_tasks)
    ) as run:
        run.wait_until(lambda: endpoints(run) == TASKS, "every task of green is an endpoint")
        yield run


def endpoints(mesh: LocalMesh) -> int:
    """Return the number of tasks of ``green`` that the Envoy of ``red`` knows."""
    name = "cluster.cds_egress_color-mesh_green_http_80.membership_total"
    output = mesh.curl("red", f"http://localhost:9901/stats?filter=^{name}$")
    return int(output.rpartition(": ")[2]) if output.startswith(name) else 0


def answering(mesh: LocalMesh) -> set[str]:
    """Return the nodes that answer the requests of ``red`` to the router."""
    return set(mesh.histogram("red", ROUTER, 40))


def failed_calls(mesh: LocalMesh) -> int:
    """Return the number of calls of Cloud Map that the Envoy of ``red`` has seen fail."""
    names = (
        "^cluster.aws_servicediscovery.upstream_rq_(timeout|4xx|5xx|pending_failure_eject)$|upstream_cx_connect_fail$"
    )
    lines = mesh.curl("red", f"http://localhost:9901/stats?filter={names}").splitlines()
    return sum(int(line.rpartition(": ")[2]) for line in lines if line.startswith("cluster.aws_servicediscovery."))


@pytest.mark.parametrize(
    ("kind", "effect", "logged"),
    [
        ("slow", "every call takes 30 s", None),
        ("throttle", "every call is throttled", "400 RequestLimitExceeded"),
        ("deny", "every call is denied", "400 AccessDeniedException"),
        ("down", "its addresses refuse connections", None),
    ],
)
def test_outage_loses_no_request_and_no_endpoint(
    mesh: LocalMesh,
    kind: str,
    effect: str,
    logged: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with under_load(mesh, f"cloud-map {kind}", capsys) as load:
        before = failed_calls(mesh)
        assert mesh.run("fail", "cloud-map", kind) == f"cloud-map: {effect}, until color-mesh heal cloud-map.\n"
        assert f"cloud-map: {effect}" in mesh.run("status")
        mesh.wait_until(lambda: failed_calls(mesh) >= before + 2, "calls fail")
        assert endpoints(mesh) == TASKS
        if kind != "slow":
            refused = mesh.command("set", "route", "color-route", "green=0,yellow=1")
            assert "(color-mesh heal cloud-map)" in refused.stderr
        assert mesh.run("heal", "cloud-map") == "cloud-map works again.\n"
    assert load.failed == 0, load.failures
    log = (mesh.folder / ".color-mesh/logs/cloud-map").read_text().splitlines()
    assert logged is None or any(line.split(" ", 3)[3].startswith(logged) for line in log)
    # Other weights than those before, whichever test set these.
    both = {"green", "yellow"}
    weights, nodes = ("green=1,yellow=0", {"green"}) if answering(mesh) == both else ("green=4,yellow=1", both)
    mesh.run("set", "route", "color-route", weights)
    mesh.wait_until(lambda: answering(mesh) == nodes, "Envoys ask again")


def test_new_weights_lose_no_request(mesh: LocalMesh, capsys: pytest.CaptureFixture[str]) -> None:
    with under_load(mesh, "weights", capsys) as load:
        for weights, node in (("green=0,yellow=1", "yellow"), ("green=1,yellow=0", "green")):
            mesh.run("set", "route", "color-route", weights)
            mesh.wait_until(lambda node=node: mesh.histogram("red", ROUTER, 20) == {node: 20}, "in effect")  # type: ignore[misc]
    assert load.failed == 0, load.failures
