"""Configurations of generated meshes: valid for Envoy, and reproducible byte by byte."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.envoy import CloudMapEndpoints, FileEndpoints, Loopback, Transparent, configure
from color_mesh.model import Mesh
from tests.support.envoy import parts, validate
from tests.support.mesh_strategies import meshes
from tests.support.needs import examples

PLACEMENTS = [(interception, by_files) for interception in (Transparent(), Loopback()) for by_files in (True, False)]


@pytest.mark.envoy
@examples(30)
@given(mesh=meshes(compilable=True), choice=st.integers(0, 1000))
def test_envoy_accepts_every_configuration(tls: Path, mesh: Mesh, choice: int) -> None:
    candidates = parts(mesh)
    for part in candidates[choice % len(candidates) :][:1] if candidates else ():
        interception, by_files = PLACEMENTS[choice % 4]
        with tempfile.TemporaryDirectory() as folder:
            configuration = configure(
                mesh,
                part,
                interception=interception,
                endpoints=FileEndpoints(directory=folder) if by_files else CloudMapEndpoints(),
                sds_socket="/run/sds.sock",
            )
            validate(configuration, Path(folder), tls)


@examples(100)
@given(mesh=meshes(compilable=True))
def test_configuration_is_reproducible(mesh: Mesh) -> None:
    once, again = (
        [json.dumps(configure(mesh, part, sds_socket="/s").bootstrap) for part in parts(mesh)] for _ in range(2)
    )
    assert once == again
