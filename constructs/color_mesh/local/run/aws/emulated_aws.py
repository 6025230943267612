"""The part of AWS that the tasks of a run call."""

import os
import ssl
import time
from collections.abc import Callable, Mapping

from color_mesh.ecs.roles import Role
from color_mesh.local.folder import LogFile
from color_mesh.local.plan.assembly import ACCOUNT, Plan
from color_mesh.local.run.aws.access import AccessControl
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.cloud_map import CloudMap
from color_mesh.local.run.aws.cloud_map_api import CloudMapApi, host_names
from color_mesh.local.run.aws.credentials import CredentialStore
from color_mesh.local.run.aws.http_server import HttpServer
from color_mesh.local.run.aws.outage import OUTAGES, Outage
from color_mesh.local.run.aws.telemetry import TelemetryStore
from color_mesh.local.run.aws.telemetry_api import TelemetryApi, telemetry_hosts
from color_mesh.local.run.aws.weights import weights_request
from color_mesh.local.run.certificate_authority import CertificateAuthority
from color_mesh.local.run.network.iptables_rules import (
    CLOUD_MAP_ENDPOINT,
    CREDENTIALS_ENDPOINT,
    TELEMETRY_ENDPOINT,
)
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.task_registry import TaskRegistry
from color_mesh.model import MeshError
from color_mesh.model.errors import printable, problem

_MAX_MESSAGES = 200
# Envoy sends 256 spans in a request, which have about 300 KiB.
_MAX_BODY_BYTES = 1024 * 1024
_MAX_MESSAGE_LENGTH = 1000


class EmulatedAws:
    """Credentials of tasks, the API of Cloud Map, and the endpoints of telemetry.

    Args:
        plan: Returns the plan.
        registry: Registered tasks.
        cloud_map_delay_seconds: Delay until the API has a change of registered tasks.
        authority: Certificate authority of the run.
        log: Log file of the API.
        print_message: Prints a message to the terminal.
        on_change: Called when an instance of Cloud Map has changed.
        on_error: Receives an unexpected exception.

    Attributes:
        cloud_map: Cloud Map.
        outage: Outage that is emulated.
        telemetry: Spans and metrics that tasks have sent.
    """

    def __init__(
        self,
        plan: Callable[[], Plan],
        registry: TaskRegistry,
        cloud_map_delay_seconds: float,
        authority: CertificateAuthority,
        log: LogFile,
        print_message: Callable[[str], None],
        on_change: Callable[[], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._plan = plan
        self._authority = authority
        self._log = log
        self._print_message = print_message
        self._applied: Plan | None = None
        self._tasks: dict[str, RunningTask] = {}
        self._printed: set[tuple[str, str]] = set()
        self.cloud_map = CloudMap(registry, cloud_map_delay_seconds, on_change)
        self.outage = Outage()
        self._credentials = CredentialStore()
        self.telemetry = TelemetryStore()
        access = AccessControl(self._credentials, self._role_of, self._print_once)
        telemetry_api = TelemetryApi(self.telemetry, access)
        api = CloudMapApi(self.cloud_map, access, self.outage, self._write)
        self._servers = {
            "credentials": HttpServer(CREDENTIALS_ENDPOINT, self._credentials.respond, on_error),
            "cloud-map": HttpServer(CLOUD_MAP_ENDPOINT, api.respond, on_error, lambda: self._tls(host_names)),
            "telemetry": HttpServer(
                TELEMETRY_ENDPOINT, telemetry_api.respond, on_error, lambda: self._tls(telemetry_hosts), _MAX_BODY_BYTES
            ),
        }

    def start(self) -> None:
        """Listen for requests."""
        for server in self._servers.values():
            server.start()

    def apply(self, is_stable: Callable[[str], bool]) -> None:
        """Take over the plan.

        Args:
            is_stable: Returns whether a resource is stable.
        """
        before, self._applied = self._applied, self._plan()
        if before is not self._applied:
            self._printed.clear()
        if before is not None and before.regions != self._applied.regions:
            # Certificates have the regions in their names.
            for name in ("cloud-map", "telemetry"):
                self._servers[name].stop()
            self._servers["telemetry"].start()
            self._listen()
        self.cloud_map.apply(self._applied, is_stable)

    def fail(self, kind: str) -> None:
        """Begin an outage of Cloud Map, which replaces another one."""
        self.outage.kind = kind
        self._print_message(f"cloud-map fails: {OUTAGES[kind]}; color-mesh heal cloud-map ends it")
        self._listen()

    def heal(self) -> None:
        """End the outage of Cloud Map."""
        self.outage.kind = None
        self._print_message("cloud-map works again")
        self._listen()

    async def set_weights(self, route: str, weights: Mapping[str, int]) -> None:
        """Register the instance of a route with other weights, as an operator would do it.

        Raises:
            MeshError: If the weights are invalid, or the call fails.
        """
        request = weights_request(self.cloud_map, route, weights)
        try:
            await self.outage.apply()
            self.cloud_map.call("RegisterInstance", request)
        except ApiError as error:
            fix = "color-mesh heal cloud-map" if self.outage.kind else "check the templates"
            raise MeshError([problem(f"set route {route}", "RegisterInstance fails", str(error), fix)]) from None

    def environment(self, task: RunningTask) -> Mapping[str, str]:
        """Return the variables that AWS Fargate and ECS set in the containers of a new task."""
        variables = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), self._plan().regions[0])
        role = task.runnable.definition.task_role
        declared = self._plan().roles.get(role or "")
        # ECS cannot assume a role that does not trust it, and so has no credentials of it.
        if role is None or (declared is not None and not declared.trusts_tasks):
            return variables
        self._tasks[task.id] = task
        arn = role if declared is None else f"arn:aws:iam::{ACCOUNT}:role/{declared.name}"
        path = self._credentials.add(task.id, arn, lambda: task.address)
        return {**variables, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": path}

    def forget(self, task: RunningTask) -> None:
        """Invalidate the credentials of a task that has stopped."""
        self._credentials.remove(task.id)
        self._tasks.pop(task.id, None)

    def _listen(self) -> None:
        server = self._servers["cloud-map"]
        if self.outage.kind == "down":
            server.stop()
        else:
            server.start()

    def _tls(self, hosts: Callable[[tuple[str, ...]], tuple[str, ...]]) -> ssl.SSLContext:
        return self._authority.issue(*hosts(self._plan().regions)).context()

    def _role_of(self, task: str) -> Role:
        role = self._tasks[task].runnable.definition.task_role or ""
        # The permissions of a role that no template declares are unknown.
        return self._plan().roles.get(role, Role(name=role, known=False))

    def _print_once(self, task: str, text: str) -> None:
        """Print a message about a task, once for all tasks of its service."""
        running = self._tasks.get(task)
        if running is None or (running.service.name, text) in self._printed:
            return
        # The text may be that of a container, which is not trusted.
        if len(self._printed) < _MAX_MESSAGES:
            self._printed.add((running.service.name, text))
            # Line ends of it would begin lines that look like messages of the run.
            self._print_message(f"{running.name}: {printable(text)[:_MAX_MESSAGE_LENGTH]}")

    def _write(self, line: str) -> None:
        descriptor = self._log.open()
        try:
            os.write(descriptor, f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n".encode())
        finally:
            os.close(descriptor)
