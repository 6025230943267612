"""The Envoys of App Mesh: each gets the configuration of its node or gateway, and every change of it, live."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.envoy import Configuration, Instance, ServerEndpoints, endpoints
from color_mesh.envoy.discovery import CLUSTERS_FILE, LISTENERS_FILE, dynamic_resources, server_cluster
from color_mesh.envoy.placement import ADMIN_PORT
from color_mesh.envoy.typed import CLUSTER, Json, discovery_response, socket_address
from color_mesh.local.plan.compiled_envoys import DISCOVERY_SOCKET, CompiledEnvoy
from color_mesh.local.run import admin
from color_mesh.local.run.config_server import Feed
from color_mesh.local.run.work import begin
from color_mesh.model import Mesh

# How long an Envoy may take for a change before the next step of it is made anyway.
_PATIENCE_SECONDS = 5.0
# How long clusters outlive the routes to them, for requests that are under way.
_PARTING_SECONDS = 2.0

# Finds the tasks of a node by the DNS name under which they are registered.
Registered = Callable[[str], Iterable[Instance]]


def waiting(resource: MeshResource) -> Json:
    """Write what an Envoy starts with that may not have its configuration: it waits for it."""
    server = ServerEndpoints(socket=DISCOVERY_SOCKET)
    return {
        "node": {"id": str(resource), "cluster": str(resource)},
        "admin": {"address": socket_address("127.0.0.1", ADMIN_PORT)},
        "dynamic_resources": dynamic_resources(server),
        "static_resources": {"clusters": [server_cluster(server)]},
    }


class Sidecar:
    """Keep one Envoy's configuration.

    Args:
        resource: Whose configuration it has.
        network: The network namespace of its task.
        refused: Called with the name of a document that it does not take.
        failed: Told of an error that nobody expected.
    """

    def __init__(
        self,
        resource: MeshResource,
        network: str,
        refused: Callable[[str], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.resource = resource
        self.network = network
        self.feed = Feed(refused)
        self._failed = failed
        self._configuration: Configuration | None = None
        self._mesh: Mesh | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def clusters(self) -> dict[str, str]:
        """The nodes that Envoy's clusters lead to, by the names of the clusters."""
        targets = self._configuration.targets.values() if self._configuration is not None else ()
        return {target.cluster: target.node.name for target in targets}

    async def configure(self, compiled: CompiledEnvoy, registered: Registered) -> Json:
        """Give Envoy its configuration; the first is answered with what it starts with."""
        made = compiled.configuration
        async with self._one_at_a_time:
            before, self._configuration, self._mesh = self._configuration, made, compiled.mesh
            documents = {**made.files, **self._endpoints(registered)}
            if before is None:
                await self.feed.put(documents)
            elif before.files != made.files:
                await self._change(before, made, documents)
        return made.bootstrap

    async def find_endpoints(self, registered: Registered) -> None:
        """Tell Envoy where the tasks are that it may reach."""
        await self.feed.put(self._endpoints(registered))

    def _endpoints(self, registered: Registered) -> dict[str, Json]:
        found = self._configuration
        if found is None or self._mesh is None:
            return {}
        documents = {}
        for name, target in found.targets.items():
            discovery = target.node.discovery
            instances = registered(discovery.dns_name) if discovery is not None else ()
            at = [Instance(port=target.listener.port, ipv4=each.ipv4, attributes=each.attributes) for each in instances]
            documents[name] = endpoints(self._mesh, target, at)
        return documents

    async def _change(self, before: Configuration, made: Configuration, documents: dict[str, Json]) -> None:
        """Change clusters before the routes to them, and take away the others after."""
        kept = {cluster["name"] for cluster in made.clusters}
        parting = [cluster for cluster in before.clusters if cluster["name"] not in kept]
        later = {name: each for name, each in documents.items() if name == LISTENERS_FILE or name.startswith("rds/")}
        first = {name: each for name, each in documents.items() if name not in later}
        await self.feed.put({**first, CLUSTERS_FILE: discovery_response(CLUSTER, *made.clusters, *parting)})
        await self.feed.taken(CLUSTERS_FILE, _PATIENCE_SECONDS)
        await self._warmed()
        await self.feed.put(later)
        for name in later:
            await self.feed.taken(name, _PATIENCE_SECONDS)
        if parting:
            begin(self._part(made), self._failed)

    async def _part(self, made: Configuration) -> None:
        """Take away clusters that nothing leads to any more."""
        await asyncio.sleep(_PARTING_SECONDS)
        async with self._one_at_a_time:
            if self._configuration is made:
                await self.feed.put({CLUSTERS_FILE: made.files[CLUSTERS_FILE]})

    async def _warmed(self) -> None:
        """Wait until Envoy knows the endpoints of all clusters."""
        name = "cluster_manager.warming_clusters"
        for _ in range(int(_PATIENCE_SECONDS / 0.02)):
            with suppress(OSError, asyncio.TimeoutError):
                if (await admin.stats(self.network, f"^{name}$")).get(name) == 0:
                    return
            await asyncio.sleep(0.02)
