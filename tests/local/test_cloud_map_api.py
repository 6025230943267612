"""The API of Cloud Map: its log, and what it prints about calls."""

import asyncio
import os
from ipaddress import IPv4Address
from pathlib import Path
from typing import cast

import pytest

from color_mesh.ecs.roles import Role
from color_mesh.local.folder import RunFolder
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


def test_message_about_a_task_is_one_line(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    messages: list[str] = []
    aws = EmulatedAws(
        lambda: plan,
        TaskRegistry(lambda: None),
        0,
        CertificateAuthority(),
        RunFolder(os.open(tmp_path, os.O_PATH)),
        messages.append,
        lambda: None,
        lambda _: None,
    )
    (service,) = plan.services.values()
    task = cast(RunningTask, _Task(plan.task(service), service))
    aws.environment(task)
    aws._print_once("task", "no service exists with the name x\ncloud-map works again")
    assert messages == [r"caller/task: no service exists with the name x\ncloud-map works again"]


class _Task:
    def __init__(self, runnable: object, service: object) -> None:
        self.id, self.name, self.address = "task", "caller/task", None
        self.runnable, self.service = runnable, service
