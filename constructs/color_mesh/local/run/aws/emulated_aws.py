"""The part of AWS that the tasks of a run call."""

import os
import ssl
import time
from collections.abc import Callable, Mapping

from color_mesh.ecs.roles import Role
from color_mesh.local.folder import LogFile, RunFolder
from color_mesh.local.plan.assembly import ACCOUNT, Plan
from color_mesh.local.run.aws.access import AccessControl
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.apis import ACM, APIS, CLOUD_MAP, OUTAGES, PRIVATE_CA, SECRETS_MANAGER
from color_mesh.local.run.aws.certificate_apis import acm_api, private_ca_api, secrets_manager_api
from color_mesh.local.run.aws.certificate_store import CertificateStore
from color_mesh.local.run.aws.cloud_map import CloudMap
from color_mesh.local.run.aws.cloud_map_api import cloud_map_api
from color_mesh.local.run.aws.credentials import CredentialStore
from color_mesh.local.run.aws.endpoints import ENDPOINTS, TELEMETRY, host_names
from color_mesh.local.run.aws.http_server import MAX_BODY_BYTES, HttpServer, Responder
from color_mesh.local.run.aws.json_api import Api, JsonApi
from color_mesh.local.run.aws.outage import Outage
from color_mesh.local.run.aws.telemetry import TelemetryStore
from color_mesh.local.run.aws.telemetry_api import TelemetryApi
from color_mesh.local.run.aws.weights import weights_request
from color_mesh.local.run.certificate_authority import CertificateAuthority
from color_mesh.local.run.network.iptables_rules import CREDENTIALS_ENDPOINT
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.task_registry import TaskRegistry
from color_mesh.model import MeshError
from color_mesh.model.errors import printable, problem

_MAX_MESSAGES = 200
# Envoy sends 256 spans in a request, which have about 300 KiB.
_MAX_TELEMETRY_BYTES = 1024 * 1024
_MAX_MESSAGE_LENGTH = 1000


class EmulatedAws:
    """Credentials of tasks, and the APIs that they call.

    Args:
        plan: Returns the plan.
        registry: Registered tasks.
        cloud_map_delay_seconds: Delay until Cloud Map has a change of registered tasks.
        authority: Certificate authority of the run.
        folder: Folder of the run, for the log files of the APIs.
        print_message: Prints a message to the terminal.
        on_change: Called when an instance of Cloud Map has changed.
        on_error: Receives an unexpected exception.

    Attributes:
        cloud_map: Cloud Map.
        outages: Outages that are emulated, by API.
        certificates: Certificates, authorities and secrets.
        telemetry: Spans and metrics that tasks have sent.
    """

    def __init__(
        self,
        plan: Callable[[], Plan],
        registry: TaskRegistry,
        cloud_map_delay_seconds: float,
        authority: CertificateAuthority,
        folder: RunFolder,
        print_message: Callable[[str], None],
        on_change: Callable[[], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._plan = plan
        self._authority = authority
        self._folder = folder
        self._print_message = print_message
        self._applied: Plan | None = None
        self._tasks: dict[str, RunningTask] = {}
        self._printed: set[tuple[str, str]] = set()
        self.cloud_map = CloudMap(registry, cloud_map_delay_seconds, on_change)
        self.outages = {name: Outage() for name in APIS}
        self.certificates = CertificateStore(authority.root, lambda: self._plan().certificates)
        self._credentials = CredentialStore()
        self.telemetry = TelemetryStore()
        self._access = AccessControl(self._credentials, self._role_of, self._print_once)
        self._on_error = on_error
        self._credentials_server = HttpServer(CREDENTIALS_ENDPOINT, self._credentials.respond, on_error)
        self._servers = {
            CLOUD_MAP: self._json_server(CLOUD_MAP, cloud_map_api(self.cloud_map)),
            ACM: self._json_server(ACM, acm_api(self.certificates)),
            PRIVATE_CA: self._json_server(PRIVATE_CA, private_ca_api(self.certificates)),
            SECRETS_MANAGER: self._json_server(SECRETS_MANAGER, secrets_manager_api(self.certificates)),
            TELEMETRY: self._server(
                TELEMETRY, TelemetryApi(self.telemetry, self._access).respond, _MAX_TELEMETRY_BYTES
            ),
        }

    def start(self) -> None:
        """Listen for requests."""
        for server in (self._credentials_server, *self._servers.values()):
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
            for name, server in self._servers.items():
                server.stop()
                self._listen(name)
        self.cloud_map.apply(self._applied, is_stable)

    def fail(self, api: str, kind: str) -> None:
        """Begin an outage of an API, which replaces another one."""
        self.outages[api].kind = kind
        self._print_message(f"{api} fails: {OUTAGES[kind]}; color-mesh heal {api} ends it")
        self._listen(api)

    def heal(self, api: str) -> None:
        """End the outage of an API."""
        self.outages[api].kind = None
        self._print_message(f"{api} works again")
        self._listen(api)

    def renew(self, name: str | None, days: int) -> list[dict[str, str]]:
        """Replace certificates; see `CertificateStore.renew`.

        Raises:
            MeshError: If there is no such certificate, or it cannot be issued.
        """
        try:
            renewed = self.certificates.renew(name, days)
        except ApiError as error:
            raise MeshError(
                [problem("renew", "the certificate is not issued", str(error), "check the templates")]
            ) from None
        for each in renewed:
            self._print_message(f"certificate of {each['names']}: renewed, until {each['expires']}")
        return renewed

    async def set_weights(self, route: str, weights: Mapping[str, int]) -> None:
        """Register the instance of a route with other weights, as an operator would do it.

        Raises:
            MeshError: If the weights are invalid, or the call fails.
        """
        request = weights_request(self.cloud_map, route, weights)
        try:
            await self.outages[CLOUD_MAP].apply()
            self.cloud_map.call("RegisterInstance", request)
        except ApiError as error:
            fix = "color-mesh heal cloud-map" if self.outages[CLOUD_MAP].kind else "check the templates"
            raise MeshError([problem(f"set route {route}", "RegisterInstance fails", str(error), fix)]) from None

    def environment(self, task: RunningTask) -> Mapping[str, str]:
        """Return the variables that AWS Fargate and ECS set in the containers of a new task."""
        variables = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), task.runnable.region)
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

    def _listen(self, api: str) -> None:
        if api in self.outages and self.outages[api].kind == "down":
            self._servers[api].stop()
        else:
            self._servers[api].start()

    def _json_server(self, name: str, api: Api) -> HttpServer:
        log = self._folder.log_file(name)
        return self._server(
            name, JsonApi(api, self._access, self.outages[name], lambda line: _write(log, line)).respond
        )

    def _server(self, name: str, respond: Responder, max_body_bytes: int = MAX_BODY_BYTES) -> HttpServer:
        def tls() -> ssl.SSLContext:
            return self._authority.issue(*host_names(name, self._plan().regions)).context()

        return HttpServer(ENDPOINTS[name], respond, self._on_error, tls, max_body_bytes)

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


def _write(log: LogFile, line: str) -> None:
    descriptor = log.open()
    try:
        os.write(descriptor, f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n".encode())
    finally:
        os.close(descriptor)
