"""The wall between the plain model and the CDK: only the constructs load it."""

import subprocess
import sys
from pathlib import Path

import pytest

import color_mesh


@pytest.mark.parametrize(
    "imports",
    [
        pytest.param("color_mesh.model, color_mesh.appmesh", id="model"),
        pytest.param("color_mesh.appmesh.source, color_mesh.cloudformation", id="reader"),
        pytest.param("color_mesh.envoy", id="compiler"),
        pytest.param("color_mesh.__main__", id="command"),
        pytest.param(
            "color_mesh.local.run.supervisor, color_mesh.local.run.up, color_mesh.local.client.connection", id="runner"
        ),
        pytest.param("color_mesh", id="package"),
        pytest.param("stacks.settings", id="settings"),
    ],
)
def test_the_core_loads_neither_jsii_nor_the_cdk(root: Path, imports: str) -> None:
    code = f"import sys, {imports}; print(sorted({{'aws_cdk', 'jsii'}} & sys.modules.keys()))"
    output = subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True).stdout
    assert output == "[]\n"


@pytest.mark.parametrize("name", color_mesh.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(color_mesh, name).__name__ == name


def test_a_name_that_is_not_public_does_not_resolve() -> None:
    with pytest.raises(AttributeError, match="^module 'color_mesh' has no attribute 'ColourRouter'$"):
        _ = color_mesh.ColourRouter
