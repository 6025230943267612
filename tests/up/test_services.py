"""Services replace tasks that stop, are unhealthy, or fail the health check of the load balancer."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cloudformation import Template, ecs_service, task_definition
from tests.support.local_mesh import LocalMesh, local_mesh, template_of
from tests.support.rolling_deployment import SHORT_DELAYS, shorten_draining


def shorten_health_checks(template: Template) -> None:
    """Shorten intervals, so that health checks fail after seconds instead of half a minute."""
    for container in task_definition(template)["ContainerDefinitions"]:
        container["HealthCheck"] |= {"Interval": 1, "Timeout": 1, "Retries": 2, "StartPeriod": 0}
        container["StopTimeout"] = 2
    ecs_service(template, "gateway-svc-load-balanced")["HealthCheckGracePeriodSeconds"] = 1
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::TargetGroup":
            resource["Properties"] |= {"HealthCheckIntervalSeconds": 1, "UnhealthyThresholdCount": 2}


def shorten_ttls(template: Template) -> None:
    """Shorten TTLs, as the resolver keeps an answer of the tutorial's records for 300 seconds."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ServiceDiscovery::Service":
            for record in resource["Properties"]["DnsConfig"]["DnsRecords"]:
                record["TTL"] = 1


@pytest.fixture(scope="module")
def mesh(cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMesh]:
    def change(assembly: Path) -> None:
        template_of("EcsStack", shorten_health_checks)(assembly)
        template_of("MeshStack", shorten_ttls)(assembly)
        shorten_draining(assembly)

    with local_mesh(cloud_assembly(), tmp_path_factory.mktemp("mesh"), *SHORT_DELAYS, change=change) as run:
        yield run


def resolved_addresses(mesh: LocalMesh, name: str) -> list[str]:
    """Return the addresses that a name resolves to."""
    return re.findall(r"Address: ([0-9.]+)$", mesh.execute("blue", "nslookup", name).stdout, re.MULTILINE)


@pytest.mark.parametrize("container", ["yellow-app", "envoy-sidecar"])
def test_task_with_a_killed_container_is_replaced_and_registered(mesh: LocalMesh, container: str) -> None:
    before = mesh.tasks("yellow-svc")[0]
    mesh.kill(mesh.pid("yellow-svc", container))
    mesh.wait_for_output(
        f"yellow-svc/{before['id'][:8]}: stopped: essential container {container} was ended by SIGKILL"
    )
    mesh.wait_until(
        lambda: bool(mesh.tasks("yellow-svc")) and mesh.tasks("yellow-svc")[0]["healthy"], "another task is healthy"
    )
    after = mesh.tasks("yellow-svc")[0]
    assert after["id"] != before["id"]
    mesh.wait_until(lambda: resolved_addresses(mesh, "yellow.colors.local") == [after["address"]], "DNS has the change")


def test_status_counts_replaced_tasks(mesh: LocalMesh) -> None:
    before = next(each["replaced"] for each in mesh.status()["services"] if each["name"] == "green-svc")
    mesh.kill(mesh.pid("green-svc", "green-app"))
    mesh.wait_until(
        lambda: (
            before + 1 == next(each["replaced"] for each in mesh.status()["services"] if each["name"] == "green-svc")
        ),
        "the replaced task is counted",
    )
    mesh.wait_until_steady()


def test_unhealthy_task_is_replaced(mesh: LocalMesh) -> None:
    before = mesh.tasks("red-svc")[0]
    pid = mesh.machine_pid(mesh.pid("red-svc", "red-app"))
    os.kill(pid, signal.SIGSTOP)
    mesh.wait_for_output(f"red-svc/{before['id'][:8]}: red-app is unhealthy: `curl -f http://localhost/healthcheck")
    mesh.wait_until(lambda: before["id"] not in [task["id"] for task in mesh.tasks("red-svc")], "the task is replaced")
    mesh.wait_until_steady()
    assert mesh.curl("blue", "http://red.colors.local") == "red"


def test_load_balancer_removes_an_unhealthy_target(mesh: LocalMesh) -> None:
    mesh.wait_until_steady()
    before = mesh.tasks("gateway-svc-load-balanced")[0]
    # Its own health check still passes: only the load balancer notices the closed listener.
    completed = mesh.execute(before["id"], "curl", "--request", "POST", "http://localhost:9901/drain_listeners")
    assert completed.stdout == "OK\n"
    mesh.wait_for_output(f"gateway-svc-load-balanced/{before['id'][:8]}: {before['address']} fails the health check of")
    assert {mesh.get("/") for _ in range(20)} == {"blue"}
    mesh.wait_until(
        lambda: before["id"] not in [task["id"] for task in mesh.tasks("gateway-svc-load-balanced")],
        "the task is replaced",
    )
    mesh.wait_until_steady()
    assert {mesh.get("/") for _ in range(20)} == {"blue"}


def set_desired_counts(template: Template) -> None:
    ecs_service(template, "red-svc")["DesiredCount"] = 3
    ecs_service(template, "yellow-svc")["DesiredCount"] = 0


def test_changed_desired_count_starts_and_stops_tasks(mesh: LocalMesh) -> None:
    kept = mesh.tasks("red-svc")[0]["id"]
    mesh.change("EcsStack", set_desired_counts)
    mesh.wait_until(
        lambda: (len(mesh.tasks("red-svc")), len(mesh.tasks("yellow-svc"))) == (3, 0), "there are three and none"
    )
    mesh.wait_until_steady()
    assert kept in [task["id"] for task in mesh.tasks("red-svc")]
    mesh.wait_until(lambda: not resolved_addresses(mesh, "yellow.colors.local"), "DNS has the change")
