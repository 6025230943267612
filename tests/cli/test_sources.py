"""Sources that are no templates, for every command that reads a mesh."""

import json
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cli.main import main
from tests.support.aws_forms import CONTAINERS, answers, shown, state, terraform_resources

SECRET = CONTAINERS[0]["environment"][0]["value"]
SENSITIVE = {"sensitive_attributes": [[{"type": "get_attr", "value": "container_definitions"}]]}
SOURCES: dict[str, dict[str, Any]] = {
    "answers": answers(),
    "state": {"terraform.tfstate": state(*terraform_resources(), stock=SENSITIVE)},
    "show": {"show": shown(*terraform_resources(), stock={"container_definitions": True})},
}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name, content in SOURCES[request.param].items():
        (folder / (name if "." in name else f"{name}.json")).write_text(json.dumps(content))
    return folder


def output(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_every_command_reads_it(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "stock.shop.local" in output(capsys, "show", str(source))
    assert "envoy-may-not-read-configuration" in output(capsys, "analyze", str(source), status=1)
    assert json.loads(output(capsys, "compile", str(source), "--node", "stock"))["static_resources"]
    assert "Spec.ServiceDiscovery.AWSCloudMap" in output(capsys, "parity", str(source))
    plan = output(capsys, "up", str(source), "--plan", "--image", f"shop/stock={Path('/bin/sh')}")
    assert "app (shop/stock:1), envoy (public.ecr.aws/" in plan
    app = tmp_path / "app"
    assert "1 virtual node, 1 ECS service" in output(capsys, "migrate", str(source), "--out", str(app))
    assert "shop/stock:1" in "".join(file.read_text() for file in app.glob("*.py"))


@pytest.mark.parametrize("source", ["state", "show"], indirect=True)
def test_secret_of_a_state_is_neither_printed_nor_written(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = tmp_path / "app"
    printed = output(capsys, "migrate", str(source), "--out", str(app))
    printed += output(capsys, "up", str(source), "--plan", "--image", "shop/stock=/bin/sh")
    printed += output(capsys, "analyze", str(source), "--format", "json", status=1)
    written = "".join(file.read_text() for file in app.rglob("*") if file.is_file())
    assert SECRET not in printed + written
    assert "the variable TOKEN is removed" in written


def test_placeholder_of_a_declared_certificate_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tls = {"Mode": "STRICT", "Certificate": {"ACM": {"CertificateArn": {"Ref": "Issued"}}}}
    spec = {
        "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}, "TLS": tls}],
        "ServiceDiscovery": {"DNS": {"Hostname": "stock.shop.local"}},
    }
    node = {"MeshName": "shop", "VirtualNodeName": "stock", "Spec": spec}
    resources = {
        "Issued": {"Type": "AWS::CertificateManager::Certificate", "Properties": {"DomainName": "stock.shop.local"}},
        "Stock": {"Type": "AWS::AppMesh::VirtualNode", "Properties": node},
    }
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"Resources": resources}))
    command = ["compile", str(file), "--node", "stock", "--kind", "listeners"]
    assert main(command) == 0
    note = "note: a placeholder stands for the ARN of Issued, which is known only at deployment (give it with --set "
    assert note in capsys.readouterr().err
    arn = "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b"
    assert main([*command, "--set", f"Issued.Ref={arn}"]) == 0
    given = capsys.readouterr()
    assert arn in given.out
    assert "placeholder" not in given.err
