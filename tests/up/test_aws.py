"""AWS as Envoy sees it: credentials of tasks, and the API of Cloud Map."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.calling_template import HOST, REGION, calling_template, permission
from tests.support.cloudformation import Template
from tests.support.local_mesh import COMMAND, LocalMesh, local_mesh

ROUTE = "http://localhost:8000/"
SIGN = (
    "credentials=$(curl -s 169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI); "
    'field() { echo "$credentials" | sed "s/.*\\"$1\\": \\"\\([^\\"]*\\)\\".*/\\1/"; }; '
    f'curl -s --aws-sigv4 aws:amz:{REGION}:servicediscovery --user "$(field AccessKeyId):$(field SecretAccessKey)" '
    '-H "x-amz-security-token: $(field Token)" -H "content-type: application/x-amz-json-1.1" '
)


def write(folder: Path, template: dict[str, Any]) -> Path:
    """Write a template to a new folder."""
    folder.mkdir()
    (folder / "shop.template.json").write_text(json.dumps(template))
    return folder


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMesh]:
    folder = tmp_path_factory.mktemp("aws")
    with local_mesh(write(folder / "templates", calling_template()), folder, "--cloud-map-delay", "0") as run:
        wait_for_weights(run, "green")
        yield run


def wait_for_weights(mesh: LocalMesh, *nodes: str) -> float:
    """Wait until requests go to these nodes and no others."""
    return mesh.wait_until(lambda: sorted(mesh.histogram("caller", ROUTE, 30)) == sorted(nodes), f"only {nodes}")


@contextmanager
def load(mesh: LocalMesh, seconds: int) -> Iterator[Counter[str]]:
    """Send 50 requests a second to the route; the counter has the status codes when the block has ended."""
    count = 50 * seconds
    line = (
        f"curl --silent --max-time 5 --rate 50/s '{ROUTE}?[1-{count}]' --output /dev/null --write-out '%{{http_code}} '"
    )
    codes: Counter[str] = Counter()
    command = [COMMAND, "exec", "caller", "--", "sh", "-c", line]
    with subprocess.Popen(command, cwd=mesh.folder, stdout=subprocess.PIPE, text=True) as process:
        yield codes
        assert process.stdout is not None
        codes.update(process.stdout.read().split())
    assert sum(codes.values()) == count


def call(mesh: LocalMesh, action: str, request: dict[str, Any], host: str = HOST, more: str = "") -> Any:
    """Call the API of Cloud Map as the role of the caller, signed by curl."""
    target = f"-H 'x-amz-target: Route53AutoNaming_v20170314.{action}'"
    line = f"{SIGN} {target} {more} -d '{json.dumps(request)}' https://{host}/"
    completed = mesh.execute("caller", "sh", "-c", line)
    return json.loads(completed.stdout) if completed.stdout.startswith("{") else completed.stderr or completed.stdout


def api_log(mesh: LocalMesh) -> list[str]:
    return (mesh.folder / ".color-mesh/logs/cloud-map").read_text().splitlines()


def test_request_signed_by_curl_is_answered(mesh: LocalMesh) -> None:
    response = call(mesh, "DiscoverInstances", {"NamespaceName": "shop.local", "ServiceName": "green"})
    assert {each["Attributes"]["AWS_INSTANCE_IPV4"] for each in response["Instances"]} == {
        task["address"] for task in mesh.tasks("green")
    }
    instance = response["Instances"][0]
    assert instance["HealthStatus"] == "HEALTHY"
    assert {**instance["Attributes"], "AWS_INSTANCE_IPV4": ""} == {
        "AWS_INSTANCE_IPV4": "",
        "AVAILABILITY_ZONE": f"{REGION}b",
        "REGION": REGION,
        "ECS_CLUSTER_NAME": "shop",
        "ECS_SERVICE_NAME": "green",
        "ECS_TASK_DEFINITION_FAMILY": "green",
        "AWS_INIT_HEALTH_STATUS": "UNHEALTHY",
    }


def test_unsigned_and_wrongly_signed_requests_are_refused(mesh: LocalMesh) -> None:
    names = {"NamespaceName": "shop.local", "ServiceName": "green"}
    plain = mesh.execute(
        "caller",
        "curl",
        "-s",
        "-X",
        "POST",
        f"https://{HOST}/",
        "-H",
        "x-amz-target: Route53AutoNaming_v20170314.DiscoverInstances",
    )
    assert json.loads(plain.stdout)["__type"] == "MissingAuthenticationTokenException"
    wrong = call(mesh, "DiscoverInstances", names, more="--user AKIA:wrong")
    assert wrong["__type"] == "UnrecognizedClientException"
    elsewhere = call(mesh, "DiscoverInstances", names, more="--aws-sigv4 aws:amz:eu-west-1:servicediscovery")
    assert elsewhere["__type"] == "InvalidSignatureException"


def test_missing_permission_of_another_action_is_named(mesh: LocalMesh) -> None:
    control = HOST.removeprefix("data-")
    assert call(mesh, "ListServices", {}, control)["__type"] == "AccessDeniedException"
    mesh.wait_for_output("servicediscovery:ListServices on *: no policy allows it, got role Role (allow")


def test_certificate_is_that_of_the_host_only(mesh: LocalMesh) -> None:
    other = mesh.execute("caller", "curl", "-s", "--resolve", "example.com:443:198.51.100.8", "https://example.com/")
    assert other.returncode == 60  # curl: the certificate does not match.


def test_credentials_are_those_of_the_task_alone(mesh: LocalMesh) -> None:
    path = mesh.execute("caller", "printenv", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").stdout.strip()
    assert '"AccessKeyId"' in mesh.curl("caller", f"http://169.254.170.2{path}")
    assert mesh.curl("green", f"http://169.254.170.2{path}").endswith("404")
    assert mesh.execute("green", "printenv", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").stdout == ""


def test_addresses_of_aws_are_not_those_of_the_machine(mesh: LocalMesh) -> None:
    routes = subprocess.run(["ip", "address"], capture_output=True, text=True, check=True).stdout
    assert "169.254.170.2" not in routes
    assert "198.51.100.8" not in routes


@pytest.mark.parametrize("port", [22, 53, 80, 9901])
def test_api_address_has_no_other_port(mesh: LocalMesh, port: int) -> None:
    assert mesh.curl("caller", f"http://198.51.100.8:{port}/", seconds=1).startswith("failed: ")


def test_private_key_of_the_authority_is_in_no_file(mesh: LocalMesh) -> None:
    files = [file for file in mesh.folder.rglob("*") if file.is_file()]
    assert files
    assert [file for file in files if b"PRIVATE KEY" in file.read_bytes()] == []
    found = mesh.execute("caller", "grep", "-rlI", "PRIVATE KEY", "/run", "/etc/ssl/certs", str(mesh.folder))
    assert found.stdout == ""


def test_weights_change_without_a_lost_request_and_without_a_new_task(mesh: LocalMesh) -> None:
    tasks = [task["id"] for name in ("caller", "green", "yellow") for task in mesh.tasks(name)]
    with load(mesh, 6) as codes:
        mesh.run("set", "route", "color-route", "green=0,yellow=1")
        seconds = wait_for_weights(mesh, "yellow")
        mesh.run("set", "route", "color-route", "green=1,yellow=0")
        wait_for_weights(mesh, "green")
    assert codes == {"200": 300}
    assert seconds < 3
    assert [task["id"] for name in ("caller", "green", "yellow") for task in mesh.tasks(name)] == tasks


def test_unknown_target_and_route_are_refused(mesh: LocalMesh) -> None:
    target = mesh.command("set", "route", "color-route", "red=1")
    assert (target.returncode, target.stderr) == (
        1,
        "set route color-route: unknown target, got 'red' (known: green, yellow)\n",
    )
    route = mesh.command("set", "route", "colour-route", "green=1")
    assert route.stderr == "set route: unknown route, got 'colour-route' (known: color-route)\n"


def test_unknown_outage_is_refused(mesh: LocalMesh) -> None:
    completed = mesh.command("fail", "cloud-map", "explode")
    assert completed.returncode == 2
    assert "invalid choice: 'explode'" in completed.stderr


def endpoints(mesh: LocalMesh, cluster: str) -> int:
    """Return the number of endpoints that the caller's Envoy has for a cluster."""
    output = mesh.curl("caller", f"http://localhost:9901/stats?filter=^cluster.{cluster}.membership_total")
    return int(re.findall(r": (\d+)", output)[0])


