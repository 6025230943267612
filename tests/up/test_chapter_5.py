"""TLS of chapter 5 on this machine: certificates of ACM and a private authority, which real Envoys get from the run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.local_mesh import LocalMesh, local_mesh

on_both_planes = pytest.mark.parametrize("mesh", ["app-mesh", "envoy"], indirect=True)
# Ports at which other tasks reach the Envoy of a node.
PORTS = {"app-mesh": 80, "envoy": 15100}
NAMES = {"app-mesh": "red.colors.local", "envoy": "red.tasks.colors.local"}


@pytest.fixture(scope="module")
def mesh(
    request: pytest.FixtureRequest, cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalMesh]:
    assembly = cloud_assembly(chapter="5", dataPlane=request.param)
    with local_mesh(assembly, tmp_path_factory.mktemp("mesh")) as run:
        yield run


def curl(mesh: LocalMesh, *arguments: str) -> str:
    """Run curl beside the Envoy of blue, whose user is not redirected; return what it prints."""
    completed = mesh.execute("blue-svc", "curl", "-sSv", *arguments, container="envoy-sidecar")
    return completed.stdout + completed.stderr


@on_both_planes
def test_requests_through_the_mesh_are_answered(mesh: LocalMesh, request: pytest.FixtureRequest) -> None:
    assert mesh.get("/") == "blue"
    assert mesh.get("/router") in ("green", "yellow")
    assert mesh.curl("blue-app", "red.colors.local") == "red"
    # App Mesh did not know callers by their names.
    stats = mesh.curl("red-app", "http://localhost:9901/stats?filter=^http.ingress.rbac")
    by_name = "http.ingress.rbac.denied: 0" in stats and "http.ingress.rbac.allowed: 0" not in stats
    assert by_name == (request.node.callspec.params["mesh"] == "envoy")


@on_both_planes
def test_node_answers_with_tls_and_its_own_certificate_only(mesh: LocalMesh, request: pytest.FixtureRequest) -> None:
    plane = request.node.callspec.params["mesh"]
    place = f"{mesh.address('red-svc')}:{PORTS[plane]}"
    assert "Empty reply from server" in curl(mesh, f"http://{place}")
    with_tls = curl(mesh, "--insecure", f"https://{place}")
    assert f"subject: CN={NAMES[plane]}" in with_tls
    # With the data plane envoy, a client needs a certificate too.
    assert with_tls.startswith("red") == (plane == "app-mesh")
