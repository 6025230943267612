"""Validation during `cdk synth`: cdk-nag and the CDK's template validation, with all intended findings acknowledged."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.chapters import CASES

pytestmark = pytest.mark.node

ACKNOWLEDGED = {
    "AwsSolutions-EC23": ["NetworkStack/GatewaySecurityGroup"],
    "AwsSolutions-ECS2": [f"EcsStack/{name}/TaskDefinition" for name in ("Blue", "Gateway", "Green", "Red", "Yellow")],
    "AwsSolutions-ELB2": ["EcsStack/Gateway/LoadBalancer"],
    "AwsSolutions-IAM5[Resource::*]": [f"EcsStack/{name}/TaskRole" for name in ("Blue", "Green", "Red", "Yellow")],
}
# Without App Mesh, Envoy has no environment variables, and the Envoy of the gateway asks Cloud Map.
OF_ENVOY = {
    **ACKNOWLEDGED,
    "AwsSolutions-ECS2": [f"EcsStack/{name}/TaskDefinition" for name in ("Blue", "Green", "Red", "Yellow")],
    "AwsSolutions-IAM5[Resource::*]": [
        f"EcsStack/{name}/TaskRole" for name in ("Blue", "Gateway", "Green", "Red", "Yellow")
    ],
}
PULLING = [f"EcsStack/{name}/TaskDefinition/ExecutionRole" for name in ("Blue", "Gateway", "Green", "Red", "Yellow")]


# Makes Node fail to load the engine of the CDK's template validation.
WITHOUT_ENGINE = """
const Module = require("module");
const load = Module._load;
Module._load = function (name, ...rest) {
  if (name === "@aws/cloudformation-validate") throw new Error("the rules cannot be loaded");
  return load.call(this, name, ...rest);
};
"""


def synthesize(
    root: Path, out: Path, context: dict[str, str], **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run the app as the CDK CLI does, with all validation."""
    environment = {**os.environ, "CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context), **environment}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def acknowledged(out: Path) -> dict[str, list[str]]:
    """Constructs of each acknowledged rule, from the validation report."""
    reports = json.loads((out / "validation-report.json").read_text())["pluginReports"]
    constructs: dict[str, list[str]] = {}
    for report in reports:
        for violation in report.get("suppressedViolations", []):
            for construct in violation["violatingConstructs"]:
                path = construct["constructPath"].removesuffix("/Resource").removesuffix("/DefaultPolicy")
                constructs.setdefault(violation["ruleName"], []).append(path)
    return {rule: sorted(paths) for rule, paths in constructs.items()}


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> tuple["subprocess.CompletedProcess[str]", Path]:
    out = tmp_path_factory.mktemp("validated")
    return synthesize(Path(__file__).parent.parent.parent, out, {}), out


def test_every_finding_is_acknowledged(
    validated: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    done, out = validated
    assert done.returncode == 0, done.stderr
    constructs = acknowledged(out)
    assert len(constructs.pop("W3696")) == 13
    assert constructs == ACKNOWLEDGED


def test_envoy_data_plane_has_no_warnings(root: Path, tmp_path: Path) -> None:
    done = synthesize(root, tmp_path, {"color-mesh:dataPlane": "envoy"})
    assert (done.returncode, done.stderr) == (0, "")
    assert acknowledged(tmp_path) == OF_ENVOY


# The two tests above cover the other two cases.
OTHER_CASES = [name for name in CASES if not name.endswith("chapter-4-load-balancer")]


@pytest.mark.parametrize("case", OTHER_CASES)
def test_every_finding_is_acknowledged_in_every_chapter_with_every_gateway(case: str, tmp_path: Path) -> None:
    # In this process, so that the rules are loaded once for all cases.
    from app import build

    context = {f"color-mesh:{key}": value for key, value in CASES[case].items()}
    build(context=context, outdir=str(tmp_path)).synth()
    constructs = acknowledged(tmp_path)
    assert ("W3696" in constructs) == case.startswith("app-mesh/")
    assert constructs.keys() - {"W3696"} <= ACKNOWLEDGED.keys()


def test_app_mesh_data_plane_warns_once_that_app_mesh_has_ended(
    validated: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    done, _ = validated
    assert done.stderr.count("AWS ended App Mesh on 2026-09-30") == 1
    assert done.stderr.count("WARNING") == 1


def test_wildcard_permission_to_pull_from_a_private_registry_is_acknowledged(tmp_path: Path) -> None:
    from app import build

    image = "840364872350.dkr.ecr.ap-southeast-2.amazonaws.com/aws-appmesh-envoy:v1.27.0.0-prod"
    build(context={"color-mesh:envoyImage": image}, outdir=str(tmp_path)).synth()
    rule = "AwsSolutions-IAM5[Resource::*]"
    assert acknowledged(tmp_path)[rule] == sorted([*ACKNOWLEDGED[rule], *PULLING])


def test_finding_that_is_not_acknowledged_fails_the_synthesis(tmp_path: Path) -> None:
    from aws_cdk import aws_ec2 as ec2

    from app import build

    app = build(outdir=str(tmp_path))
    group = app.node.find_child("NetworkStack").node.find_child("ColorAppSecurityGroup")
    assert isinstance(group, ec2.SecurityGroup)
    group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.all_traffic())
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()


def test_template_validation_that_cannot_be_loaded_fails_the_synthesis(root: Path, tmp_path: Path) -> None:
    script = tmp_path / "without_engine.cjs"
    script.write_text(WITHOUT_ENGINE)
    done = synthesize(root, tmp_path / "cdk.out", {}, NODE_OPTIONS=f"--require {script}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "RuntimeError: Error: the rules cannot be loaded"


def test_findings_about_insights_and_flow_logs_that_are_off_are_acknowledged(tmp_path: Path) -> None:
    from app import build

    context = {"color-mesh:containerInsights": "false", "color-mesh:flowLogs": "false"}
    build(context=context, outdir=str(tmp_path)).synth()
    assert {"AwsSolutions-ECS4", "AwsSolutions-VPC7"} <= acknowledged(tmp_path).keys()


def test_synthesis_lists_the_names_that_are_not_replaced_in_place(
    validated: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    _, out = validated
    text = (
        "the tutorial's physical names are not replaced in place: colorapp-sg, gateway-sg, color-mesh, red-svc, "
        "blue-svc, green-svc, yellow-svc, gateway-svc-load-balanced, gateway-lb, gateway-tg (before a change of the "
        "settings vpcId, clusterName or dataPlane: cdk destroy --all)"
    )
    assert any(text in file.read_text() for file in out.glob("*.json"))
