"""The complete configuration of one Envoy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from color_mesh.envoy.aws.certificates import certificate_clusters
from color_mesh.envoy.aws.cloud_map import cloud_map_cluster, config_source, weights_name
from color_mesh.envoy.clusters import load_assignment, target_cluster
from color_mesh.envoy.discovery import (
    CLUSTERS_FILE,
    LISTENERS_FILE,
    dynamic_resources,
    endpoints_file,
    routes_file,
    server_cluster,
)
from color_mesh.envoy.edge import connection_limit
from color_mesh.envoy.egress import egress
from color_mesh.envoy.gateway import gateway_hops
from color_mesh.envoy.ingress import ingress
from color_mesh.envoy.placement import (
    ADMIN_PORT,
    Admission,
    CloudMapEndpoints,
    Endpoints,
    EnvoyTelemetry,
    FileEndpoints,
    Interception,
    Placement,
    ServerEndpoints,
    Transparent,
)
from color_mesh.envoy.resources import Resources
from color_mesh.envoy.security import policy_for, sds_cluster, speaks_tls, uses_sds
from color_mesh.envoy.services import LiveWeight, Target
from color_mesh.envoy.telemetry import bootstrap_fields, runtime
from color_mesh.envoy.telemetry import clusters as telemetry_clusters
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
from color_mesh.model import Mesh, Telemetry, VirtualGateway, VirtualNode
from color_mesh.model.deployment import CERTIFICATE_REFRESH_SECONDS
from color_mesh.model.errors import refuse
from color_mesh.model.regex import MAX_PROGRAM_SIZE
from color_mesh.model.weights import weight_attribute, weights_instance, weights_service


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """The configuration of one Envoy.

    Attributes:
        bootstrap: Bootstrap configuration.
        listeners: Listeners.
        routes: Route configurations of the HTTP listeners, inline or in ``files``.
        clusters: Clusters.
        files: Discovery responses for the file system or the discovery server, by path. Empty with `CloudMapEndpoints`.
        targets: Target of each file with endpoints, by path. The files in ``files`` have no endpoints yet.
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
    endpoints: Endpoints = CloudMapEndpoints(),  # noqa: B008  (a frozen value)
    sds_socket: str | None = None,
    trusted_hops: int = 0,
    as_in_app_mesh: bool = False,
    telemetry: Telemetry | None = None,
    certificate_refresh_seconds: int = CERTIFICATE_REFRESH_SECONDS,
    admission: Admission | None = None,
) -> Configuration:
    """Compile the Envoy configuration of a virtual node or gateway.

    Args:
        mesh: The mesh.
        part: Virtual node or virtual gateway of the mesh.
        interception: Interception of the traffic of the node's application. Gateways need none.
        endpoints: Source of the endpoints.
        sds_socket: Path of the Unix socket of a Secret Discovery Service. Default: no such service, SDS certificates
            and trust are not supported.
        trusted_hops: Number of trusted proxies in front of a gateway, such as 1 for an application load balancer. Their
            ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed. Default: 0, those of all clients are removed.
        as_in_app_mesh: Envoy does what App Mesh's did. Prefixes of gateway routes match text: ``/shop`` matches
            ``/shopping``. Idle connections last for an hour. Default: prefixes match whole path segments, and idle
            connections end before AWS forgets them.
        telemetry: Spans and metrics that Envoy sends. Default: it sends none.
        certificate_refresh_seconds: Time between two calls of AWS for the same certificate. Default: 10 minutes.
        admission: Admission of callers by the names in their certificates. Default: listeners that demand a certificate
            of any name admit all certificates.

    Raises:
        MeshError: With every feature of the mesh that is not supported.
    """
    placement = Placement(
        interception=interception,
        endpoints=endpoints,
        sds_socket=sds_socket,
        trusted_hops=trusted_hops,
        as_in_app_mesh=as_in_app_mesh,
        telemetry=_telemetry(telemetry, mesh, part),
        certificate_refresh_seconds=certificate_refresh_seconds,
        admission=admission,
    )
    refuse(unsupported_features(mesh, part, placement))
    if isinstance(part, VirtualNode):
        kind, resources = "virtualNode", ingress(mesh, part, placement) + egress(mesh, part, placement)
    else:
        kind, resources = "virtualGateway", gateway_hops(mesh, part, placement)
    targets = {target.cluster: target for target in resources.targets}
    clusters = (*resources.clusters, *(target_cluster(mesh, target, placement) for target in targets.values()))
    layers = _weight_layers(resources.weights, endpoints)
    base = _bootstrap(mesh, part, kind, placement, clusters, layers)
    servers = [sds_cluster(sds_socket)] if sds_socket and _uses_sds(part, targets.values()) else []
    if placement.telemetry is not None:
        base |= bootstrap_fields(placement.telemetry, part, targets.values())
        servers += telemetry_clusters(placement.telemetry)
    tls_resources = (*resources.listeners, *clusters)
    servers += certificate_clusters(tls_resources, certificate_refresh_seconds, placement.retry_seconds)
    match endpoints:
        case CloudMapEndpoints():
            asks = layers or any("eds_cluster_config" in cluster for cluster in clusters)
            servers += [cloud_map_cluster()] if asks else []
            static = {"listeners": list(resources.listeners), "clusters": [*servers, *clusters]}
            files: dict[str, Json] = {}
        case FileEndpoints() | ServerEndpoints():
            base["dynamic_resources"] = dynamic_resources(endpoints)
            if isinstance(endpoints, ServerEndpoints):
                servers.insert(0, server_cluster(endpoints))
            static = {"clusters": servers} if servers else {}
            files = _files(resources, clusters, targets)
    return Configuration(
        bootstrap={**base, "static_resources": static},
        listeners=resources.listeners,
        routes=resources.routes,
        clusters=clusters,
        files=files,
        targets={endpoints_file(name): target for name, target in targets.items()} if files else {},
    )


