"""Configuration of an Envoy that receives it from a discovery server."""

from pathlib import Path

from color_mesh.appmesh.source import read_source
from color_mesh.local.plan.compiled_envoys import DISCOVERY_SOCKET, compile_envoy
from color_mesh.model import Mesh


def tutorial() -> Mesh:
    """Read the mesh of the tutorial from its manifests."""
    return read_source([Path(__file__).parent.parent / "manifests"]).meshes[0]


def test_everything_that_may_change_comes_from_the_discovery_server() -> None:
    mesh = tutorial()
    configuration = compile_envoy(mesh, mesh.node("red"))
    assert set(configuration.files) == {
        "cds.json",
        "lds.json",
        "rds/rds_ingress_http_80.json",
        "rds/rds_egress_http_80.json",
        "eds/cds_egress_color-mesh_green_http_80.json",
        "eds/cds_egress_color-mesh_yellow_http_80.json",
    }
    (server,) = configuration.bootstrap["static_resources"]["clusters"]
    assert server["load_assignment"]["endpoints"] == [
        {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": DISCOVERY_SOCKET}}}}]}
    ]
