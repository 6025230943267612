"""A network load balancer: an Envoy that passes on connections, and asks its targets whether they are well."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from color_mesh.ecs.containers import Container
from color_mesh.ecs.load_balancers import LoadBalancer, TargetGroup, TargetHealthCheck
from color_mesh.envoy.clusters import endpoint, load_assignment
from color_mesh.envoy.discovery import config_source, endpoints_file, server_cluster
from color_mesh.envoy.placement import ADMIN_PORT, ServerEndpoints
from color_mesh.envoy.typed import (
    CLUSTER_LOAD_ASSIGNMENT,
    TCP_PROXY,
    UNLIMITED,
    Json,
    discovery_response,
    extension,
    socket_address,
)
from color_mesh.local.plan.programs import Program
from color_mesh.local.plan.runnable import RunnableContainer
from color_mesh.local.run import admin
from color_mesh.local.run.config_server import Feed, serving
from color_mesh.local.run.containers import RunningContainer
from color_mesh.local.run.fabric import Fabric
from color_mesh.local.run.namespace import RUN
from color_mesh.local.run.registry import Registered
from color_mesh.local.run.work import begin

_ENVOY = RunnableContainer(
    definition=Container(name="envoy", image="envoy"), program=Program(command=("envoy",), envoy=True)
)


class RunningBalancer:
    """Run a load balancer.

    Attributes:
        definition: What it is.
        address: Its address.
    """

    def __init__(
        self,
        network: str,
        definition: LoadBalancer,
        groups: Mapping[str, TargetGroup],
        fabric: Fabric,
        log: Path,
        say: Callable[[str], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.definition = definition
        self.network = network
        self.address: IPv4Address | None = None
        self._groups = {group: groups[group] for group in _target_groups(definition)}
        self._fabric = fabric
        self._log = log
        self._say = say
        self._failed = failed
        self._opened = AsyncExitStack()
        self._feed = Feed(lambda document: say(f"{definition.name}: Envoy does not take {document}"))
        self._envoy: RunningContainer | None = None
        self._stopping = False
        self._command: tuple[str, ...] = ()

    @property
    def pid(self) -> int | None:
        """The number of its process, among those of the run."""
        return self._envoy.pid if self._envoy is not None else None

    def has_groups(self, groups: Mapping[str, TargetGroup]) -> bool:
        """Tell whether its target groups are still these."""
        return all(groups.get(key) == group for key, group in self._groups.items())

    async def start(self) -> None:
        """Start it."""
        found = self.definition
        self.address = await self._fabric.attach(self.network, found.subnets, found.groups, found.public)
        folder = RUN / self.network
        folder.mkdir(parents=True)
        server = ServerEndpoints(socket=str(folder / "discovery.sock"))
        await self._opened.enter_async_context(serving(self._feed, Path(server.socket), (0, 0)))
        file = folder / "bootstrap.json"
        file.write_text(json.dumps(bootstrap(found, self._groups, server)))
        options = ("--disable-hot-restart", "--concurrency", "1", "--log-level", "warning")
        self._command = ("envoy", "--config-path", str(file), *options)
        await self._start_envoy()

    async def _start_envoy(self) -> None:
        self._envoy = RunningContainer(_ENVOY, self.network, self._log, self._noticed, asyncio.Semaphore(1))
        await self._envoy.start(self._command)

    async def stop(self) -> None:
        """Stop it."""
        self._stopping = True
        if self._envoy is not None:
            await self._envoy.stop()
        await self._opened.aclose()
        await self._fabric.detach(self.network)

    async def register(self, targets: Callable[[str], Iterable[Registered]]) -> None:
        """Tell it where its targets are."""
        await self._feed.put(
            {
                endpoints_file(group.name): discovery_response(
                    CLUSTER_LOAD_ASSIGNMENT,
                    load_assignment(group.name, [endpoint(str(each.address), each.port or 0) for each in targets(key)]),
                )
                for key, group in self._groups.items()
            }
        )

    async def refusals(self) -> Mapping[tuple[str, str, int], str | None]:
        """Find what its checks say of each target: ``None`` when it passes, else why it does not.

        Those that it has not asked yet are left out.
        """
        found: dict[tuple[str, str, int], str | None] = {}
        with suppress(OSError, asyncio.TimeoutError):
            answer = json.loads(await admin.ask(self.network, "/clusters?format=json"))
            names = {group.name: key for key, group in self._groups.items()}
            known = [each for each in answer.get("cluster_statuses", []) if each["name"] in names]
            for cluster in known:
                for host in cluster.get("host_statuses", []):
                    at = host["address"]["socket_address"]
                    flags = host.get("health_status", {})
                    key = (names[cluster["name"]], at["address"], at["port_value"])
                    failing = flags.get("failed_active_health_check")
                    if not flags.get("pending_active_hc"):
                        found[key] = self._words(cluster["name"], key[2]) if failing else None
        return found

    def _words(self, group: str, port: int) -> str:
        check = next(each.health_check for each in self._groups.values() if each.name == group)
        what = f"{check.protocol} {check.port or port}" + (f" {check.path}" if check.protocol != "TCP" else "")
        return f"fails the health check of {group} ({what})"

    def _noticed(self) -> None:
        if self._envoy is not None and self._envoy.status == "STOPPED" and not self._stopping:
            self._say(f"{self.definition.name}: {self._envoy.reason}, and is started again")
            begin(self._start_envoy(), self._failed)


def _target_groups(balancer: LoadBalancer) -> list[str]:
    return [each.target_group for each in balancer.listeners if each.target_group is not None]


def bootstrap(balancer: LoadBalancer, groups: Mapping[str, TargetGroup], server: ServerEndpoints) -> Json:
    """Write what the Envoy of a load balancer starts with."""
    return {
        "node": {"id": balancer.name, "cluster": balancer.name},
        "admin": {"address": socket_address("127.0.0.1", ADMIN_PORT)},
        "static_resources": {
            "listeners": [
                _listener(listener.port, groups[listener.target_group].name)
                for listener in balancer.listeners
                if listener.target_group is not None
            ],
            "clusters": [server_cluster(server), *(_cluster(group, server) for group in groups.values())],
        },
    }


def _listener(port: int, cluster: str) -> Json:
    # A network load balancer keeps an idle connection for 350 s (its User Guide, *Connection idle timeout*).
    proxy = extension(
        "envoy.filters.network.tcp_proxy", TCP_PROXY, stat_prefix=cluster, cluster=cluster, idle_timeout="350s"
    )
    return {
        "name": f"tcp_{port}",
        "address": socket_address("0.0.0.0", port),
        "filter_chains": [{"filters": [proxy]}],
    }


def _cluster(group: TargetGroup, server: ServerEndpoints) -> Json:
    thresholds = {"max_connections": UNLIMITED, "max_pending_requests": UNLIMITED, "max_requests": UNLIMITED}
    return {
        "name": group.name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": config_source(server, endpoints_file(group.name))},
        "connect_timeout": "5s",
        "lb_policy": "RANDOM",
        # When no target is well, all of them get connections (Network Load Balancers, *Target group health*).
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}},
        "close_connections_on_host_health_failure": True,
        "ignore_health_on_host_removal": True,
        "circuit_breakers": {"thresholds": [thresholds]},
        "health_checks": [_health_check(group.health_check)],
    }


def _health_check(check: TargetHealthCheck) -> Json:
    checks: dict[str, Any] = {
        "timeout": f"{check.timeout_seconds}s",
        "interval": f"{check.interval_seconds}s",
        # Envoy asks seldom while nobody sends anything; a load balancer does not.
        "no_traffic_healthy_interval": f"{check.interval_seconds}s",
        # Until a target passes it is asked more often than on AWS: a mesh on one machine starts in seconds.
        "no_traffic_interval": "0.250s",
        "unhealthy_interval": "0.250s",
        "healthy_edge_interval": "0.250s",
        "unhealthy_threshold": check.unhealthy_threshold,
        "healthy_threshold": check.healthy_threshold,
    }
    if check.port is not None:
        checks["alt_port"] = check.port
    if check.protocol == "TCP":
        return {**checks, "tcp_health_check": {}}
    return {**checks, "http_health_check": {"path": check.path, "expected_statuses": [{"start": 200, "end": 400}]}}
