"""``color-mesh certificates``: an authority, certificates, and the commands that store them."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from color_mesh.appmesh.template import write_template
from color_mesh.cli.main import main
from color_mesh.model import Mesh
from tests.support.builders import node
from tests.support.local_templates import resource

Issue = Callable[..., list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "certificates"


@pytest.fixture
def issue(cloud_assembly: Callable[..., Path], folder: Path, capsys: pytest.CaptureFixture[str]) -> Issue:
    """Run the command for the tutorial's app, and return the lines that it prints."""

    def run(*options: str, plane: str = "envoy") -> list[str]:
        source = cloud_assembly(dataPlane=plane)
        status = main(["certificates", str(source), "--out", str(folder), *options])
        output, errors = capsys.readouterr()
        assert (status == 0) is (errors == ""), errors
        return (output or errors).splitlines()

    return run


def secret(folder: Path, name: str) -> dict[str, str]:
    return {str(key): str(each) for key, each in json.loads((folder / f"{name}.json").read_text()).items()}


def certificate(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text.encode())


def names(own: x509.Certificate) -> list[str]:
    return own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize(("plane", "namespace"), [("envoy", "tasks.colors.local"), ("app-mesh", "colors.local")])
def test_each_node_and_gateway_has_a_certificate_of_its_name(
    issue: Issue, folder: Path, plane: str, namespace: str
) -> None:
    issue(plane=plane)
    dns_names = {"red": "red", "blue": "blue", "green": "router", "yellow": "yellow", "color-gateway": "color-gateway"}
    for name, dns_name in dns_names.items():
        value = secret(folder, name)
        own = certificate(value["tls.crt"])
        own.verify_directly_issued_by(certificate(value["ca.crt"]))
        assert names(own) == [f"{dns_name}.{namespace}"]
        assert load_pem_private_key(value["tls.key"].encode(), None).public_key() == own.public_key()
    assert secret(folder, "ca.crt") == {"ca.crt": (folder / "ca.pem").read_text()}


def test_node_with_two_services_has_one_certificate_with_the_names_of_both(folder: Path, tmp_path: Path) -> None:
    bootstrap = json.dumps({"node": {"id": "mesh/shop/virtualNode/stock"}})
    envoy = {"Name": "envoy", "Image": "envoyproxy/envoy:v1", "Command": ["--config-yaml", bootstrap]}
    namespace = {"Fn::GetAtt": ["Namespace", "Id"]}
    resources: dict[str, Any] = {
        "Namespace": resource("AWS::ServiceDiscovery::PrivateDnsNamespace", Name="shop.local", Vpc="vpc"),
        "Task": resource("AWS::ECS::TaskDefinition", Family="stock", ContainerDefinitions=[envoy]),
    }
    for name in ("blue", "green"):
        registry = {"RegistryArn": {"Fn::GetAtt": [f"{name}Name", "Arn"]}}
        resources[f"{name}Name"] = resource("AWS::ServiceDiscovery::Service", Name=name, NamespaceId=namespace)
        resources[name] = resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, ServiceRegistries=[registry])
    template = tmp_path / "shop.template.json"
    template.write_text(json.dumps({"Resources": resources}))
    assert main(["certificates", str(template), "--out", str(folder)]) == 0
    own = certificate(secret(folder, "stock")["tls.crt"])
    assert names(own) == ["blue.shop.local", "green.shop.local"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"Listeners": [{"PortMapping": {"Port": "x", "Protocol": "http"}}]},
            "Red.Spec.Listeners[0].PortMapping.Port: ",
        ),
        ({"Typo": 1}, "Red.Spec.Typo: is unknown"),
    ],
)
def test_problems_of_app_mesh_resources_beside_compiled_envoys_are_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], spec: dict[str, Any], said: str
) -> None:
    bootstrap = json.dumps({"node": {"id": "mesh/shop/virtualNode/stock"}})
    envoy = {"Name": "envoy", "Image": "envoyproxy/envoy:v1", "Command": ["--config-yaml", bootstrap]}
    namespace = {"Fn::GetAtt": ["Namespace", "Id"]}
    registry = {"RegistryArn": {"Fn::GetAtt": ["Name", "Arn"]}}
    resources: dict[str, Any] = {
        "Namespace": resource("AWS::ServiceDiscovery::PrivateDnsNamespace", Name="shop.local", Vpc="vpc"),
        "Name": resource("AWS::ServiceDiscovery::Service", Name="stock", NamespaceId=namespace),
        "Task": resource("AWS::ECS::TaskDefinition", Family="stock", ContainerDefinitions=[envoy]),
        "Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, ServiceRegistries=[registry]),
        "Red": resource("AWS::AppMesh::VirtualNode", MeshName="shop", VirtualNodeName="red", Spec=spec),
    }
    template = tmp_path / "shop.template.json"
    template.write_text(json.dumps({"Resources": resources}))
    assert main(["certificates", str(template), "--out", str(folder)]) == 0
    assert f"note: left out: shop.template.json: {said}" in capsys.readouterr().err


