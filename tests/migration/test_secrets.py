"""Values of parameters with NoEcho: they are in no file, no output and no message."""

import json
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cli.main import main

SECRET = "hunter2-of-the-test"
ARN = "arn:aws:appmesh:eu-west-1:111122223333:mesh/colors/virtualNode/red"
SPEC = {
    "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}],
    "ServiceDiscovery": {"AWSCloudMap": {"NamespaceName": "colors.local", "ServiceName": "red"}},
}
TO_DO = "store it in AWS Secrets Manager or the Parameter Store, and add it to the container as an ecs.Secret"
REF = {"Ref": "Password"}
FUNCTION = "uses the value of a NoEcho parameter in a function, got 'Password' ("


def written(folder: Path, container: dict[str, Any], parameter: dict[str, Any] | None = None, **more: Any) -> Path:
    """Return the file of a template with a container of the node red and the parameter Password."""
    app = {"Name": "app", "Image": "example/red:1", "PortMappings": [{"ContainerPort": 80}], **container}
    envoy = {"Name": "envoy", "Image": "envoy", "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": ARN}]}
    names = {"MeshName": "colors", "VirtualNodeName": "red"}
    template = {
        "Parameters": {"Password": {"Type": "String", "NoEcho": True, **(parameter or {})}},
        "Resources": {
            "Red": {"Type": "AWS::AppMesh::VirtualNode", "Properties": {**names, "Spec": SPEC}},
            "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [app, envoy]}},
            "Service": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": "Task"}}},
        },
        **more,
    }
    file = folder / "t.json"
    file.write_text(json.dumps(template))
    return file


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs a command, and returns its status, its output and the written files."""

    def run(command: str, file: Path, secret: str = SECRET) -> tuple[int, str, str]:
        out = ["--out", str(tmp_path / "out")] if command == "migrate" else []
        status = main([*command.split(), str(file), "--set", f"Password={secret}", *out])
        files = "".join(path.read_text() for path in (tmp_path / "out").glob("*"))
        output = capsys.readouterr()
        text = output.out + output.err
        assert secret not in text + files
        return status, text, files

    return run


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(REF, id="reference"),
        pytest.param({"Fn::Sub": "postgres://user:${Password}@db/${AWS::Region}"}, id="text-around-it"),
        pytest.param({"Fn::Join": ["-", ["a", REF]]}, id="joined"),
        pytest.param({"Fn::If": ["Given", REF, "none"]}, id="conditional"),
    ],
)
def test_variable_with_a_secret_becomes_work_to_do(value: Any, run: Any, tmp_path: Path) -> None:
    variables = [{"Name": "DB", "Value": value}, {"Name": "COLOR", "Value": "red"}]
    given = {"Conditions": {"Given": {"Fn::Not": [{"Fn::Equals": [REF, ""]}]}}}
    status, output, files = run("migrate", written(tmp_path, {"Environment": variables}, **given))
    assert status == 0
    assert 'environment={"COLOR": "red"}' in files
    expected = (
        f"t.json: Task container 'app': the variable DB is removed, because its value is secret (Password): {TO_DO}"
    )
    assert expected in output
    assert f"- {expected}" in files


def test_secret_of_a_variable_needs_no_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, {"Environment": [{"Name": "DB", "Value": REF}]})
    assert main(["migrate", str(file), "--out", str(tmp_path / "out")]) == 0
    assert "the variable DB is removed, because its value is secret (Password): " in capsys.readouterr().out


def test_arguments_in_the_report_have_asterisks_in_place_of_a_secret(run: Any, tmp_path: Path) -> None:
    _, _, files = run("migrate", written(tmp_path, {}))
    assert "--set 'Password=****' --out" not in files
    assert "--set 'Password=****'`." in files


def test_default_of_a_secret_is_hidden_too(run: Any, tmp_path: Path) -> None:
    file = written(tmp_path, {"Environment": [{"Name": "DB", "Value": REF}]}, {"Default": "preset-of-the-test"})
    assert main(["migrate", str(file), "--out", str(tmp_path / "preset")]) == 0
    assert "preset-of-the-test" not in "".join(path.read_text() for path in (tmp_path / "preset").glob("*"))


@pytest.mark.parametrize(
    "container",
    [
        pytest.param({"Command": ["--password", REF]}, id="command"),
        pytest.param({"EntryPoint": [{"Fn::Sub": "${Password} ${AWS::Region}"}]}, id="text-with-the-region"),
        pytest.param({"HealthCheck": {"Command": ["CMD-SHELL", {"Fn::Sub": "curl -u ${Password}"}]}}, id="check"),
        pytest.param({"Name": REF}, id="name"),
    ],
)
def test_secret_in_another_property_is_refused(container: dict[str, Any], run: Any, tmp_path: Path) -> None:
    status, output, files = run("migrate", written(tmp_path, container))
    assert (status, files) == (1, "")
    assert output.startswith("virtual node 'red' container '")
    assert "needs a secret value, which is written to no file, got 'Password' (" in output


def test_service_that_needs_a_secret_elsewhere_is_left_out_alone(run: Any, tmp_path: Path) -> None:
    file = written(tmp_path, {"Command": ["--password", REF]})
    template = json.loads(file.read_text())
    resources = template["Resources"]
    blue = json.loads(json.dumps([resources["Red"], resources["Task"]]).replace("red", "blue"))
    blue[1]["Properties"]["ContainerDefinitions"][0].pop("Command")
    service = {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": "BlueTask"}}}
    resources |= {"Blue": blue[0], "BlueTask": blue[1], "BlueService": service}
    file.write_text(json.dumps(template))
    status, output, files = run("migrate", file)
    assert status == 0
    assert 'nodes["blue"].implement(' in files
    assert (
        "t.json: Service: is not migrated: virtual node 'red' container 'app' command: needs a secret value, "
        "which is written to no file, got 'Password' ("
    ) in output


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param({"Fn::Base64": REF}, FUNCTION, id="base64"),
        pytest.param({"Fn::Select": [0, {"Fn::Split": ["-", REF]}]}, FUNCTION, id="split"),
        pytest.param({"Fn::FindInMap": ["A", REF, "b"]}, "is in no mapping", id="key-of-a-mapping"),
    ],
)
def test_function_of_a_secret_is_refused(value: Any, message: str, run: Any, tmp_path: Path) -> None:
    status, output, _ = run("migrate", written(tmp_path, {"Environment": [{"Name": "DB", "Value": value}]}))
    assert status == 1
    assert message in output


def test_value_that_is_not_allowed_is_not_quoted(run: Any, tmp_path: Path) -> None:
    file = written(tmp_path, {"Environment": [{"Name": "DB", "Value": REF}]}, {"AllowedValues": ["other"]})
    status, output, _ = run("migrate", file)
    assert status == 1
    assert "parameter Password has a value that is not allowed, got '$NOECHO:Password$'" in output


@pytest.mark.parametrize(
    ("operand", "message"),
    [
        pytest.param({"Fn::Select": [0, {"Fn::Split": ["h", REF]}]}, FUNCTION, id="part"),
        pytest.param({"Fn::Join": ["", [REF]]}, FUNCTION, id="text"),
        pytest.param({"Fn::Sub": "${Password}"}, FUNCTION, id="substitution"),
        pytest.param({"Fn::FindInMap": ["A", REF, "b"]}, "is in no mapping, got ('A', '$NOECHO:Password$'", id="key"),
    ],
)
def test_condition_compares_no_part_of_a_secret(operand: Any, message: str, run: Any, tmp_path: Path) -> None:
    conditions = {"Begins": {"Fn::Equals": [operand, ""]}}
    variable = {"Name": "DB", "Value": {"Fn::If": ["Begins", "h", "-"]}}
    status, output, _ = run("migrate", written(tmp_path, {"Environment": [variable]}, Conditions=conditions))
    assert status == 1
    assert message in output


def test_condition_compares_a_secret_that_a_nested_stack_gets(tmp_path: Path) -> None:
    variable = {"Name": "DB", "Value": {"Fn::If": ["None", "no password", "a password"]}}
    conditions = {"None": {"Fn::Equals": [{"Ref": "Password"}, ""]}}
    written(tmp_path, {"Environment": [variable]}, Conditions=conditions)
    properties = {"TemplateURL": "t.json", "Parameters": {"Password": {"Ref": "Given"}}}
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": properties}
    parameters = {"Given": {"Type": "String", "NoEcho": True}}
    root = tmp_path / "root.json"
    for secret, expected in ((SECRET, "a password"), ("", "no password")):
        root.write_text(json.dumps({"Parameters": parameters, "Resources": {"Nested": nested}}))
        out = tmp_path / f"out-{expected}"
        assert main(["migrate", str(root), "--set", f"Given={secret}", "--out", str(out)]) == 0
        assert f'"DB": "{expected}"' in (out / "services_stack.py").read_text()


@pytest.mark.parametrize(
    ("command", "expected"), [("show", 0), ("parity", 0), ("compile --node red --kind routes", 1), ("migrate", 1)]
)
def test_secret_in_the_mesh_is_shown_by_no_command(command: str, expected: int, run: Any, tmp_path: Path) -> None:
    file = written(tmp_path, {})
    template = json.loads(file.read_text())
    match = {"Prefix": "/", "Headers": [{"Name": "x-key", "Match": {"Exact": REF}}]}
    targets = [{"VirtualNode": "red", "Weight": 1}]
    spec = {"HttpRoute": {"Match": match, "Action": {"WeightedTargets": targets}}}
    listeners = [{"PortMapping": {"Port": 80, "Protocol": "http"}}]
    router = {"MeshName": "colors", "VirtualRouterName": "router"}
    provider = {"Provider": {"VirtualRouter": {"VirtualRouterName": "router"}}}
    service = {"MeshName": "colors", "VirtualServiceName": "all.colors.local", "Spec": provider}
    template["Resources"] |= {
        "Router": {"Type": "AWS::AppMesh::VirtualRouter", "Properties": {**router, "Spec": {"Listeners": listeners}}},
        "Route": {"Type": "AWS::AppMesh::Route", "Properties": {**router, "RouteName": "all", "Spec": spec}},
        "All": {"Type": "AWS::AppMesh::VirtualService", "Properties": service},
    }
    backends = [{"VirtualService": {"VirtualServiceName": "all.colors.local"}}]
    template["Resources"]["Red"]["Properties"]["Spec"] = {**SPEC, "Backends": backends}
    file.write_text(json.dumps(template))
    status, output, _ = run(command, file)
    assert status == expected
    assert "Password" in output
