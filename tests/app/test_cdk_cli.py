"""The app under the CDK CLI: its output, and the result of invalid settings."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app, which keeps the checkout's own cdk.out."""
    root, copy = Path(__file__).parent.parent.parent, tmp_path_factory.mktemp("project")
    shutil.copytree(root / "stacks", copy / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "cdk.json"):
        shutil.copy(root / name, copy)
    return copy


def cdk(project: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    environment |= variables
    return subprocess.run(
        ["cdk", *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def content(folder: Path) -> dict[str, bytes]:
    # The CDK writes its performance counters when a synthesis is slow, and the CLI deletes them before the next one.
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "performance-counters.json"}


@pytest.fixture(scope="module")
def synthesized(project: Path) -> "subprocess.CompletedProcess[str]":
    return cdk(project, "synth", "--quiet")


def test_synth_prints_a_few_lines(synthesized: "subprocess.CompletedProcess[str]", project: Path) -> None:
    done = synthesized
    assert done.returncode == 0, done.stderr
    assert {f"{name}.template.json" for name in ("NetworkStack", "MeshStack", "EcsStack")} <= content(
        project / "cdk.out"
    ).keys()
    output = done.stdout + done.stderr
    assert output.count("AWS ended App Mesh on 2026-09-30") == 1
    assert len(output.splitlines()) <= 6, output


@pytest.mark.usefixtures("synthesized")
def test_invalid_settings_end_in_one_message_and_write_nothing(project: Path) -> None:
    before = content(project / "cdk.out")
    done = cdk(project, "synth", "--quiet", "-c", "color-mesh:chapter=7", "-c", "color-mesh:wieghts=green=1")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        (
            "setting 'color-mesh:wieghts': unknown setting, got 'green=1' (did you mean 'color-mesh:weights'? known: "
            "chapter, gateway, weights, redBackends, vpcId, clusterName, appImage, envoyImage, desiredCount, "
            "gatewayCount, logRetentionDays, containerInsights, flowLogs, dataPlane, "
            "certificateAuthorityArn, certificateArn)"
        ),
        "setting 'color-mesh:chapter': unknown chapter, got '7' (one of: 2, 3, 4, 5, 6)",
        "",
        "python app.py: Subprocess exited with error 1",
    ]
    assert content(project / "cdk.out") == before


def test_settings_reach_the_templates(project: Path) -> None:
    options = ("-c", "color-mesh:weights=blue=1,yellow=1", "--output", "cdk.blue")
    done = cdk(project, "synth", "--quiet", *options, CDK_VALIDATION="false")
    assert done.returncode == 0, done.stderr
    assert '"VirtualNode": "blue"' in (project / "cdk.blue" / "MeshStack.template.json").read_text()
