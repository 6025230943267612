"""The commands that read a mesh: their output, their errors and their exit statuses."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cli.arguments import KINDS
from color_mesh.cli.main import main
from color_mesh.envoy.aws.cloud_map import CLUSTER as CLOUD_MAP

MANIFESTS = str(Path(__file__).parent.parent / "manifests")
UPDATED = "note: 03h-update-red.json updates what 02a-red-node.json declares\n"

OUTSIDE = """
Resources:
  Bank:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: shop
      VirtualNodeName: bank
      Spec:
        Listeners: [{PortMapping: {Port: 8443, Protocol: http}}]
        ServiceDiscovery: {DNS: {Hostname: api.bank.example}}
  BankService:
    Type: AWS::AppMesh::VirtualService
    Properties:
      MeshName: shop
      VirtualServiceName: bank.shop.local
      Spec: {Provider: {VirtualNode: {VirtualNodeName: bank}}}
  Shop:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: shop
      VirtualNodeName: shop
      Spec: {Backends: [{VirtualService: {VirtualServiceName: bank.shop.local}}]}
"""


def run(*arguments: str) -> int:
    """Run the command in this process and return its exit status."""
    try:
        return main(arguments)
    except SystemExit as exit:
        return int(str(exit.code))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status = run(*arguments)
    out, err = capsys.readouterr()
    assert (status, err) == (0, UPDATED)
    return out


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status = run(*arguments)
    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    return err


def compiled_red(capsys: pytest.CaptureFixture[str], *more: str) -> Any:
    return json.loads(printed(capsys, "compile", MANIFESTS, "--node", "red", *more))


def test_show_prints_the_tutorials_mesh(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "show", MANIFESTS) == (
        """\
mesh color-mesh (egress DROP_ALL: backends only)

virtual node  listeners  DNS name             backends
------------  ---------  -------------------  -------------------
red           http/80    red.colors.local     router.colors.local
blue          http/80    blue.colors.local    red.colors.local
green         http/80    router.colors.local  -
yellow        http/80    yellow.colors.local  -

virtual service      provider
-------------------  ---------------------------
red.colors.local     virtual node red
blue.colors.local    virtual node blue
router.colors.local  virtual router color-router

virtual router  listeners  route        priority  match          targets
--------------  ---------  -----------  --------  -------------  -----------------
color-router    http/80    color-route  1         GET / port 80  green 4, yellow 1

virtual gateway  listeners  route                  priority  match          virtual service
---------------  ---------  ---------------------  --------  -------------  -------------------
color-gateway    http/80    color-gateway-route-1  -         /router        router.colors.local
                            color-gateway-route-2  -         GET / port 80  blue.colors.local
"""
    )


def test_show_prints_all_meshes_or_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "meshes.yaml"
    path.write_text(TWO_MESHES)
    assert run("show", str(path)) == 0
    both = capsys.readouterr().out
    assert both == (
        """\
mesh a (egress ALLOW_ALL: anywhere)

virtual node  listeners  DNS name       backends
------------  ---------  -------------  --------
red           tcp/80     a.example.com  -

mesh b (egress DROP_ALL: backends only)

virtual service  provider
---------------  --------
a.local          none
"""
    )
    assert run("show", str(path), "--mesh", "b") == 0
    assert capsys.readouterr().out == both[both.index("mesh b") :]


TWO_MESHES = """
Parameters: {Host: {Type: String, Default: a.example.com}}
Resources:
  A: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: a, Spec: {EgressFilter: {Type: ALLOW_ALL}}}}
  B: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: b}}
  Red:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt A.MeshName
      VirtualNodeName: red
      Spec:
        Listeners: [PortMapping: {Port: 80, Protocol: tcp}]
        ServiceDiscovery: {DNS: {Hostname: !Ref Host}}
  Service:
    Type: AWS::AppMesh::VirtualService
    Properties: {MeshName: !GetAtt B.MeshName, VirtualServiceName: a.local, Spec: {}}