@pytest.mark.parametrize("owner", ["mesh/shop/virtualNode/../../stock", "mesh/$(id)/virtualNode/stock"])
def test_name_that_is_no_name_of_a_mesh_is_refused(folder: Path, tmp_path: Path, owner: str) -> None:
    bootstrap = json.dumps({"node": {"id": owner}})
    envoy = {"Name": "envoy", "Image": "envoyproxy/envoy:v1", "Command": ["--config-yaml", bootstrap]}
    task = resource("AWS::ECS::TaskDefinition", Family="stock", ContainerDefinitions=[envoy])
    service = resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"})
    template = tmp_path / "shop.template.json"
    template.write_text(json.dumps({"Resources": {"Task": task, "Service": service}}))
    assert main(["certificates", str(template), "--out", str(folder)]) == 1
    assert not folder.exists()


def test_files_are_for_the_user_only(issue: Issue, folder: Path) -> None:
    issue()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}


def test_first_run_creates_secrets_and_the_next_one_renews_them(issue: Issue, folder: Path) -> None:
    first = issue("--node", "green")
    assert [line for line in first if not line.startswith("#")] == [
        f"aws secretsmanager create-secret --name color-mesh/ca --secret-string file://{folder}/ca.crt.json",
        f"aws secretsmanager create-secret --name color-mesh/green/tls --secret-string file://{folder}/green.json",
    ]
    before, authority = secret(folder, "green"), (folder / "ca.key").read_text()
    second = issue("--node", "green", "--node", "red", "--days", "30")
    assert [line for line in second if not line.startswith("#")] == [
        f"aws secretsmanager create-secret --name color-mesh/red/tls --secret-string file://{folder}/red.json",
        f"aws secretsmanager put-secret-value --secret-id color-mesh/green/tls --secret-string file://{folder}/green.json",
    ]
    after = secret(folder, "green")
    assert after["tls.crt"] != before["tls.crt"]
    assert after["ca.crt"] == before["ca.crt"]
    assert (folder / "ca.key").read_text() == authority


def test_output_has_no_private_key(issue: Issue) -> None:
    assert "PRIVATE KEY" not in "\n".join(issue())


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        pytest.param({"notes.txt": ""}, (), "--out: has files, but no authority, got ", id="other-files"),
        pytest.param({"ca.pem": "", "ca.key": ""}, (), "--out: has no valid authority: ", id="no-certificate"),
        pytest.param({}, ("--days", "0"), "--days: days out of range, got 0 (1 to 3650)", id="no-days"),
        pytest.param({}, ("--days", "3650"), "--days: the authority expires before the certificates", id="too-long"),
        pytest.param({}, ("--node", "gren"), "--node: unknown node or gateway, got 'gren' (known: ", id="unknown-node"),
    ],
)
def test_wrong_input_changes_no_file(
    issue: Issue, folder: Path, files: dict[str, str], options: tuple[str, ...], message: str
) -> None:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    (line,) = issue(*options)
    assert line.startswith(message)
    assert {each.name: each.read_text() for each in folder.iterdir()} == files


