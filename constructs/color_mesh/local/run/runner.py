"""A running mesh: brings what runs in line with the plan, and with each new plan."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

from color_mesh.ecs.target_groups import HTTP_PROTOCOLS
from color_mesh.envoy import Instance
from color_mesh.local.folder import LogFile, RunFolder
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.compiled_envoys import Compiler, compile_envoy
from color_mesh.local.plan.diagnosis import obstacles
from color_mesh.local.plan.runnable import RunnableContainer
from color_mesh.local.run.aws.emulated_aws import EmulatedAws
from color_mesh.local.run.background import start_in_background
from color_mesh.local.run.certificate_authority import CertificateAuthority
from color_mesh.local.run.dns.records import records_to_serve
from color_mesh.local.run.dns.resolver_process import ResolverProcess
from color_mesh.local.run.envoys import admin_interface
from color_mesh.local.run.envoys.mesh_configuration import MeshConfiguration
from color_mesh.local.run.envoys.sidecar import Sidecar
from color_mesh.local.run.load_balancers.load_balancers import LoadBalancers
from color_mesh.local.run.load_balancers.running_load_balancer import RunParts
from color_mesh.local.run.load_balancers.target_health import watch_target_health
from color_mesh.local.run.network.vpc import Vpc
from color_mesh.local.run.propagation import Propagation
from color_mesh.local.run.tasks.container_process import Sandbox
from color_mesh.local.run.tasks.registration import instances, register
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.service_scheduler import ServiceScheduler
from color_mesh.local.run.tasks.task_registry import TaskRegistry
from color_mesh.model import Mesh, MeshError

_CONCURRENT_HEALTH_CHECKS = 8
_STOP_SECONDS = 2.0


class Runner:
    """State of a run, which follows the plan.

    Args:
        plan: The plan.
        folder: Folder of the run, for its log files.
        sandbox: Properties that all containers share.
        authority: Certificate authority of the run.
        print_message: Prints a message to the terminal.
        on_error: Receives an unexpected exception.
        dns_delay_seconds: Delay until DNS has a change of registered tasks.
        cloud_map_delay_seconds: Delay until the API of Cloud Map has a change of registered tasks.
        first_port: Port of the machine for the first published port.
        compiler: Compiler of the configuration of one Envoy. Default: `compile_envoy`.

    Attributes:
        plan: The plan that runs now.
        configuration: Meshes, and the configurations of their Envoys.
        schedulers: Schedulers of the services, by the key of the service.
        load_balancers: Load balancers.
        vpc: The VPC.
        aws: The part of AWS that tasks call.
        sandbox: Properties that all containers share.
        health_checks: Limits how many health checks of containers run at the same time.
        changed: Set when the status or health of a task has changed.
        on_error: Receives an unexpected exception.
    """

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        sandbox: Sandbox,
        authority: CertificateAuthority,
        print_message: Callable[[str], None],
        on_error: Callable[[BaseException], None],
        dns_delay_seconds: float,
        cloud_map_delay_seconds: float,
        first_port: int,
        compiler: Compiler = compile_envoy,
    ) -> None:
        self.plan = plan
        self.configuration = MeshConfiguration(compiler)
        self.schedulers: dict[str, ServiceScheduler] = {}
        self.sandbox = sandbox
        self.vpc = Vpc(plan.network, sandbox.users)
        self.load_balancers = LoadBalancers(
            RunParts(
                vpc=self.vpc,
                authority=authority,
                sandbox=sandbox,
                print_message=print_message,
                on_error=on_error,
            ),
            folder,
            first_port,
        )
        self.health_checks = asyncio.Semaphore(_CONCURRENT_HEALTH_CHECKS)
        self.changed = asyncio.Event()
        self._publish = asyncio.Event()
        self._registry = TaskRegistry(self._publish.set)
        self._dns_tasks = Propagation(self._registry.tasks_of, dns_delay_seconds)
        self.aws = EmulatedAws(
            lambda: self.plan,
            self._registry,
            cloud_map_delay_seconds,
            authority,
            folder,
            print_message,
            self._publish.set,
            on_error,
        )
        # The plan whose services have their schedulers.
        self._deployed: Plan | None = None
        self._resolver = ResolverProcess(
            self.vpc.resolver, folder.log_file("resolver"), print_message, self._publish.set
        )
        self._folder = folder
        self._print_message = print_message
        self.on_error = on_error
        self._working: list[asyncio.Task[None]] = []
        self._printed_warnings: tuple[str, ...] = ()
        self._printed_messages: dict[str, str] = {}
        self._stopping = False

    @property
    def tasks(self) -> list[RunningTask]:
        """All tasks that have not stopped."""
        return [task for scheduler in self.schedulers.values() for task in scheduler.tasks]

    @property
    def is_steady(self) -> bool:
        """True if every service has the desired number of tasks, all healthy and up to date."""
        has_all = self.schedulers.keys() == self.plan.services.keys()
        return has_all and all(scheduler.is_steady for scheduler in self.schedulers.values())

    @property
    def resolver_pid(self) -> int | None:
        """Process id of the resolver, in the namespace of the run."""
        return self._resolver.pid

    async def start(self) -> None:
        """Start the VPC and its resolver, then everything of the plan."""
        await self.vpc.start()
        self.aws.start()
        watching = watch_target_health(
            self.load_balancers, lambda: self.tasks, self._registry, self._wake_scheduler, self._print_once
        )
        self._working = [
            start_in_background(each, self.on_error)
            for each in (self._resolver.run(), self._publish_registrations(), watching)
        ]
        await self._resolver.wait_until_started()
        await self.apply(self.plan)

    async def stop(self) -> None:
        """Stop all Envoys, so that they write the rest of their logs; other processes end with the run."""
        self._stopping = True
        for each in self._working:
            each.cancel()
        stops: list[Awaitable[object]] = []
        for task in self.tasks:
            for container in task.containers.values():
                if container.runnable.bootstrap:
                    # On SIGTERM, its entry point would drain first.
                    stops.append(admin_interface.request(task.network, "/quitquitquit", "POST"))
                elif container.runnable.program.envoy:
                    stops.append(container.stop())
        stops += [load_balancer.stop() for load_balancer in self.load_balancers]
        if stops:
            await asyncio.wait([asyncio.ensure_future(each) for each in stops], timeout=_STOP_SECONDS)

    async def apply(self, plan: Plan) -> None:
        """Take over another plan: start what is new, stop what is gone, and replace or reconfigure what has changed."""
        before, self.plan = self.plan, plan
        warnings = self.configuration.apply(plan)
        for warning in warnings:
            if warning not in self._printed_warnings:
                self._print_message(f"warning: {warning}")
        self._printed_warnings = warnings
        if plan.network.cidr != before.network.cidr:
            self._print_message(f"the CIDR of the VPC is now {plan.network.cidr}: end this run and start it again")
        await self.vpc.change(plan.network, lambda network: self.load_balancers.groups(network, plan))
        await self._configure_envoys()
        await self.load_balancers.apply(plan)
        await self._apply_services(plan)
        self._deployed = plan
        self._publish.set()

    async def change_mesh(self, mesh: Mesh) -> None:
        """Replace a mesh, and send its Envoys their new configuration."""
        self.configuration.change_meshes({**self.configuration.meshes, mesh.name: mesh})
        await self._configure_envoys()

    def log_file(self, task: RunningTask, container: RunnableContainer) -> LogFile | None:
        """Return a container's log file; ``None`` if it has no log group."""
        definition = container.definition
        if definition.log_group is None:
            return None
        group = self.plan.log_groups.get(definition.log_group, definition.log_group)
        return self._folder.log_file("cloudwatch", group, definition.log_prefix or "", container.name, task.id)

    async def configure(self, task: RunningTask, container: RunnableContainer, sidecar: Sidecar) -> None:
        """Send an Envoy its configuration, unless App Mesh would not give it one."""
        try:
            compiled = self.configuration.of(task.service, sidecar.resource)
        except MeshError as error:
            self._print_once(task, f"{container.name} gets no configuration: {'; '.join(error.problems)}")
        else:
            await sidecar.configure(compiled, self._instances)

    def environment(self, task: RunningTask) -> Mapping[str, str]:
        """Return the variables that ECS sets in the containers of a new task."""
        return self.aws.environment(task)

    def task_changed(self, task: RunningTask) -> None:
        """Register or deregister a task, print what is wrong with it, and wake its scheduler."""
        if task.status == "RUNNING" and task.running_since:
            register(self._registry, task, self.plan)
        if task.status in ("STOPPING", "STOPPED"):
            self._registry.deregister(task.id, self._delays(task) if task.status == "STOPPING" else ())
        if task.status == "STOPPED":
            self.aws.forget(task)
        if task.status == "STOPPED" and task.failed:
            self._print_once(task, f"stopped: {task.reason}")
        for container in task.containers.values():
            if container.health == "UNHEALTHY" and task.status == "RUNNING":
                self._print_once(task, container.reason)
        self._wake_scheduler(task)

    async def drain_targets(self, task: RunningTask) -> None:
        """Wait until application load balancers have no requests of a task, at most for the deregistration delay.

        ECS stops the containers after that (ECS Developer Guide, *Task lifecycle*: DEACTIVATING).
        """
        delays = self._delays(task)
        if task.address is not None and task.running_since and delays and not self._stopping:
            seconds = max(delays.values())
            await self.load_balancers.drain(str(task.address), seconds, self._registry.tasks_of)

    def _delays(self, task: RunningTask) -> dict[str, int]:
        """Return the deregistration delays of a task's target groups of application load balancers."""
        groups = {each.registry: self.plan.target_groups.get(each.registry) for each in task.service.targets}
        return {
            key: group.deregistration_delay_seconds
            for key, group in groups.items()
            if group is not None and group.protocol in HTTP_PROTOCOLS
        }

    async def _configure_envoys(self) -> None:
        """Send the Envoys that run their configuration."""
        changes = [
            self.configure(task, task.containers[name].runnable, sidecar)
            for task in self.tasks
            for name, sidecar in task.sidecars.items()
            if task.containers[name].status == "RUNNING"
        ]
        await asyncio.gather(*changes)

    async def _apply_services(self, plan: Plan) -> None:
        for key in [key for key in self.schedulers if key not in plan.services]:
            scheduler = self.schedulers.pop(key)
            self._print_message(f"{scheduler.service.name}: stopping it, the templates do not declare it any more")
            await scheduler.stop()
        for key, service in plan.services.items():
            if key not in self.schedulers:
                self.schedulers[key] = ServiceScheduler(service, self._start_task, self.on_error)
            self.schedulers[key].run(service, plan.task(service))

    def _start_task(self, scheduler: ServiceScheduler) -> RunningTask:
        service = scheduler.service
        task = RunningTask(service, self.plan.task(service), self)
        start_in_background(task.start(obstacles(self.plan, service)), self.on_error)
        return task

    def _wake_scheduler(self, task: RunningTask) -> None:
        for scheduler in self.schedulers.values():
            if task in scheduler.tasks:
                scheduler.wake()
        if self.aws.cloud_map.is_waiting:
            self._publish.set()
        self.changed.set()

    def _print_once(self, task: RunningTask, text: str) -> None:
        """Print a message about a task, unless it is the last one printed about it."""
        if self._printed_messages.get(task.id) != text and not self._stopping:
            self._printed_messages[task.id] = text
            self._print_message(f"{task.name}: {text}")

    def _is_stable(self, place: str) -> bool:
        """Return whether a resource is stable. Of an ECS service, all tasks are healthy and up to date."""
        return place not in self.plan.services or self.schedulers[place].is_steady

    def _instances(self, dns_name: str) -> Iterable[Instance]:
        return instances(self.plan, self._registry, dns_name)

    async def _publish_registrations(self) -> None:
        """Send changes of the registry to Envoys and load balancers at once, and to the resolver after its delay."""
        while True:
            with suppress(asyncio.TimeoutError):
                pending = (self._dns_tasks.seconds_until_change(), self.aws.cloud_map.seconds_until_change())
                seconds = min((each for each in pending if each is not None), default=None)
                await asyncio.wait_for(self._publish.wait(), seconds)
            self._publish.clear()
            if self._deployed is self.plan:
                self.aws.apply(self._is_stable)
            self.aws.cloud_map.update()
            self._dns_tasks.update(self.plan.discovery)
            self._resolver.send(records_to_serve(self.plan, self._dns_tasks, self.load_balancers.addresses))
            sidecars = [sidecar for task in self.tasks for sidecar in task.sidecars.values()]
            # Load balancers first: nothing retries the connections that they send to a task that has ended.
            await asyncio.gather(
                self.load_balancers.update_targets(self._registry.tasks_of),
                *(sidecar.update_endpoints(self._instances) for sidecar in sidecars),
            )
