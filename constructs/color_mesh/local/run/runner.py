"""A running mesh: everything of a plan, kept as the plan has it, also when there is a new one."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from color_mesh.envoy import Instance
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.compiled_envoys import CompiledEnvoys
from color_mesh.local.plan.diagnosis import denial, obstacles, warnings
from color_mesh.local.plan.runnable import RunnableContainer
from color_mesh.local.run import admin
from color_mesh.local.run.balancer import RunningBalancer
from color_mesh.local.run.controller import Controller
from color_mesh.local.run.dns_names import RunningResolver, answers
from color_mesh.local.run.fabric import Fabric
from color_mesh.local.run.propagation import Propagation
from color_mesh.local.run.registry import Registered, Registry
from color_mesh.local.run.sidecars import Sidecar, waiting
from color_mesh.local.run.task import Task
from color_mesh.local.run.work import begin
from color_mesh.model import Mesh, MeshError

_PROBES_AT_ONCE = 8
_BALANCER_PAUSE_SECONDS = 0.25
_BEGINNING_SECONDS = 2.0
_ENDING_SECONDS = 2.0
_MEMBERS = r"^cluster\.cds_egress_.*\.membership_total$"
_TRAFFIC = r"^(cluster\.cds_egress_.*\.upstream_(rq|cx)_|http\.[^.]*\.downstream_rq_)"


class Runner:
    """Run a plan.

    Args:
        plan: What is to run.
        logs: The folder of the logs.
        say: Tells people what happens.
        failed: Told of an error that nobody expected.
        dns_delay_seconds: How long DNS takes to hear of tasks.

    Attributes:
        plan: What is to run now.
        meshes: Its meshes, with the changes that were made to them since.
        controllers: What keeps the tasks of services, by what tells these from others.
        balancers: The load balancers, likewise.
    """

    def __init__(
        self,
        plan: Plan,
        logs: Path,
        say: Callable[[str], None],
        failed: Callable[[BaseException], None],
        dns_delay_seconds: float,
    ) -> None:
        self.plan = plan
        self.meshes: Mapping[str, Mesh] = {}
        self._compiled = CompiledEnvoys(())
        self.controllers: dict[str, Controller] = {}
        self.balancers: dict[str, RunningBalancer] = {}
        self.fabric = Fabric(plan.network)
        self.registry = Registry(self._registered)
        self._names = Propagation(self.registry, dns_delay_seconds)
        self.changed = asyncio.Event()
        self._logs = logs
        self._say = say
        self._failed = failed
        self._probes = asyncio.Semaphore(_PROBES_AT_ONCE)
        self._publish = asyncio.Event()
        self._resolver = RunningResolver(self.fabric.resolver, logs / "resolver", say, self._publish.set)
        self._working: list[asyncio.Task[None]] = []
        self._warned: set[str] = set()
        self._said: dict[str, str] = {}
        self._stopping = False

    @property
    def tasks(self) -> list[Task]:
        """All tasks that have not stopped."""
        return [task for controller in self.controllers.values() for task in controller.tasks]

    @property
    def is_steady(self) -> bool:
        """Whether every service has its tasks, all well."""
        everything = self.controllers.keys() == self.plan.services.keys()
        return everything and all(controller.is_steady for controller in self.controllers.values())

    @property
    def resolver_pid(self) -> int | None:
        """The number of the resolver's process, among those of the run."""
        return self._resolver.pid

    async def start(self) -> None:
        """Start everything of the plan."""
        await self.fabric.start()
        self._working = [
            begin(each, self._failed) for each in (self._resolver.run(), self._publishing(), self._balancing())
        ]
        await self._resolver.answering()
        await self.apply(self.plan)

    async def stop(self) -> None:
        """End all Envoys, so that they write the last of their logs; everything else ends with the run."""
        self._stopping = True
        for each in self._working:
            each.cancel()
        stops: list[Awaitable[object]] = []
        for task in self.tasks:
            for container in task.containers.values():
                if container.runnable.bootstrap:
                    # It would drain first, which nobody waits for now.
                    stops.append(admin.ask(task.network, "/quitquitquit", "POST"))
                elif container.runnable.program.envoy:
                    stops.append(container.stop())
        stops += [balancer.stop() for balancer in self.balancers.values()]
        if stops:
            await asyncio.wait([asyncio.ensure_future(each) for each in stops], timeout=_ENDING_SECONDS)

    async def apply(self, plan: Plan) -> None:
        """Take on another plan: what is new starts, what is gone stops, what has changed is replaced or told."""
        before, self.plan = self.plan, plan
        self._compiled = self._compiled.with_meshes(plan.meshes)
        self._warn()
        if plan.network.cidr != before.network.cidr:
            self._say(f"the VPC has other addresses, {plan.network.cidr}: end this run and start it again")
        await self.fabric.change(plan.network, self._groups)
        meshes = {mesh.name: mesh for mesh in plan.meshes}
        if self.meshes and before.meshes == plan.meshes and dict(self.meshes) != meshes:
            meshes = dict(self.meshes)  # What was set by hand stays until the templates say something else.
        await self.change_meshes(meshes)
        await self._apply_balancers(plan)
        await self._apply_services(plan)
        self._publish.set()

    async def change_meshes(self, meshes: Mapping[str, Mesh]) -> None:
        """Give every Envoy that is concerned another configuration."""
        self.meshes = meshes
        self._compiled = self._compiled.with_meshes(meshes.values())
        sidecars = [
            self._configure(task, task.containers[name].runnable, sidecar)
            for task in self.tasks
            for name, sidecar in task.sidecars.items()
            if task.containers[name].status == "RUNNING"
        ]
        await asyncio.gather(*sidecars)

    async def traffic(self) -> list[dict[str, Any]]:
        """Ask every Envoy what went through it."""
        found = [task for task in self.tasks if any(each.runnable.program.envoy for each in task.containers.values())]
        counted = await asyncio.gather(*(admin.stats(task.network, _TRAFFIC) for task in found), return_exceptions=True)
        return [
            {"service": task.service.name, "stats": stats, "gateway": task.runnable.application.program.envoy}
            for task, stats in zip(found, counted, strict=True)
            if not isinstance(stats, BaseException)
        ]

    async def discover(self, seconds: float) -> None:
        """Wait until Envoys that find others by DNS have found them, for ``seconds`` at most."""
        seeking = [task for task in self.tasks if any(each.bootstrap for each in task.runnable.containers)]
        until = time.monotonic() + seconds
        while seeking and time.monotonic() < until:
            counts = (admin.stats(task.network, _MEMBERS) for task in seeking)
            counted = zip(seeking, await asyncio.gather(*counts, return_exceptions=True), strict=True)
            seeking = [task for task, found in counted if isinstance(found, BaseException) or 0 in found.values()]
            await asyncio.sleep(_BALANCER_PAUSE_SECONDS)

    def _warn(self) -> None:
        found = warnings(self.plan, self._compiled)
        for each in found:
            if each not in self._warned:
                self._say(f"warning: {each}")
        self._warned = set(found)

    def _groups(self, network: str) -> tuple[str, ...] | None:
        for key, balancer in self.balancers.items():
            if balancer.network == network and key in self.plan.load_balancers:
                return self.plan.load_balancers[key].groups
        return None

    async def _apply_balancers(self, plan: Plan) -> None:
        for key, running in list(self.balancers.items()):
            wanted = plan.load_balancers.get(key)
            if wanted != running.definition or not running.has_groups(plan.target_groups):
                del self.balancers[key]
                await running.stop()
        for number, (key, wanted) in enumerate(plan.load_balancers.items()):
            if key not in self.balancers:
                log = self._logs / wanted.name / "envoy"
                network = f"lb{number}-{int(time.monotonic() * 10) % 10**6}"
                made = RunningBalancer(network, wanted, plan.target_groups, self.fabric, log, self._say, self._failed)
                self.balancers[key] = made
                await made.start()

    async def _apply_services(self, plan: Plan) -> None:
        for key in [key for key in self.controllers if key not in plan.services]:
            controller = self.controllers.pop(key)
            self._say(f"{controller.service.name} is not in the templates any more, and stops")
            await controller.stop()
        for key, service in plan.services.items():
            if key not in self.controllers:
                self.controllers[key] = Controller(service, self._start_task, self._failed)
            self.controllers[key].run(service, plan.task(service))

    def _start_task(self, controller: Controller) -> Task:
        service = controller.service

        def changed(task: Task) -> None:
            self._noticed(task)
            controller.wake()
            self.changed.set()

        task = Task(
            service,
            self.plan.task(service),
            self.fabric,
            self._log,
            self._configure,
            changed,
            self._failed,
            self._probes,
        )
        begin(task.start(obstacles(self.plan, service)), self._failed)
        return task

    def _log(self, task: Task, container: RunnableContainer) -> Path | None:
        """Find the file of a container's log, called as CloudWatch's stream is (Docker's awslogs driver on ECS)."""
        definition = container.definition
        if definition.log_group is None:
            return None
        group = self.plan.log_groups.get(definition.log_group, definition.log_group).strip("/")
        return self._logs / group / (definition.log_prefix or "") / container.name / task.id

    async def _configure(self, task: Task, container: RunnableContainer, sidecar: Sidecar) -> Any:
        """Give an Envoy its configuration, if it may have it; answer with what it starts with."""
        try:
            refused = denial(self.plan, task.service, sidecar.resource, self._compiled)
            if refused is None:
                return await sidecar.configure(self._compiled.of(sidecar.resource), self._instances)
        except MeshError as error:
            refused = str(error)
        self._say_once(task, f"{container.name} gets no configuration: {refused}")
        return waiting(sidecar.resource)

    def _instances(self, dns_name: str) -> Iterable[Instance]:
        """Find the tasks that are registered under a name."""
        for key, service in self.plan.discovery.items():
            if service.dns_name.lower() == dns_name.lower():
                for each in self.registry.of(key):
                    yield Instance(port=each.port or 0, ipv4=str(each.address), attributes=each.attributes)

    def _noticed(self, task: Task) -> None:
        if task.status == "RUNNING" and task.running_since:
            self._register(task)
        if task.status in ("STOPPING", "STOPPED"):
            self.registry.remove(task.id)
        if task.status == "STOPPED" and task.failed:
            self._say_once(task, f"stopped: {task.reason}")
        for container in task.containers.values():
            if container.health == "UNHEALTHY" and task.status == "RUNNING":
                self._say_once(task, container.reason)

    def _say_once(self, task: Task, text: str) -> None:
        if self._said.get(task.id) != text and not self._stopping:
            self._said[task.id] = text
            self._say(f"{task.name}: {text}")

    def _register(self, task: Task) -> None:
        service = task.service
        attributes = {
            "AWS_INSTANCE_IPV4": str(task.address),
            "ECS_SERVICE_NAME": service.name,
            "ECS_TASK_DEFINITION_FAMILY": task.runnable.definition.family,
        }
        for each in (*service.discovery, *service.targets):
            if task.address is not None and all(task.id != other.task for other in self.registry.of(each.registry)):
                entry = Registered(task=task.id, address=task.address, port=each.port, attributes=attributes)
                self.registry.add(each.registry, entry)

    def _registered(self) -> None:
        self._publish.set()

    async def _publishing(self) -> None:
        """Tell Envoys and load balancers whenever somebody comes or goes, and the resolver when DNS has heard of it."""
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._publish.wait(), self._names.due_seconds())
            self._publish.clear()
            self._names.look(self.plan.discovery)
            self._resolver.tell(answers(self.plan, self._names))
            sidecars = [sidecar for task in self.tasks for sidecar in task.sidecars.values()]
            await asyncio.gather(*(sidecar.find_endpoints(self._instances) for sidecar in sidecars))
            await asyncio.gather(*(balancer.register(self.registry.of) for balancer in self.balancers.values()))

    async def _balancing(self) -> None:
        """Ask load balancers how their targets are."""
        while True:
            for balancer in list(self.balancers.values()):
                for (group, address, port), refused in (await balancer.refusals()).items():
                    self._balanced(group, address, port, refused)
            for task in self.tasks:
                # What has only just begun to run may not listen yet.
                if task.refused_by is not None and time.monotonic() > task.running_since + _BEGINNING_SECONDS:
                    self._say_once(task, f"{task.address} {task.refused_by}")
            await asyncio.sleep(_BALANCER_PAUSE_SECONDS)

    def _balanced(self, group: str, address: str, port: int, refused: str | None) -> None:
        entries = {each.task: each for each in self.registry.of(group)}
        for task in self.tasks:
            entry = entries.get(task.id)
            if entry is None or (str(entry.address), entry.port) != (address, port):
                continue
            if (task.refused_by, task.awaited) != (refused, False):
                task.refused_by, task.awaited = refused, False
                self.wake(task)

    def wake(self, task: Task) -> None:
        """Let the controller of a task look at it again."""
        for controller in self.controllers.values():
            if task in controller.tasks:
                controller.wake()
        self.changed.set()
