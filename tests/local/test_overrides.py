"""Changes of a running mesh by `color-mesh set`."""

from pathlib import Path

import pytest

from color_mesh.appmesh.source import read_source
from color_mesh.local.plan.overrides import with_backends, with_weights
from color_mesh.model import Mesh, MeshError


def tutorial() -> Mesh:
    """Read the mesh of the tutorial from its manifests."""
    return read_source([Path(__file__).parent.parent / "manifests"]).meshes[0]


def weights(mesh: Mesh) -> dict[str, tuple[int, int | None]]:
    (route,) = mesh.router("color-router").routes
    return {target.virtual_node: (target.weight, target.port) for target in route.targets}


def test_new_targets_of_a_route_keep_its_port() -> None:
    assert weights(with_weights(tutorial(), "color-route", {"blue": 3, "yellow": 0})) == {
        "blue": (3, 80),
        "yellow": (0, 80),
    }


def test_backends_may_be_named_by_their_first_label() -> None:
    changed = with_backends(tutorial(), "red", ["router", "blue.colors.local"])
    assert [each.virtual_service for each in changed.node("red").backends] == [
        "router.colors.local",
        "blue.colors.local",
    ]
    assert with_backends(tutorial(), "red", []).node("red").backends == ()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(MeshError, match=r"^set route: unknown route, got 'r' \(known: color-route\)$"):
        with_weights(tutorial(), "r", {"blue": 1})
    with pytest.raises(MeshError, match="^set route color-route: has no target, got None"):
        with_weights(tutorial(), "color-route", {})
    with pytest.raises(MeshError, match="^set node: unknown virtual node, got 'rad'"):
        with_backends(tutorial(), "rad", [])
    with pytest.raises(MeshError, match="^set node: unknown virtual service, got 'green'"):
        with_backends(tutorial(), "red", ["green"])
