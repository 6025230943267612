"""Telemetry of chapter 6 on this machine: real Envoys send signed spans and metrics to the run, in place of AWS."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.local_mesh import LocalMesh, local_mesh

on_both_planes = pytest.mark.parametrize("mesh", ["app-mesh", "envoy"], indirect=True)
# App Mesh's Envoys send no metrics.
with_envoy = pytest.mark.parametrize("mesh", ["envoy"], indirect=True)


@pytest.fixture(scope="module")
def mesh(
    request: pytest.FixtureRequest, cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMesh]:
    assembly = cloud_assembly(chapter="6", dataPlane=request.param)
    with local_mesh(assembly, tmp_path_factory.mktemp("mesh")) as run:
        yield run


def traces(mesh: LocalMesh) -> list[list[str]]:
    """Return the traces, each as lines without times."""
    text = re.sub(r"  at [0-9.]+ ms  for [0-9.]+ ms", "", mesh.run("traces", "--count", "50"))
    return [trace.splitlines()[1:] for trace in text.split("\n\n")]


@on_both_planes
def test_request_is_one_trace_from_the_gateway_to_a_color(mesh: LocalMesh) -> None:
    color = mesh.get("/router").strip()
    expected = [
        "  color-gateway  server  GET /router  200",
        "    color-gateway  client  GET /  200",
        f"      {color}  server  GET /  200",
    ]
    mesh.wait_until(lambda: expected in traces(mesh), "the trace of a request")


@on_both_planes
def test_call_of_an_application_is_a_trace_of_two_envoys(mesh: LocalMesh) -> None:
    color = mesh.curl("red-app", "router.colors.local").strip()
    expected = ["  red  client  GET /  200", f"    {color}  server  GET /  200"]
    mesh.wait_until(lambda: expected in traces(mesh), "the trace of a call")


@with_envoy
def test_watch_has_rates_and_latencies_from_the_metrics(mesh: LocalMesh) -> None:
    mesh.get("/")

    def rates() -> list[tuple[str, str]]:
        return [(rate["service"], rate["peer"]) for rate in mesh.request({"command": "traffic"})["rates"]]

    expected = {("color-gateway", ""), ("color-gateway", "blue"), ("blue", "")}
    mesh.wait_until(lambda: expected <= set(rates()), "metrics of the gateway and of blue")


def test_denied_telemetry_is_reported_and_costs_no_request(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    def deny(assembly: Path) -> None:
        template = assembly / "EcsStack.template.json"
        template.write_text(template.read_text().replace('"xray:PutTraceSegments"', '"xray:GetTraceSummaries"'))

    with local_mesh(cloud_assembly(chapter="6", dataPlane="envoy"), tmp_path, change=deny) as run:
        assert [run.get("/") for _ in range(20)] == ["blue"] * 20
        denial = "xray:PutTraceSegments on *: no policy allows it, got role"
        run.wait_until(lambda: denial in run.output(), "the denial in the output")
        assert run.run("traces").startswith("no trace yet")
