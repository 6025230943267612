"""The bootstrap of an Envoy that receives its configuration from a discovery server."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.local.plan.compiled_envoys import CompiledEnvoy, compile_envoy
from color_mesh.local.run.envoys.sidecar import Sidecar
from color_mesh.model import AcmCertificate, Listener, Mesh
from color_mesh.model.certificates import Certificate
from tests.support.builders import listener_tls, node

RESOURCE = MeshResource(mesh="colors", kind="virtualNode", name="red")


def bootstrap(folder: Path, certificate: Certificate | None, configured: bool = True) -> str:
    """Return the bootstrap of an Envoy whose node has a certificate."""
    tls = None if certificate is None else listener_tls(certificate=certificate)
    red = node(listeners=(Listener(port=80, tls=tls),))
    mesh = Mesh(name="colors", nodes=(red,))

    async def start() -> None:
        sidecar = Sidecar(RESOURCE, "task", folder, lambda _: None, lambda _: None)
        if configured:
            await sidecar.configure(CompiledEnvoy(mesh=mesh, configuration=compile_envoy(mesh, red)), lambda _: ())
        await sidecar.start((os.getuid(), os.getgid()), "info", "eu-west-1")
        await sidecar.stop()

    asyncio.run(start())
    return (folder / "bootstrap.json").read_text()


def test_clusters_of_aws_apis_have_the_region_of_the_task(tmp_path: Path) -> None:
    text = bootstrap(tmp_path / "task", AcmCertificate(arn="arn:aws:acm:eu-west-1:111122223333:certificate/1"))
    assert "acm.eu-west-1.amazonaws.com" in text
    assert "@AWS_" not in text


@pytest.mark.parametrize("configured", [True, False])
def test_mesh_may_get_certificates_of_aws_while_envoy_runs(tmp_path: Path, configured: bool) -> None:
    clusters = json.loads(bootstrap(tmp_path / "task", None, configured))["static_resources"]["clusters"]
    names = [each["name"] for each in clusters]
    assert {"aws_acm", "aws_acm_pca", "aws_secretsmanager"} < set(names)
    assert len(names) == len(set(names))
