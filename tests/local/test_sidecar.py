"""The bootstrap of an Envoy that receives its configuration from a discovery server."""

import asyncio
import os
from pathlib import Path

from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.local.plan.compiled_envoys import CompiledEnvoy, compile_envoy
from color_mesh.local.run.envoys.sidecar import Sidecar
from color_mesh.model import AcmCertificate, Listener, Mesh
from tests.support.builders import listener_tls, node


def test_clusters_of_aws_apis_have_the_region_of_the_task(tmp_path: Path) -> None:
    arn = "arn:aws:acm:eu-west-1:111122223333:certificate/1"
    red = node(listeners=(Listener(port=80, tls=listener_tls(certificate=AcmCertificate(arn=arn))),))
    mesh = Mesh(name="colors", nodes=(red,))
    folder = tmp_path / "task"

    async def start() -> None:
        resource = MeshResource(mesh="colors", kind="virtualNode", name="red")
        sidecar = Sidecar(resource, "task", folder, lambda _: None, lambda _: None)
        compiled = CompiledEnvoy(mesh=mesh, configuration=compile_envoy(mesh, red))
        await sidecar.configure(compiled, lambda _: ())
        await sidecar.start((os.getuid(), os.getgid()), "info", "eu-west-1")
        await sidecar.stop()

    asyncio.run(start())
    bootstrap = (folder / "bootstrap.json").read_text()
    assert "acm.eu-west-1.amazonaws.com" in bootstrap
    assert "@AWS_" not in bootstrap
