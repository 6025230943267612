"""The whole configuration of one Envoy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from color_mesh.envoy.clusters import load_assignment, target_cluster
from color_mesh.envoy.discovery import (
    CLUSTERS_FILE,
    LISTENERS_FILE,
    dynamic_resources,
    endpoints_file,
    routes_file,
    server_cluster,
)
from color_mesh.envoy.egress import egress
from color_mesh.envoy.gateway import gateway_hops
from color_mesh.envoy.ingress import ingress
from color_mesh.envoy.placement import (
    ADMIN_PORT,
    DnsEndpoints,
    Endpoints,
    FileEndpoints,
    Interception,
    Placement,
    ServerEndpoints,
    Transparent,
)
from color_mesh.envoy.resources import Resources
from color_mesh.envoy.security import policy_for, sds_cluster, speaks_tls, uses_sds
from color_mesh.envoy.services import Target
from color_mesh.envoy.typed import (
    CLUSTER,
    CLUSTER_LOAD_ASSIGNMENT,
    LISTENER,
    ROUTE_CONFIGURATION,
    Json,
    discovery_response,
    present,
    socket_address,
)
from color_mesh.envoy.unsupported import unsupported_features
from color_mesh.model import Mesh, VirtualGateway, VirtualNode
from color_mesh.model.errors import refuse


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """Hold what one Envoy is given.

    Attributes:
        bootstrap: What it is started with.
        listeners: What it listens on.
        routes: The routes of its HTTP listeners, whether they are in the listeners or in files.
        clusters: What it connects to.
        files: The documents that it takes from files or a server, by their names in the directory; none when endpoints
            are found by DNS.
        targets: Whose endpoints belong in which of those documents. They begin without any.
    """

    bootstrap: Json
    listeners: tuple[Json, ...]
    routes: tuple[Json, ...]
    clusters: tuple[Json, ...]
    files: Mapping[str, Json] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)


def configure(
    mesh: Mesh,
    part: VirtualNode | VirtualGateway,
    *,
    interception: Interception = Transparent(),  # noqa: B008  (a frozen value)
    endpoints: Endpoints = DnsEndpoints(),  # noqa: B008  (a frozen value)
    sds_socket: str | None = None,
) -> Configuration:
    """Compile the configuration of the Envoy of a node or gateway: its own listeners and backends, nothing else.

    Args:
        mesh: The mesh.
        part: A virtual node or a virtual gateway of it.
        interception: How the task's traffic reaches Envoy; ``Transparent`` by default. Gateways need none.
        endpoints: How Envoy finds the tasks of others; by DNS by default.
        sds_socket: The path of the Unix socket of a Secret Discovery Service; without it nothing can come from one.

    Raises:
        MeshError: With everything that cannot be compiled, and why.
    """
    placement = Placement(interception=interception, endpoints=endpoints, sds_socket=sds_socket)
    refuse(unsupported_features(mesh, part, placement))
    if isinstance(part, VirtualNode):
        kind, resources = "virtualNode", ingress(mesh, part, placement) + egress(mesh, part, placement)
    else:
        kind, resources = "virtualGateway", gateway_hops(mesh, part, placement)
    targets = {target.cluster: target for target in resources.targets}
    clusters = (*resources.clusters, *(target_cluster(mesh, target, placement) for target in targets.values()))
    base = _bootstrap(mesh, part, kind, placement, clusters)
    secrets = [sds_cluster(sds_socket)] if sds_socket and _uses_sds(part, targets.values()) else []
    match endpoints:
        case DnsEndpoints():
            static = {"listeners": list(resources.listeners), "clusters": [*secrets, *clusters]}
            files: dict[str, Json] = {}
        case FileEndpoints() | ServerEndpoints():
            base["dynamic_resources"] = dynamic_resources(endpoints)
            servers = [server_cluster(endpoints)] if isinstance(endpoints, ServerEndpoints) else []
            static = {"clusters": [*servers, *secrets]} if servers or secrets else {}
            files = _files(resources, clusters, targets)
    return Configuration(
        bootstrap={**base, "static_resources": static},
        listeners=resources.listeners,
        routes=resources.routes,
        clusters=clusters,
        files=files,
        targets={endpoints_file(name): target for name, target in targets.items()} if files else {},
    )


def _uses_sds(part: VirtualNode | VirtualGateway, targets: Iterable[Target]) -> bool:
    listener_tls = [listener.tls for listener in part.listeners if speaks_tls(listener)]
    client_tls = [policy_for(target.listener, target.client_tls) for target in targets]
    return any(uses_sds(tls) for tls in (*listener_tls, *client_tls) if tls is not None)


def _bootstrap(
    mesh: Mesh, part: VirtualNode | VirtualGateway, kind: str, placement: Placement, clusters: tuple[Json, ...]
) -> Json:
    identity = f"mesh/{mesh.name}/{kind}/{part.name}"
    metadata = present(mesh_owner=mesh.owner, mesh_tags=dict(mesh.tags) or None, tags=dict(part.tags) or None)
    ejects = any("outlier_detection" in cluster for cluster in clusters)
    return present(
        node=present(id=identity, cluster=identity, metadata=metadata or None),
        # For the task alone: whoever reaches it can stop Envoy.
        admin={"address": socket_address(placement.envoy_address, ADMIN_PORT)},
        # App Mesh's agent let regular expressions be this large.
        layered_runtime={
            "layers": [{"name": "static_layer_0", "static_layer": {"re2.max_program_size.error_level": 1000}}]
        },
        cluster_manager={"outlier_detection": {"event_log_path": "/dev/stdout"}} if ejects else None,
    )


def _files(resources: Resources, clusters: tuple[Json, ...], targets: Mapping[str, Target]) -> dict[str, Json]:
    """Write the documents that may change, each before those that refer to it.

    Whoever replaces them while requests come waits after the clusters, until none is warming any more
    (``cluster_manager.warming_clusters``): routes to a cluster that is not there yet answer with 503.
    """
    return {
        **{
            endpoints_file(name): discovery_response(CLUSTER_LOAD_ASSIGNMENT, load_assignment(name, []))
            for name in targets
        },
        CLUSTERS_FILE: discovery_response(CLUSTER, *clusters),
        **{routes_file(routes["name"]): discovery_response(ROUTE_CONFIGURATION, routes) for routes in resources.routes},
        LISTENERS_FILE: discovery_response(LISTENER, *resources.listeners),
    }
