"""A run before its network has started."""

import asyncio
import os
from pathlib import Path
from typing import cast

from color_mesh.envoy import Configuration
from color_mesh.local.folder import RunFolder
from color_mesh.local.plan.compiled_envoys import compile_envoy
from color_mesh.local.run.certificate_authority import CertificateAuthority
from color_mesh.local.run.container_users import ContainerUsers
from color_mesh.local.run.envoys.sidecar import Sidecar
from color_mesh.local.run.runner import Runner
from color_mesh.local.run.tasks.container_process import Sandbox
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.visible_files import VisibleFiles
from color_mesh.model import Mesh, Telemetry, VirtualGateway, VirtualNode
from tests.support.local_templates import planned

# What the containers of a run share; nothing starts in these tests.
SANDBOX = Sandbox(
    users=cast(ContainerUsers, None), files=VisibleFiles(hidden=(), temporary=(), exposed=()), mounts_proc=True
)

AUTHORITY = CertificateAuthority()


def run_folder(path: Path) -> RunFolder:
    return RunFolder(os.open(path, os.O_PATH))


def test_run_is_not_steady_before_its_services_have_tasks(tmp_path: Path) -> None:
    messages: list[str] = []
    errors: list[BaseException] = []
    runner = Runner(
        planned(tmp_path), run_folder(tmp_path), SANDBOX, AUTHORITY, messages.append, errors.append, 0, 0, 8080
    )
    assert not runner.is_steady


def test_tasks_of_a_node_share_one_compiled_configuration(tmp_path: Path) -> None:
    compiled: list[str] = []

    def compiler(mesh: Mesh, part: VirtualNode | VirtualGateway, _: Telemetry | None) -> Configuration:
        compiled.append(part.name)
        return compile_envoy(mesh, part)

    async def configure_three_tasks() -> None:
        plan = planned(tmp_path)
        errors: list[BaseException] = []
        runner = Runner(
            plan, run_folder(tmp_path), SANDBOX, AUTHORITY, lambda _: None, errors.append, 0, 0, 8080, compiler=compiler
        )
        runner.configuration.apply(plan)
        (service,) = plan.services.values()
        ((container, resource),) = plan.sidecars(service)
        for _ in range(3):
            task = RunningTask(service, plan.task(service), runner)
            sidecar = Sidecar(resource, task.network, tmp_path, lambda _: None, errors.append)
            await runner.configure(task, container, sidecar)

    asyncio.run(configure_three_tasks())
    assert compiled == ["stock"]