def _telemetry(settings: Telemetry | None, mesh: Mesh, part: VirtualNode | VirtualGateway) -> EnvoyTelemetry | None:
    return None if settings is None else EnvoyTelemetry(settings=settings, mesh=mesh.name, service=part.name)


def _uses_sds(part: VirtualNode | VirtualGateway, targets: Iterable[Target]) -> bool:
    listener_tls = [listener.tls for listener in part.listeners if speaks_tls(listener)]
    client_tls = [policy_for(target.listener, target.client_tls) for target in targets]
    return any(uses_sds(tls) for tls in (*listener_tls, *client_tls) if tls is not None)


def _bootstrap(
    mesh: Mesh,
    part: VirtualNode | VirtualGateway,
    kind: str,
    placement: Placement,
    clusters: tuple[Json, ...],
    weight_layers: Sequence[Json],
) -> Json:
    identity = f"mesh/{mesh.name}/{kind}/{part.name}"
    metadata = present(mesh_owner=mesh.owner, mesh_tags=dict(mesh.tags) or None, tags=dict(part.tags) or None)
    limited = isinstance(part, VirtualGateway)
    waits = isinstance(placement.endpoints, CloudMapEndpoints)
    ejects = any("outlier_detection" in cluster for cluster in clusters)
    return present(
        node=present(id=identity, cluster=identity, metadata=metadata or None),
        # Not reachable from other tasks: clients of the admin interface can stop Envoy.
        admin=present(
            address=socket_address(placement.envoy_address, ADMIN_PORT), ignore_global_conn_limit=limited or None
        ),
        overload_manager=connection_limit() if limited else None,
        # The limit for regular expressions in App Mesh's Envoy.
        layered_runtime={
            "layers": [
                {"name": "static_layer_0", "static_layer": _runtime(placement)},
                *weight_layers,
                # For the key that says that a gateway is ready. The last layer overrides the others.
                *([{"name": "admin_layer", "admin_layer": {}}] if limited and waits else []),
            ]
        },
        cluster_manager={"outlier_detection": {"event_log_path": "/dev/stdout"}} if ejects else None,
    )


def _runtime(placement: Placement) -> Json:
    values: Json = {"re2.max_program_size.error_level": MAX_PROGRAM_SIZE}
    return values if placement.telemetry is None else {**values, **runtime()}


def _weight_layers(weights: Iterable[LiveWeight], endpoints: Endpoints) -> list[Json]:
    """Render the runtime layers with weights from Cloud Map, one for each router.

    The health check of the container knows a layer by its name, ``namespace/service``.
    """
    if not isinstance(endpoints, CloudMapEndpoints) or endpoints.weights_namespace is None:
        return []
    keys: dict[str, dict[tuple[str, tuple[str, ...], str], None]] = {}
    for weight in weights:
        instance = weights_instance(weight.route.name)
        attributes = tuple(weight_attribute(weight.route, target) for target in weight.targets)
        keys.setdefault(weights_service(weight.router), {})[instance, attributes, weight.key] = None
    return [
        {
            "name": f"{endpoints.weights_namespace}/{service}",
            "rtds_layer": {
                "name": weights_name(endpoints.weights_namespace, service, of_service),
                "rtds_config": config_source(endpoints.refresh_seconds),
            },
        }
        for service, of_service in sorted(keys.items())
    ]


def _files(resources: Resources, clusters: tuple[Json, ...], targets: Mapping[str, Target]) -> dict[str, Json]:
    """Render the discovery responses, each before those that refer to it.

    An update in this order must wait after the clusters until none is warming (``cluster_manager.warming_clusters``):
    requests on a route to a cluster that is still warming are answered with 503.
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