def without_permission_for_yellow(template: Template) -> None:
    template["Resources"]["Role"]["Properties"]["Policies"] = [permission("green", "router")]


def test_missing_permission_is_named_with_task_action_and_resource(tmp_path: Path) -> None:
    template = calling_template(green=1)
    without_permission_for_yellow(template)
    with local_mesh(write(tmp_path / "templates", template), tmp_path) as run:
        wait_for_weights(run, "green")
        denial = (
            "servicediscovery:DiscoverInstances on service 'yellow' of namespace 'shop.local': no policy allows it, "
        )
        denial += "got role Role (allow servicediscovery:DiscoverInstances on arn:aws:"
        run.wait_until(lambda: run.output().count(denial) == 2, "the warning and the denial are printed")
        warning, denied = (line for line in run.output().splitlines() if denial in line)
        assert f"warning: caller: envoy: {denial}" in warning
        assert re.search(r"  caller/[0-9a-f]{8}: servicediscovery:Disc", denied)
        assert endpoints(run, "yellow") == 0


def deny_egress(template: Template) -> None:
    only_web = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}
    template["Resources"]["Group"]["Properties"]["SecurityGroupEgress"] = [only_web]


def test_security_group_without_port_443_keeps_the_api_away(tmp_path: Path) -> None:
    template = calling_template(green=1)
    deny_egress(template)
    with local_mesh(write(tmp_path / "templates", template), tmp_path) as run:
        assert run.curl("caller", f"https://{HOST}/", seconds=1).startswith("failed: ")
        assert endpoints(run, "green") == 0


def test_new_weights_of_the_templates_wait_for_the_service_that_they_depend_on(tmp_path: Path) -> None:
    template = calling_template(green=1, yellow=0)
    with local_mesh(write(tmp_path / "templates", template), tmp_path, "--cloud-map-delay", "0") as run:
        wait_for_weights(run, "green")

        def add_yellow(changed: Template) -> None:
            resources = changed["Resources"]
            resources["yellowService"]["Properties"]["DesiredCount"] = 1
            # On AWS the first health check comes after its interval, so that callers know a task before it is healthy.
            # Here it comes at once. The Envoys ask again within 1.5 s.
            (yellow,) = resources["yellowTask"]["Properties"]["ContainerDefinitions"]
            yellow["HealthCheck"]["Command"] = ["CMD-SHELL", f"sleep 2; {yellow['HealthCheck']['Command'][1]}"]
            resources["Weights"]["Properties"]["InstanceAttributes"] = {"green": "0", "yellow": "1"}
            resources["Weights"]["DependsOn"] = ["yellowService"]

        caller = run.tasks("caller")[0]["id"]
        with load(run, 8) as codes:
            run.change("shop", add_yellow)
            wait_for_weights(run, "yellow")
        assert codes == {"200": 400}
        assert run.tasks("caller")[0]["id"] == caller
