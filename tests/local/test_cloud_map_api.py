"""The API of Cloud Map: its log, and what it prints about calls."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import cast

import pytest

from color_mesh.ecs.roles import Role
from color_mesh.local.folder import RunFolder
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run.aws.access import AccessControl
from color_mesh.local.run.aws.cloud_map import CloudMap
from color_mesh.local.run.aws.cloud_map_api import cloud_map_api
from color_mesh.local.run.aws.credentials import CredentialStore
from color_mesh.local.run.aws.emulated_aws import EmulatedAws
from color_mesh.local.run.aws.http_server import HttpRequest
from color_mesh.local.run.aws.json_api import JsonApi
from color_mesh.local.run.aws.outage import Outage
from color_mesh.local.run.certificate_authority import CertificateAuthority
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.task_registry import TaskRegistry
from tests.support.local_templates import planned


def log_lines(target: str, outage: str | None = None) -> list[str]:
    """Return the log of a call that is not signed."""
    lines: list[str] = []
    outages = Outage()
    outages.kind = outage
    api = JsonApi(
        cloud_map_api(CloudMap(TaskRegistry(lambda: None), 0, lambda: None)),
        AccessControl(CredentialStore(), lambda task: Role(name=task), lambda _task, _text: None),
        outages,
        lines.append,
    )
    headers = {"x-amz-target": (target,), "host": ("servicediscovery.us-east-1.amazonaws.com",)}
    request = HttpRequest(client=IPv4Address("10.0.0.4"), method="POST", target="/", headers=headers, body=b"")
    asyncio.run(api.respond(request))
    return [line.rpartition(" ")[0] for line in lines]


def test_log_has_the_action_of_a_call() -> None:
    assert log_lines("Route53AutoNaming_v20170314.ListServices") == [
        "10.0.0.4 ListServices 400 MissingAuthenticationTokenException"
    ]


@pytest.mark.parametrize(
    ("outage", "answer"),
    [
        ("deny", "400 AccessDeniedException"),
        ("throttle", "400 RequestLimitExceeded"),
        ("down", "503 ServiceUnavailable"),
    ],
)
def test_api_answers_errors_of_clients_with_the_status_400_of_its_protocol(outage: str, answer: str) -> None:
    assert log_lines("Route53AutoNaming_v20170314.ListServices", outage) == [f"10.0.0.4 ListServices {answer}"]


def test_log_has_no_other_text_of_a_client() -> None:
    assert log_lines("Route53AutoNaming_v20170314.\x1b[2J" + "x" * 10_000) == [
        "10.0.0.4 - 400 UnknownOperationException"
    ]


def emulated_aws(folder: Path, plan: Plan, print_message: Callable[[str], None]) -> EmulatedAws:
    return EmulatedAws(
        lambda: plan,
        TaskRegistry(lambda: None),
        0,
        CertificateAuthority(),
        RunFolder(os.open(folder, os.O_PATH)),
        print_message,
        lambda: None,
        lambda _: None,
    )


def test_containers_have_the_region_of_their_stack(tmp_path: Path) -> None:
    plan = replace(planned(tmp_path), regions=("eu-west-1", "us-west-2"))
    (service,) = plan.services.values()
    task = cast(RunningTask, _Task(replace(plan.task(service), region="us-west-2"), service))
    variables = emulated_aws(tmp_path, plan, lambda _: None).environment(task)
    assert (variables["AWS_REGION"], variables["AWS_DEFAULT_REGION"]) == ("us-west-2", "us-west-2")


def test_message_about_a_task_is_one_line(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    messages: list[str] = []
    aws = emulated_aws(tmp_path, plan, messages.append)
    (service,) = plan.services.values()
    task = cast(RunningTask, _Task(plan.task(service), service))
    aws.environment(task)
    aws._print_once("task", "no service exists with the name x\ncloud-map works again")
    assert messages == [r"caller/task: no service exists with the name x\ncloud-map works again"]


class _Task:
    def __init__(self, runnable: object, service: object) -> None:
        self.id, self.name, self.address = "task", "caller/task", None
        self.runnable, self.service = runnable, service
