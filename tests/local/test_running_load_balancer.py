"""Load balancers that cannot start, and Envoys that end at once."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.local.folder import LogFile, RunFolder
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run import supervisor
from color_mesh.local.run.certificate_authority import CertificateAuthority
from color_mesh.local.run.load_balancers import running_load_balancer
from color_mesh.local.run.load_balancers.load_balancers import LoadBalancers
from color_mesh.local.run.load_balancers.running_load_balancer import RunningLoadBalancer, RunParts
from color_mesh.local.run.load_balancers.surroundings import Surroundings
from color_mesh.local.run.network.vpc import Vpc
from color_mesh.local.run.supervisor import Supervisor
from color_mesh.local.run.tasks.container_process import Sandbox
from tests.support.local_templates import planned

DEFINITION = LoadBalancer(name="lb", dns_name="lb.example")
FULL = "every address of 10.0.0.0/28 is taken"


def run_parts(errors: list[BaseException], vpc: object = None) -> RunParts:
    return RunParts(
        vpc=cast(Vpc, vpc),
        authority=cast(CertificateAuthority, None),
        sandbox=cast(Sandbox, None),
        print_message=lambda _: None,
        on_error=errors.append,
    )


class FullVpc:
    """A VPC without free addresses."""

    async def attach(self, *_: object) -> None:
        raise RuntimeError(FULL)

    async def detach(self, _: str) -> None:
        """Remove nothing."""


@pytest.mark.parametrize(
    ("lifetime_seconds", "waits"), [(0.1, [0, 2, 4, 8, 16, 32, 60, 60]), (3600, [0, 0, 0, 0, 0, 0, 0, 0])]
)
def test_envoy_that_ends_at_once_is_restarted_after_longer_waits(
    monkeypatch: pytest.MonkeyPatch, lifetime_seconds: float, waits: list[float]
) -> None:
    now, slept, finished = [0.0], list[float](), asyncio.Event()

    class EndingEnvoy:
        """An Envoy that ends after its lifetime, until enough of them have."""

        def __init__(self, *arguments: Any, **_: object) -> None:
            self.on_change = arguments[4]
            self.status, self.reason, self.pid = "PENDING", "envoy ended with 1", None

        async def start(self, *_: object) -> None:
            if len(slept) > len(waits):
                finished.set()
                return
            now[0] += lifetime_seconds
            self.status = "STOPPED"
            self.on_change()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def work() -> None:
        errors: list[BaseException] = []
        log = cast(LogFile, None)
        tested = RunningLoadBalancer("lb0", DEFINITION, {}, Surroundings(), log, run_parts(errors))
        await tested._start_envoy()
        await asyncio.wait_for(finished.wait(), 5)
        assert not errors

    monkeypatch.setattr(running_load_balancer, "RunningContainer", EndingEnvoy)
    monkeypatch.setattr(
        running_load_balancer,
        "asyncio",
        SimpleNamespace(sleep=sleep, Semaphore=asyncio.Semaphore),
    )
    monkeypatch.setattr(running_load_balancer, "time", SimpleNamespace(monotonic=lambda: now[0]))
    asyncio.run(work())
    assert slept == [0, *waits]


def test_load_balancer_that_cannot_start_does_not_remain(tmp_path: Path) -> None:
    plan = replace(planned(tmp_path), load_balancers={"lb": DEFINITION})

    async def work() -> None:
        errors: list[BaseException] = []
        folder = RunFolder(os.open(tmp_path, os.O_PATH))
        tested = LoadBalancers(run_parts(errors, FullVpc()), folder, 8080)
        with pytest.raises(RuntimeError, match=FULL):
            await tested.apply(plan)
        assert not list(tested)

    asyncio.run(work())


def test_run_goes_on_as_it_was_if_the_machine_refuses_new_templates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(tmp_path)
    new = replace(plan, load_balancers={"lb": DEFINITION})
    applied: list[Plan] = []
    printed: list[str] = []

    class RefusingRunner:
        """A runner that cannot start a load balancer."""

        def __init__(self) -> None:
            self.plan = plan
            self.schedulers: dict[str, object] = {}

        async def apply(self, wanted: Plan) -> None:
            self.plan = wanted
            applied.append(wanted)
            if wanted.load_balancers:
                raise RuntimeError(FULL)

    async def one_change(*_: object) -> AsyncIterator[None]:
        yield None

    monkeypatch.setattr(supervisor, "changes", one_change)
    monkeypatch.setattr(supervisor, "_read_plan", lambda _: new)
    run = SimpleNamespace(_runner=RefusingRunner(), _paths=[], _options={}, _print=printed.append)
    asyncio.run(Supervisor._apply_new_templates(cast(Supervisor, run), None))
    assert applied == [new, plan]
    assert printed[-1] == f"the new templates cannot run, the mesh goes on as it was:\n{FULL}"