"""


def test_set_gives_a_template_parameter_its_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "meshes.yaml"
    path.write_text(TWO_MESHES)
    assert run("show", str(path), "--mesh", "a", "--set", "Host=b=c", "--set", "Host=b.example.com") == 0
    assert "tcp/80     b.example.com" in capsys.readouterr().out


def test_parity_prints_the_envoy_equivalent_of_each_property(capsys: pytest.CaptureFixture[str]) -> None:
    file = f"{MANIFESTS}/01c-mesh.json"
    assert run("parity", file) == 0
    out, err = capsys.readouterr()
    assert [line.split("  ")[0] for line in out.splitlines()] == [
        "resource",
        "------------------------------",
        "01c-mesh.json: mesh/color-mesh",
        "01c-mesh.json: mesh/color-mesh",
    ]
    assert [[cell.strip() for cell in line.split("  ") if cell][1:3] for line in out.splitlines()[2:]] == [
        ["MeshName", "color-mesh"],
        ["Spec.EgressFilter.Type", "DROP_ALL"],
    ]
    assert out.splitlines()[2].endswith("  `node.id`, `node.cluster`, the names of clusters")
    assert err == ""


def test_parity_prints_the_mesh_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "meshes.yaml"
    path.write_text(TWO_MESHES)
    assert run("parity", str(path), "--mesh", "b") == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[:4] for line in lines] == [
        ["meshes.yaml:", "B", "MeshName", "b"],
        ["meshes.yaml:", "Service", "MeshName", "b"],
        ["meshes.yaml:", "Service", "VirtualServiceName", "a.local"],
    ]


@pytest.mark.parametrize("part", [("--node", "red"), ("--gateway", "color-gateway")], ids=["node", "gateway"])
def test_compile_prints_an_envoys_bootstrap(part: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    kind = {"--node": "virtualNode", "--gateway": "virtualGateway"}[part[0]]
    bootstrap = json.loads(printed(capsys, "compile", MANIFESTS, *part))
    assert bootstrap["node"]["id"] == f"mesh/color-mesh/{kind}/{part[1]}"
    assert list(bootstrap["static_resources"]) == ["listeners", "clusters"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [("--node", "red"), ("--gateway", "color-gateway")], ids=["node", "gateway"])
@pytest.mark.parametrize("interception", ["transparent", "loopback"])
def test_compile_prints_the_same_bytes_twice(
    interception: str, part: Sequence[str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("compile", MANIFESTS, *part, "--kind", kind, "--interception", interception)
    assert printed(capsys, *command) == printed(capsys, *command)


def test_loopback_interception_keeps_the_ports_of_nodes_outside_of_the_mesh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = tmp_path / "shop.yaml"
    template.write_text(OUTSIDE)
    assert run("compile", str(template), "--node", "shop", "--interception", "loopback", "--kind", "clusters") == 0
    clusters = json.loads(capsys.readouterr().out)
    endpoints = [each["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"] for each in clusters]
    addresses = [each["address"]["socket_address"] for each in endpoints]
    assert [(each["address"], each["port_value"]) for each in addresses] == [("api.bank.example", 8443)]


def test_kind_prints_one_part_of_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    static = compiled_red(capsys)["static_resources"]
    assert compiled_red(capsys, "--kind", "bootstrap")["static_resources"] == static
    assert compiled_red(capsys, "--kind", "listeners") == static["listeners"]
    assert [CLOUD_MAP, *(each["name"] for each in compiled_red(capsys, "--kind", "clusters"))] == [
        each["name"] for each in static["clusters"]
    ]
    assert compiled_red(capsys, "--kind", "files") == {}
    routes = [route["name"] for route in compiled_red(capsys, "--kind", "routes")]
    assert (routes[0], len(set(routes))) == ("rds_ingress_http_80", len(routes))


@pytest.mark.parametrize(
    ("arguments", "ports"),
    [
        pytest.param([], [15000, 15001], id="by-default"),
        pytest.param(["--interception", "transparent"], [15000, 15001], id="transparent"),
        # The last one keeps the application from listening on all addresses.
        pytest.param(["--interception", "loopback"], [15100, 80, 80], id="loopback"),
    ],
)
def test_interception_decides_the_ports_of_the_listeners(
    arguments: list[str], ports: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    listeners = compiled_red(capsys, "--kind", "listeners", *arguments)
    assert [listener["address"]["socket_address"]["port_value"] for listener in listeners] == ports


def test_kind_files_prints_the_watched_files_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    watch = ("--watch", "/etc/envoy")
    bootstrap, files = compiled_red(capsys, *watch), compiled_red(capsys, *watch, "--kind", "files")
    assert {key: value["path_config_source"]["path"] for key, value in bootstrap["dynamic_resources"].items()} == {
        "lds_config": "/etc/envoy/lds.json",
        "cds_config": "/etc/envoy/cds.json",
    }
    assert {"lds.json", "cds.json", "eds/cds_egress_color-mesh_green_http_80.json"} <= files.keys()


def test_watched_folder_can_be_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert compiled_red(capsys, "--watch", "envoy") == compiled_red(capsys, "--watch", str(tmp_path / "envoy"))


@pytest.mark.envoy
def test_envoy_accepts_the_compiled_bootstrap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bootstrap = tmp_path / "red.json"
    bootstrap.write_text(printed(capsys, "compile", MANIFESTS, "--node", "red"))
    envoy = shutil.which("envoy", path=sysconfig.get_path("scripts")) or "envoy"
    command = [envoy, "--mode", "validate", "--config-path", str(bootstrap), "--log-level", "warning"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, f"configuration '{bootstrap}' OK"), done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["compile", MANIFESTS, "--node", "rad"],
            "--node: unknown virtual node, got 'rad' (known: blue, green, red, yellow)",
            id="node",
        ),
        pytest.param(
            ["compile", MANIFESTS, "--gateway", "red"],
            "--gateway: unknown virtual gateway, got 'red' (known: color-gateway)",
            id="gateway",
        ),
        pytest.param(
            ["show", MANIFESTS, "--mesh", "colors"], "--mesh: unknown mesh, got 'colors' (known: color-mesh)", id="mesh"
        ),
        pytest.param(
            ["show", MANIFESTS, "--set", "Region", "--set", "a"],
            "--set: not NAME=VALUE, got 'Region' (such as --set AWS::Region=eu-west-1)\n"
            "--set: not NAME=VALUE, got 'a' (such as --set AWS::Region=eu-west-1)",
            id="set",
        ),
        pytest.param(
            ["show", MANIFESTS, "--set", "Color=red"],
            "value of 'Color': matches nothing in the templates, got 'Color' (parameters: none)",
            id="set-unknown",
        ),
        pytest.param(
            ["show", "/nowhere"],
            "/nowhere: cannot be read, got 'No such file or directory' (give an existing file or folder)",
            id="source",
        ),
    ],
)
def test_invalid_value_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, *arguments) == f"{message}\n"


def test_compile_requires_the_name_of_one_of_several_meshes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "meshes.yaml"
    path.write_text(TWO_MESHES)
    assert refusal(capsys, "compile", str(path), "--node", "red") == (
        "--mesh: the source has several meshes, got None (one of: a, b)\n"
    )
    assert run("compile", str(path), "--node", "red", "--mesh", "a") == 0


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "color_mesh", *arguments], capture_output=True, text=True, timeout=20, check=False
    )


def cpu_seconds_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        pytest.param(
            "half.json",
            '{"Resources": ',
            "is not valid JSON, got 'line 1, column 15: Expecting value' (correct it there)",
            id="broken-json",
        ),
        pytest.param(
            "laughs.yaml",
            "a0: &a0 [ha, ha]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
            "is too large when expanded, got '4398046511101 values' (at most 400000, with aliases expanded)",
            id="billion-laughs",
        ),
        pytest.param(
            "deep.yaml",
            "a: " + "[" * 100_000,
            "is nested too deeply, got 'more than 100 levels' (remove levels, or an alias that contains itself)",
            id="deep",
        ),
        pytest.param(
            "large.json",
            '{"Resources": "' + 5_000_000 * "a" + '"}',
            "is too large, got '5000017 bytes' (at most 1000000)",
            id="5-mb",
        ),
    ],
)
def test_bad_file_ends_in_one_message_within_2_seconds(name: str, text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    start = cpu_seconds_of_children()
    done = command("show", str(path))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{path}: {message}\n")
    # Not the time on the clock, which also depends on the other processes of the machine.
    assert cpu_seconds_of_children() - start < 2


def test_closed_pipe_is_not_an_error() -> None:
    line = f"{sys.executable} -m color_mesh compile {MANIFESTS} --node red 2>&1 | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, UPDATED, "")


def test_interrupted_command_in_a_container_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("color_mesh.cli.commands.exec.execute", interrupt)
    assert main(["exec", "red", "--", "true"]) == 130


@pytest.mark.parametrize("stream", [1, 2])
def test_closed_standard_streams_are_no_error(stream: int) -> None:
    command = ["sh", "-c", f'exec "$@" {stream}>&-', "sh", sys.executable, "-m", "color_mesh", "show", MANIFESTS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, UPDATED in done.stdout, "Traceback" in done.stderr) == (0, False, False)