def test_folder_of_another_mesh_is_refused(issue: Issue, folder: Path, tmp_path: Path) -> None:
    issue()
    before = {each.name: each.read_text() for each in folder.iterdir()}
    template = tmp_path / "other.template.json"
    template.write_text(json.dumps(write_template(Mesh(name="other", nodes=(node(),)))))
    assert main(["certificates", str(template), "--out", str(folder)]) == 1
    assert {each.name: each.read_text() for each in folder.iterdir()} == before


def test_mesh_with_a_long_name_is_renewed(folder: Path, tmp_path: Path) -> None:
    template = tmp_path / "long.template.json"
    template.write_text(json.dumps(write_template(Mesh(name="m" * 100, nodes=(node(),)))))
    for _ in range(2):
        assert main(["certificates", str(template), "--out", str(folder)]) == 0


@pytest.mark.parametrize("runs", [1, 2], ids=["first", "renewal"])
@pytest.mark.parametrize("renames", [0, 1, 4])
def test_failure_between_two_files_changes_none(
    issue: Issue, folder: Path, runs: int, renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(runs - 1):
        issue()
    before = {each.name: each.read_text() for each in folder.iterdir()} if folder.exists() else {}
    replace, left = Path.replace, iter(range(renames))

    def failing(self: Path, target: Path) -> Path:
        if self.suffix == ".new" and next(left, None) is None:
            raise OSError(5, "Input/output error", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    (line,) = issue()
    assert line.startswith("--out: cannot be written, got ")
    assert {each.name: each.read_text() for each in folder.iterdir()} == before
    monkeypatch.undo()
    issue()
    assert {each.name for each in folder.iterdir()} >= {"ca.key", "red.json"}


def test_failure_keeps_a_file_and_not_what_a_killed_run_left_of_it(
    issue: Issue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue()
    before = {each.name: each.read_text() for each in folder.iterdir()}
    for each in ("red", "blue"):
        (folder / f".{each}.json.old").write_text("of a killed run")
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if self.suffix == ".new":
            raise OSError(5, "Input/output error", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    issue()
    assert before.items() <= {each.name: each.read_text() for each in folder.iterdir()}.items()


def test_old_files_stay_if_they_cannot_be_put_back(issue: Issue, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issue()
    before = sorted(each.read_text() for each in folder.iterdir())
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if self.suffix in (".new", ".old"):
            raise OSError(5, "Input/output error", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    issue()
    assert sorted(each.read_text() for each in folder.iterdir()) == before


def test_folder_in_place_of_a_file_changes_none(issue: Issue, folder: Path) -> None:
    issue()
    (folder / "red.json").unlink()
    (folder / "red.json").mkdir()
    before = (folder / "blue.json").read_text()
    assert issue() == [f"--out: is not a file, got '{folder}/red.json' (remove or rename it)"]
    assert (folder / "red.json").is_dir()
    assert (folder / "blue.json").read_text() == before


def test_folder_with_files_of_a_killed_run_is_filled(issue: Issue, folder: Path) -> None:
    folder.mkdir()
    (folder / ".ca.key.new").touch()
    issue()
    assert not list(folder.glob(".*"))


def test_private_key_is_never_in_a_file_that_others_can_read(
    issue: Issue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: set[int] = set()
    create = os.open

    def watched(path: Any, flags: int, mode: int = 0o777) -> int:
        descriptor = create(path, flags, mode)
        if str(path).startswith(str(folder)):
            modes.add(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", watched)
    previous = os.umask(0)
    try:
        issue()
    finally:
        os.umask(previous)
    assert modes == {0o600}
