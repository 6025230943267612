"""The network: security groups, redirection to Envoy, and DNS."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cloudformation import Template, ecs_service, editable
from tests.support.local_mesh import LocalMesh, local_mesh, template_of


@pytest.fixture(scope="module")
def mesh(cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMesh]:
    with local_mesh(cloud_assembly(desiredCount="2"), tmp_path_factory.mktemp("mesh"), "--dns-delay", "0") as run:
        yield run


def run_outside_the_vpc(mesh: LocalMesh, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the network namespace of the internet."""
    resolver = mesh.machine_pid(mesh.status()["resolver"])
    inside = ["nsenter", f"--target={resolver}", "--mount", "nsenter", "--net=/run/netns/internet"]
    return subprocess.run([*inside, *command], capture_output=True, text=True, timeout=20, check=False)


def is_reachable(mesh: LocalMesh, address: str, port: int) -> bool:
    completed = run_outside_the_vpc(
        mesh, "curl", "--silent", "--max-time", "1", "--output", "/dev/null", f"{address}:{port}"
    )
    return completed.returncode == 0


def test_only_the_load_balancer_is_reachable_from_the_internet(mesh: LocalMesh) -> None:
    addresses = [mesh.address("red-svc"), mesh.address("gateway-svc-load-balanced")]
    assert not [address for address in addresses if is_reachable(mesh, address, 80)]
    (balancer,) = mesh.status()["balancers"]
    assert is_reachable(mesh, balancer["address"], 80)


def test_only_the_listener_of_the_load_balancer_is_reachable(mesh: LocalMesh) -> None:
    (balancer,) = mesh.status()["balancers"]
    assert not is_reachable(mesh, balancer["address"], 9901)


def test_administration_interface_is_reachable_only_within_the_task(mesh: LocalMesh) -> None:
    address = mesh.address("red-svc")
    assert "LIVE" in mesh.curl("red", "http://localhost:9901/ready")
    completed = mesh.execute("blue", "curl", "--max-time", "2", f"http://{address}:9901", container="envoy-sidecar")
    assert completed.returncode != 0


def test_tasks_are_spread_over_the_subnets_of_their_service(mesh: LocalMesh) -> None:
    for name in ("red-svc", "gateway-svc-load-balanced"):
        assert {task["address"].rsplit(".", 2)[0] + task["address"].split(".")[2] for task in mesh.tasks(name)} == {
            "10.0128",
            "10.0192",
        }


def test_dns_name_resolves_to_every_task(mesh: LocalMesh) -> None:
    completed = mesh.execute("blue", "nslookup", "red.colors.local")
    found = set(re.findall(r"Address: ([0-9.]+)$", completed.stdout, re.MULTILINE))
    assert found == {task["address"] for task in mesh.tasks("red-svc")}


def test_requests_are_balanced_over_the_tasks(mesh: LocalMesh) -> None:
    mesh.histogram("blue", "http://red.colors.local", 200)
    counts = []
    for task in mesh.tasks("red-svc"):
        output = mesh.curl(task["id"], "http://localhost:9901/stats?filter=http.ingress.downstream_rq_2xx")
        counts.append(int(output.rsplit(": ", 1)[1]))
    assert min(counts) > 0.3 * sum(counts)


def test_task_has_the_iptables_rules_of_the_cni_plugin(mesh: LocalMesh) -> None:
    pid = mesh.machine_pid(mesh.pid("red-svc", "envoy-sidecar"))
    rules = subprocess.run(
        ["nsenter", f"--target={pid}", "--net", "iptables-save", "--table", "nat"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [line for line in rules.splitlines() if line.startswith("-A")] == [
        "-A PREROUTING -p tcp -m addrtype ! --src-type LOCAL -j APPMESH_INGRESS",
        "-A OUTPUT -p tcp -m addrtype ! --dst-type LOCAL -j APPMESH_EGRESS",
        "-A APPMESH_EGRESS -m owner --uid-owner 1337 -j RETURN",
        "-A APPMESH_EGRESS -d 169.254.170.2/32 -p tcp -j RETURN",
        "-A APPMESH_EGRESS -d 169.254.169.254/32 -p tcp -j RETURN",
        "-A APPMESH_EGRESS -p tcp -j REDIRECT --to-ports 15001",
        "-A APPMESH_INGRESS -p tcp -m multiport --dports 80 -j REDIRECT --to-ports 15000",
    ]


@pytest.mark.parametrize("container", ["red-app", "envoy-sidecar"])
def test_containers_have_the_default_capabilities_of_docker(mesh: LocalMesh, container: str) -> None:
    status = mesh.execute("red", "cat", "/proc/self/status", container=container).stdout
    bounding = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:"))
    assert bounding == "00000000a80425fb"
    rules = mesh.execute("red", "/usr/sbin/iptables", "--list", container=container)
    assert "Permission denied" in rules.stderr


def give_red_its_own_group(template: Template) -> None:
    group = {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "Red alone", "VpcId": "vpc-1", "GroupName": "red-sg"},
    }
    template["Resources"]["RedGroup"] = group
    network = ecs_service(template)["NetworkConfiguration"]["AwsvpcConfiguration"]
    network["SecurityGroups"] = [{"Fn::GetAtt": ["RedGroup", "GroupId"]}]


def allow_port_80_from_the_mesh(template: Template) -> None:
    other = ecs_service(template, "blue-svc")["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"][0]
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "SourceSecurityGroupId": other}
    editable(template, "AWS::EC2::SecurityGroup", GroupName="red-sg")["SecurityGroupIngress"] = [rule]


def test_changed_security_group_takes_effect(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with local_mesh(
        cloud_assembly(chapter="2"), tmp_path, change=template_of("EcsStack", give_red_its_own_group)
    ) as run:
        assert (
            "warning: red-svc: no security group of it allows tcp 80 from blue-svc, whose 'blue' calls 'red'"
        ) in run.output()
        assert run.curl("blue", "http://red.colors.local").startswith("failed: ")
        run.change("EcsStack", allow_port_80_from_the_mesh)
        run.wait_until(lambda: run.curl("blue", "http://red.colors.local") == "red", "red admits blue")
