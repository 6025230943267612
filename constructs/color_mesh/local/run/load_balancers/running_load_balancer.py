"""A running load balancer: an Envoy that passes on connections or requests, and checks the health of its targets."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from color_mesh.ecs.containers import Container
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.target_groups import TargetGroup
from color_mesh.envoy import ServerEndpoints
from color_mesh.envoy.clusters import load_assignment
from color_mesh.envoy.discovery import CLUSTERS_FILE, endpoints_file
from color_mesh.envoy.typed import CLUSTER, CLUSTER_LOAD_ASSIGNMENT, Json, discovery_response
from color_mesh.local.folder import LogFile
from color_mesh.local.plan.programs import Program
from color_mesh.local.plan.runnable import RunnableContainer
from color_mesh.local.run.background import start_in_background
from color_mesh.local.run.certificate_authority import CertificateAuthority, ServerCertificate
from color_mesh.local.run.envoys.discovery_server import DiscoveryDocuments, serve_documents
from color_mesh.local.run.isolation import RUN_FOLDER
from color_mesh.local.run.load_balancers.bootstrap import load_balancer_bootstrap
from color_mesh.local.run.load_balancers.certificate_names import certificate_names
from color_mesh.local.run.load_balancers.clusters import target_endpoint
from color_mesh.local.run.load_balancers.configuration import clusters, documents
from color_mesh.local.run.load_balancers.surroundings import Surroundings
from color_mesh.local.run.load_balancers.targets import LoadBalancerTarget, has_requests, target_health
from color_mesh.local.run.network.vpc import Vpc
from color_mesh.local.run.tasks.container_process import NET_BIND_SERVICE, Sandbox
from color_mesh.local.run.tasks.running_container import RunningContainer
from color_mesh.local.run.tasks.service_scheduler import wait_after_failures
from color_mesh.local.run.tasks.task_registry import RegisteredTask

# Time for Envoy to accept one step of a change; then the next step follows anyway.
_ACCEPT_SECONDS = 5.0
# An Envoy that ends sooner has failed to start.
_START_SECONDS = 10.0
# The user of Envoy's image.
_USER = (101, 101)
_ENVOY = RunnableContainer(
    definition=Container(name="envoy", image="envoy"),
    program=Program(command=("envoy",), envoy=True),
    user=_USER,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunParts:
    """Parts of a run that its load balancers share.

    Attributes:
        vpc: The VPC.
        authority: Certificate authority of the run.
        sandbox: Properties that all containers share.
        print_message: Prints a message to the terminal.
        on_error: Receives an unexpected exception.
    """

    vpc: Vpc
    authority: CertificateAuthority
    sandbox: Sandbox
    print_message: Callable[[str], None]
    on_error: Callable[[BaseException], None]


class RunningLoadBalancer:
    """Running load balancer.

    Args:
        network: Name of its network namespace.
        definition: The load balancer as the templates declare it.
        groups: Target groups by key.
        surroundings: Properties that its definition does not have.
        log: Log file of its Envoy.
        run: Parts of the run.

    Attributes:
        network: Name of its network namespace.
        definition: The load balancer as the templates declare it.
        address: IPv4 address; ``None`` before it starts.
    """

    def __init__(
        self,
        network: str,
        definition: LoadBalancer,
        groups: Mapping[str, TargetGroup],
        surroundings: Surroundings,
        log: LogFile,
        run: RunParts,
    ) -> None:
        self.network = network
        self._folder = RUN_FOLDER / network
        self.definition = definition
        self.address: IPv4Address | None = None
        self._groups = {key: groups[key] for key in definition.target_groups}
        self._surroundings = surroundings
        self._log = log
        self._run = run
        self._server = AsyncExitStack()
        self._endpoints = ServerEndpoints(socket=str(self._folder / "discovery.sock"))
        self._clusters: list[Json] = []
        self._certificates: dict[tuple[str, ...], ServerCertificate] = {}
        self._documents = DiscoveryDocuments(
            lambda document: run.print_message(f"{definition.name}: Envoy rejects {document}")
        )
        self._envoy: RunningContainer | None = None
        self._envoy_since = 0.0
        self._failures = 0
        self._stopping = False
        self._command: tuple[str, ...] = ()

    @property
    def pid(self) -> int | None:
        """Process id of its Envoy, in the namespace of the run."""
        return self._envoy.pid if self._envoy is not None else None

    def can_become(self, definition: LoadBalancer) -> bool:
        """Return whether it can be changed to another definition. Otherwise it is replaced."""
        fixed = (definition.name, definition.dns_name, definition.type, definition.subnets, definition.public)
        current = self.definition
        return fixed == (current.name, current.dns_name, current.type, current.subnets, current.public)

    async def start(self) -> None:
        """Start the load balancer."""
        definition, vpc = self.definition, self._run.vpc
        self.address = await vpc.attach(self.network, definition.subnets, definition.groups, definition.public)
        self._folder.mkdir(parents=True)
        owner = self._run.sandbox.users.outside(_USER)
        socket = Path(self._endpoints.socket)
        await self._server.enter_async_context(serve_documents(self._documents, socket, owner))
        await self._documents.put(self._configuration())
        bootstrap = self._folder / "bootstrap.json"
        bootstrap.write_text(json.dumps(load_balancer_bootstrap(definition, self._endpoints)))
        options = ("--disable-hot-restart", "--concurrency", "1", "--log-level", "warning")
        self._command = ("envoy", "--config-path", str(bootstrap), *options)
        await self._start_envoy()

    async def change(
        self, definition: LoadBalancer, groups: Mapping[str, TargetGroup], surroundings: Surroundings
    ) -> None:
        """Take over changed listeners, rules and target groups. Open connections remain.

        Clusters are added before the routes to them, and removed after these.
        """
        unchanged = definition == self.definition and surroundings == self._surroundings
        if unchanged and all(groups[key] == group for key, group in self._groups.items()):
            return
        before = self._clusters
        self.definition, self._surroundings = definition, surroundings
        self._groups = {key: groups[key] for key in definition.target_groups}
        configuration = self._configuration()
        names = {cluster["name"] for cluster in self._clusters}
        unused = [cluster for cluster in before if cluster["name"] not in names]
        await self._documents.put({CLUSTERS_FILE: discovery_response(CLUSTER, *self._clusters, *unused)})
        await self._documents.wait_until_accepted(CLUSTERS_FILE, _ACCEPT_SECONDS)
        routes = {name: each for name, each in configuration.items() if name != CLUSTERS_FILE}
        await self._documents.put(routes)
        for name in routes:
            await self._documents.wait_until_accepted(name, _ACCEPT_SECONDS)
        await self._documents.put(configuration)

    def _configuration(self) -> dict[str, Json]:
        self._clusters = clusters(self.definition, self._groups, self._endpoints)
        names = (*certificate_names(self.definition, self._surroundings.domain_names), str(self.address))
        # Another certificate would replace the listeners.
        if names not in self._certificates:
            self._certificates = {names: self._run.authority.issue(*names)}
        ports = self._surroundings.machine_ports
        return documents(self.definition, self._endpoints, self._certificates[names], self._clusters, ports)

    async def stop(self) -> None:
        """Stop the load balancer."""
        self._stopping = True
        if self._envoy is not None:
            await self._envoy.stop()
        await self._server.aclose()
        await self._run.vpc.detach(self.network)

    async def update_targets(self, tasks_of: Callable[[str], Iterable[RegisteredTask]]) -> None:
        """Send Envoy its targets: the tasks that are registered in each target group."""
        await self._documents.put(
            {
                endpoints_file(key): discovery_response(
                    CLUSTER_LOAD_ASSIGNMENT,
                    load_assignment(
                        key,
                        [target_endpoint(str(task.address), task.port or 0, task.draining) for task in tasks_of(key)],
                    ),
                )
                for key in self._groups
            }
        )

    async def wait_for_targets(self) -> None:
        """Wait until Envoy has the targets that were sent last."""
        for key in self._groups:
            await self._documents.wait_until_accepted(endpoints_file(key), _ACCEPT_SECONDS)

    async def has_requests(self, address: str) -> bool:
        """Return whether the target with an address has requests that are not complete."""
        return await has_requests(self.network, self._groups, address)

    async def target_health(self) -> Mapping[LoadBalancerTarget, str | None]:
        """Return why each target fails its health check, ``None`` for a healthy one; without those not checked yet."""
        return await target_health(self.network, self._groups)

    async def _start_envoy(self, wait_seconds: float = 0) -> None:
        await asyncio.sleep(wait_seconds)
        if self._stopping:
            return
        self._envoy_since = time.monotonic()
        self._envoy = RunningContainer(
            _ENVOY,
            self._run.sandbox,
            self.network,
            self._log,
            self._envoy_changed,
            asyncio.Semaphore(1),
            capabilities=(NET_BIND_SERVICE,),
        )
        await self._envoy.start(self._command, self._folder)

    def _envoy_changed(self) -> None:
        if self._envoy is not None and self._envoy.status == "STOPPED" and not self._stopping:
            self._run.print_message(f"{self.definition.name}: {self._envoy.reason}, restarting it")
            lasted = time.monotonic() - self._envoy_since >= _START_SECONDS
            self._failures = 1 if lasted else self._failures + 1
            start_in_background(self._start_envoy(wait_after_failures(self._failures)), self._run.on_error)
