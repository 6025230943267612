"""What `cdk synth` checks: cdk-nag and the CDK's own validation, with everything acknowledged that is meant."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.chapters import CASES

ACKNOWLEDGED = {
    "AwsSolutions-EC23": ["NetworkStack/GatewaySecurityGroup"],
    "AwsSolutions-ECS2": [f"EcsStack/{name}/TaskDefinition" for name in ("Blue", "Gateway", "Green", "Red", "Yellow")],
    "AwsSolutions-ELB2": ["EcsStack/Gateway/LoadBalancer"],
    "AwsSolutions-IAM5[Resource::*]": [f"EcsStack/{name}/TaskRole" for name in ("Blue", "Green", "Red", "Yellow")],
}
# Envoy has no environment there, and the gateway's task no policy.
OF_ENVOY = {
    **ACKNOWLEDGED,
    "AwsSolutions-ECS2": [f"EcsStack/{name}/TaskDefinition" for name in ("Blue", "Green", "Red", "Yellow")],
}
PULLING = [f"EcsStack/{name}/TaskDefinition/ExecutionRole" for name in ("Blue", "Gateway", "Green", "Red", "Yellow")]


def synthesize(root: Path, out: Path, context: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run the app as the CDK CLI does, all validation on."""
    environment = {**os.environ, "CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context)}
    with (out / "said").open("w+") as said:
        done = subprocess.run(
            [sys.executable, "app.py"], cwd=root, env=environment, stderr=said, text=True, check=False
        )
        said.seek(0)
        done.stderr = said.read()
    return done


def acknowledged(out: Path) -> dict[str, list[str]]:
    """Which constructs each acknowledged rule of cdk-nag concerns."""
    reports = json.loads((out / "validation-report.json").read_text())["pluginReports"]
    found: dict[str, list[str]] = {}
    for report in reports:
        for violation in report.get("suppressedViolations", []):
            for construct in violation["violatingConstructs"]:
                path = construct["constructPath"].removesuffix("/Resource").removesuffix("/DefaultPolicy")
                found.setdefault(violation["ruleName"], []).append(path)
    return {rule: sorted(paths) for rule, paths in found.items()}


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> tuple["subprocess.CompletedProcess[str]", Path]:
    out = tmp_path_factory.mktemp("validated")
    return synthesize(Path(__file__).parent.parent.parent, out, {}), out


def test_validation_finds_nothing_that_is_not_acknowledged(
    validated: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    done, out = validated
    assert done.returncode == 0, done.stderr
    found = acknowledged(out)
    assert len(found.pop("W3696")) == 13
    assert found == ACKNOWLEDGED


def test_without_app_mesh_there_is_nothing_to_warn_of(root: Path, tmp_path: Path) -> None:
    done = synthesize(root, tmp_path, {"color-mesh:dataPlane": "envoy"})
    assert (done.returncode, done.stderr) == (0, "")
    assert acknowledged(tmp_path) == OF_ENVOY


# The others are those of the two tests before.
OTHERS = [name for name in CASES if not name.endswith("chapter-4-load-balancer")]


@pytest.mark.parametrize("case", OTHERS)
def test_in_every_chapter_and_with_every_gateway_all_findings_are_acknowledged(case: str, tmp_path: Path) -> None:
    # In the process of the tests: rules are loaded once, which is most of the time.
    from app import build

    context = {f"color-mesh:{key}": value for key, value in CASES[case].items()}
    build(context=context, outdir=str(tmp_path)).synth()
    found = acknowledged(tmp_path)
    assert ("W3696" in found) == case.startswith("app-mesh/")
    assert found.keys() - {"W3696"} <= ACKNOWLEDGED.keys()


def test_the_end_of_app_mesh_is_said_once(validated: tuple["subprocess.CompletedProcess[str]", Path]) -> None:
    done, _ = validated
    assert done.stderr.count("AWS ended App Mesh on 2026-09-30") == 1
    assert done.stderr.count("WARNING") == 1


def test_wildcard_of_pulling_from_a_private_registry_is_acknowledged(root: Path, tmp_path: Path) -> None:
    image = "840364872350.dkr.ecr.ap-southeast-2.amazonaws.com/aws-appmesh-envoy:v1.27.0.0-prod"
    done = synthesize(root, tmp_path, {"color-mesh:envoyImage": image})
    assert done.returncode == 0, done.stderr
    rule = "AwsSolutions-IAM5[Resource::*]"
    assert acknowledged(tmp_path)[rule] == sorted([*ACKNOWLEDGED[rule], *PULLING])


def test_a_finding_that_nobody_acknowledged_ends_synthesis(tmp_path: Path) -> None:
    from aws_cdk import aws_ec2 as ec2

    from app import build

    app = build(outdir=str(tmp_path))
    group = app.node.find_child("NetworkStack").node.find_child("ColorAppSecurityGroup")
    assert isinstance(group, ec2.SecurityGroup)
    group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.all_traffic())
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
