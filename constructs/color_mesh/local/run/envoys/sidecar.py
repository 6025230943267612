"""An Envoy that receives its configuration from App Mesh: here from a discovery server of its own.

No request is lost while the configuration changes, because clusters are added before the routes to them, and removed
after these (Envoy's *xDS REST and gRPC protocol*, "Eventual consistency considerations").
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TypeAlias

from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.envoy import Configuration, Instance, ServerEndpoints, endpoints
from color_mesh.envoy.aws.certificates import CERTIFICATE_APIS, certificate_cluster
from color_mesh.envoy.aws.signed_cluster import REGION, URL_SUFFIX
from color_mesh.envoy.discovery import CLUSTERS_FILE, LISTENERS_FILE, dynamic_resources, server_cluster
from color_mesh.envoy.placement import ADMIN_PORT
from color_mesh.envoy.typed import CLUSTER, Json, discovery_response, socket_address
from color_mesh.local.plan.compiled_envoys import CERTIFICATE_REFRESH_SECONDS, DISCOVERY_SOCKET, CompiledEnvoy
from color_mesh.local.run.background import start_in_background
from color_mesh.local.run.envoys import admin_interface
from color_mesh.local.run.envoys.discovery_server import DiscoveryDocuments, serve_documents
from color_mesh.model.deployment import REFRESH_SECONDS

_URL_SUFFIX = "amazonaws.com"
# Time for Envoy to accept one step of a change; then the next step follows anyway.
_ACCEPT_SECONDS = 5.0
# How long clusters outlive the routes to them, for requests in flight.
_REMOVE_CLUSTERS_SECONDS = 2.0
# Options of Envoy in App Mesh's image, but for the access log: it is written at once, so that people can follow it.
_OPTIONS = ("--drain-time-s", "20", "--disable-hot-restart", "--concurrency", "1", "--file-flush-interval-msec", "100")

# Returns the tasks that are registered under a DNS name of Cloud Map.
InstanceLookup: TypeAlias = Callable[[str], Iterable[Instance]]


class Sidecar:
    """Configuration of one Envoy, and the changes of it while Envoy runs.

    Args:
        resource: Virtual node or virtual gateway whose configuration it receives.
        network: Network namespace of its task.
        folder: Working directory of Envoy, for its bootstrap and the socket of the discovery server.
        on_rejected: Called with the name of a document that Envoy rejects.
        on_error: Receives an unexpected exception.
    """

    def __init__(
        self,
        resource: MeshResource,
        network: str,
        folder: Path,
        on_rejected: Callable[[str], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self.resource = resource
        self.network = network
        self.folder = folder
        self._documents = DiscoveryDocuments(on_rejected)
        self._on_error = on_error
        self._compiled: CompiledEnvoy | None = None
        self._changing = asyncio.Lock()
        self._server = AsyncExitStack()

    @property
    def clusters(self) -> dict[str, str]:
        """Names of Envoy's clusters, and the virtual nodes that they lead to."""
        targets = self._compiled.configuration.targets.values() if self._compiled is not None else ()
        return {target.cluster: target.node.name for target in targets}

    async def start(self, user: tuple[int, int], log_level: str, region: str) -> tuple[str, ...]:
        """Start the discovery server, and return the command line of Envoy.

        Args:
            user: User and group of Envoy.
            log_level: Log level of Envoy.
            region: Region of the APIs of AWS that Envoy calls.
        """
        self.folder.mkdir(parents=True)
        socket = self.folder / DISCOVERY_SOCKET
        await self._server.enter_async_context(serve_documents(self._documents, socket, user))
        bootstrap = self.folder / "bootstrap.json"
        text = json.dumps(self._bootstrap()).replace(REGION, region).replace(URL_SUFFIX, _URL_SUFFIX)
        bootstrap.write_text(text)
        return ("envoy", "--config-path", str(bootstrap), "--log-level", log_level, *_OPTIONS)

    async def stop(self) -> None:
        """Stop the discovery server."""
        await self._server.aclose()

    async def configure(self, compiled: CompiledEnvoy, lookup: InstanceLookup) -> None:
        """Send Envoy a configuration, and the endpoints of its clusters."""
        async with self._changing:
            before, self._compiled = self._compiled, compiled
            documents = {**compiled.configuration.files, **self._endpoints(lookup)}
            if before is None:
                await self._documents.put(documents)
            elif before.configuration.files != compiled.configuration.files:
                await self._change(before.configuration, compiled.configuration, documents)

    async def update_endpoints(self, lookup: InstanceLookup) -> None:
        """Send Envoy the endpoints of its clusters."""
        await self._documents.put(self._endpoints(lookup))

    def _bootstrap(self) -> Json:
        """Return the bootstrap, with the clusters of all APIs that certificates of a later configuration may need.

        Envoy takes these clusters from nowhere else.
        """
        bootstrap = self._own_bootstrap()
        static = bootstrap["static_resources"]
        names = {cluster["name"] for cluster in static["clusters"]}
        more = [
            certificate_cluster(api, CERTIFICATE_REFRESH_SECONDS, REFRESH_SECONDS)
            for api in CERTIFICATE_APIS
            if api.cluster not in names
        ]
        return {**bootstrap, "static_resources": {**static, "clusters": [*static["clusters"], *more]}}

    def _own_bootstrap(self) -> Json:
        """Return the bootstrap; before there is a configuration, one with which Envoy waits for it."""
        if self._compiled is not None:
            return self._compiled.configuration.bootstrap
        server = ServerEndpoints(socket=DISCOVERY_SOCKET)
        return {
            "node": {"id": str(self.resource), "cluster": str(self.resource)},
            "admin": {"address": socket_address("127.0.0.1", ADMIN_PORT)},
            "dynamic_resources": dynamic_resources(server),
            "static_resources": {"clusters": [server_cluster(server)]},
        }

    def _endpoints(self, lookup: InstanceLookup) -> dict[str, Json]:
        if self._compiled is None:
            return {}
        documents = {}
        for name, target in self._compiled.configuration.targets.items():
            discovery, port = target.node.discovery, target.listener.port
            registered = lookup(discovery.dns_name) if discovery is not None else ()
            instances = [Instance(port=port, ipv4=each.ipv4, attributes=each.attributes) for each in registered]
            documents[name] = endpoints(self._compiled.mesh, target, instances)
        return documents

    async def _change(self, before: Configuration, after: Configuration, documents: dict[str, Json]) -> None:
        """Send clusters and endpoints first, then routes and listeners, and remove unused clusters last."""
        names = {cluster["name"] for cluster in after.clusters}
        unused = [cluster for cluster in before.clusters if cluster["name"] not in names]
        last = {name: each for name, each in documents.items() if name == LISTENERS_FILE or name.startswith("rds/")}
        first = {name: each for name, each in documents.items() if name not in last}
        await self._documents.put({**first, CLUSTERS_FILE: discovery_response(CLUSTER, *after.clusters, *unused)})
        await self._documents.wait_until_accepted(CLUSTERS_FILE, _ACCEPT_SECONDS)
        await self._wait_until_warm()
        await self._documents.put(last)
        for name in last:
            await self._documents.wait_until_accepted(name, _ACCEPT_SECONDS)
        if unused:
            start_in_background(self._remove_unused_clusters(after), self._on_error)

    async def _remove_unused_clusters(self, configuration: Configuration) -> None:
        await asyncio.sleep(_REMOVE_CLUSTERS_SECONDS)
        async with self._changing:
            if self._compiled is not None and self._compiled.configuration is configuration:
                await self._documents.put({CLUSTERS_FILE: configuration.files[CLUSTERS_FILE]})

    async def _wait_until_warm(self) -> None:
        """Wait until Envoy has the endpoints of all clusters."""
        name = "cluster_manager.warming_clusters"
        for _ in range(int(_ACCEPT_SECONDS / 0.02)):
            with suppress(OSError, asyncio.TimeoutError):
                if (await admin_interface.stats(self.network, f"^{name}$")).get(name) == 0:
                    return
            await asyncio.sleep(0.02)
