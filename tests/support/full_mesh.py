"""One mesh with every property that App Mesh has, and the resources that declare it."""

from typing import Any

from color_mesh.appmesh.declared import DeclaredResource
from color_mesh.appmesh.template import write_template
from color_mesh.model import (
    AccessLog,
    ClientTls,
    CloudMapDiscovery,
    ConnectionPool,
    DnsDiscovery,
    FileCertificate,
    FileTrust,
    GatewayRoute,
    HeaderMatch,
    HealthCheck,
    Listener,
    ListenerTls,
    Mesh,
    Milliseconds,
    OutlierDetection,
    Protocol,
    QueryParameterMatch,
    RetryPolicy,
    Rewrite,
    Route,
    RouteMatch,
    Timeout,
    TlsValidation,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from color_mesh.model.certificates import Certificate, Trust
from color_mesh.model.health_check import PROTOCOLS

TAGS = (("team", "colors"),)
FILE = FileCertificate(certificate_chain="/tls/chain.pem", private_key="/tls/key.pem")
TRUST = FileTrust(certificate_chain="/tls/ca.pem")
NAMES = ("target.colors.local",)
HEADERS = (
    HeaderMatch(name="exact", exact="a", invert=True),
    HeaderMatch(name="prefix", prefix="a"),
    HeaderMatch(name="suffix", suffix="a"),
    HeaderMatch(name="regex", regex="a+"),
    HeaderMatch(name="range", range=(1, 5)),
)
QUERIES = (QueryParameterMatch(name="color", exact="red"),)
TIMEOUT = Timeout(per_request=Milliseconds(5000), idle=Milliseconds(7000))
HTTP_KINDS: tuple[Protocol, ...] = ("http", "http2")
POOLS: dict[Protocol, ConnectionPool] = {
    "http": ConnectionPool(max_connections=3, max_pending_requests=4),
    "http2": ConnectionPool(max_requests=5),
    "grpc": ConnectionPool(max_requests=6),
    "tcp": ConnectionPool(max_connections=7),
}


def full_mesh(
    *,
    certificate: Certificate = FILE,
    client_certificate: Certificate = FILE,
    listener_trust: Trust = TRUST,
    client_trust: Trust = TRUST,
    attributes: tuple[tuple[str, str], ...] = (),
) -> Mesh:
    """Return the mesh, with the given kinds of certificates and trust."""
    validation = TlsValidation(trust=listener_trust, subject_alternative_names=NAMES)
    tls = ListenerTls(certificate=certificate, validation=validation)
    client_tls = ClientTls(
        validation=TlsValidation(trust=client_trust, subject_alternative_names=NAMES),
        ports=(6080, 6081, 8080, 8081),
        certificate=client_certificate,
    )
    return Mesh(
        name="colors",
        owner="111122223333",
        egress_filter="ALLOW_ALL",
        ip_preference="IPv4_ONLY",
        tags=TAGS,
        nodes=(_caller(client_tls), _target(tls, attributes), _plain("plain", 6080), _plain("third", 8080)),
        services=(
            VirtualService(name="target.colors.local", virtual_node="target", tags=TAGS),
            VirtualService(name="plain.colors.local", virtual_node="plain"),
            VirtualService(name="router.colors.local", virtual_router="router"),
            VirtualService(name="spare.colors.local", virtual_router="spare"),
        ),
        routers=(
            VirtualRouter(name="router", listeners=_listeners(9080), routes=_routes(), tags=TAGS),
            VirtualRouter(name="spare", listeners=(Listener(port=9080), Listener(port=9085))),
        ),
        gateways=(
            _gateway(tls, client_tls),
            VirtualGateway(
                name="spare",
                listeners=_listeners(7080)[:3],
                access_log=AccessLog(json=(("protocol", "%PROTOCOL%"),)),
            ),
        ),
    )


def declared_resources(mesh: Mesh) -> list[DeclaredResource]:
    """Return the resources of the template of a mesh."""
    return [
        DeclaredResource(
            kind=resource["Type"].split("::")[2][0].lower() + resource["Type"].split("::")[2][1:],
            place=logical_id,
            properties=resource["Properties"],
        )
        for logical_id, resource in write_template(mesh)["Resources"].items()
        if resource["Type"].startswith("AWS::AppMesh::")
    ]


def _caller(client_tls: ClientTls) -> VirtualNode:
    own = ClientTls(
        validation=TlsValidation(trust=client_tls.validation.trust, subject_alternative_names=NAMES),
        ports=(6080,),
        certificate=client_tls.certificate,
    )
    return VirtualNode(
        name="caller",
        backends=(
            VirtualServiceBackend(virtual_service="target.colors.local"),
            VirtualServiceBackend(virtual_service="plain.colors.local", client_tls=own),
            VirtualServiceBackend(virtual_service="router.colors.local"),
            VirtualServiceBackend(virtual_service="spare.colors.local"),
        ),
        client_tls=client_tls,
        access_log=AccessLog(text="%PROTOCOL%\n"),
        tags=TAGS,
    )


def _target(tls: ListenerTls, attributes: tuple[tuple[str, str], ...]) -> VirtualNode:
    return VirtualNode(
        name="target",
        listeners=(
            _listener(8080, "http", tls, _check("http", 8080)),
            _listener(8081, "http2", tls, None),
            _listener(8082, "grpc", None, _check("grpc", None)),
            _listener(8083, "tcp", None, _check("tcp", None)),
        ),
        discovery=CloudMapDiscovery(
            namespace="colors.local", service="target", attributes=attributes, ip_preference="IPv4_PREFERRED"
        ),
        access_log=AccessLog(json=(("protocol", "%PROTOCOL%"),)),
        tags=TAGS,
    )


def _plain(name: str, port: int) -> VirtualNode:
    """Return a node with two listeners of each protocol."""
    return VirtualNode(
        name=name,
        listeners=(*_listeners(port), *_listeners(port + 10)),
        discovery=DnsDiscovery(hostname=f"{name}.colors.local", ip_preference="IPv6_ONLY" if name == "plain" else None),
    )


def _listeners(port: int) -> tuple[Listener, ...]:
    return tuple(Listener(port=port + at, protocol=protocol) for at, protocol in enumerate(PROTOCOLS))


def _listener(port: int, protocol: Protocol, tls: ListenerTls | None, check: HealthCheck | None) -> Listener:
    timeout = Timeout(idle=Milliseconds(7000)) if protocol == "tcp" else TIMEOUT
    outlier = OutlierDetection(
        max_server_errors=3,
        interval=Milliseconds(1000),
        base_ejection_duration=Milliseconds(2000),
        max_ejection_percent=50,
    )
    return Listener(
        port=port,
        protocol=protocol,
        health_check=check,
        timeout=timeout,
        connection_pool=POOLS[protocol],
        outlier_detection=outlier,
        tls=tls,
    )


def _check(protocol: Protocol, port: int | None) -> HealthCheck:
    return HealthCheck(
        protocol=protocol,
        interval=Milliseconds(5000),
        timeout=Milliseconds(2000),
        healthy_threshold=2,
        unhealthy_threshold=3,
        path="/health" if protocol == "http" else None,
        port=port,
    )


def _routes() -> tuple[Route, ...]:
    policy = RetryPolicy(
        max_retries=3,
        per_retry_timeout=Milliseconds(1500),
        http_events=("gateway-error",),
        tcp_events=("connection-error",),
    )
    grpc_policy = RetryPolicy(
        max_retries=3,
        per_retry_timeout=Milliseconds(1500),
        http_events=("gateway-error",),
        tcp_events=("connection-error",),
        grpc_events=("internal",),
    )
    routes = []
    for at, protocol in enumerate(HTTP_KINDS):
        match: dict[str, Any] = {
            "method": "GET",
            "scheme": "http",
            "port": 9080 + at,
            "headers": HEADERS,
            "query_parameters": QUERIES,
        }
        paths: tuple[dict[str, Any], ...] = ({"prefix": "/a"}, {"path": "/abc"}, {"path_regex": "/ab.*"})
        routes += [
            Route(
                name=f"{protocol}-{index}",
                protocol=protocol,
                priority=5 + index,
                match=RouteMatch(**match, **path),
                targets=_targets(at),
                retry_policy=policy,
                timeout=TIMEOUT,
                tags=TAGS,
            )
            for index, path in enumerate(paths)
        ]
    grpc = RouteMatch(service_name="colors.Teller", method_name="Tell", port=9082, metadata=HEADERS)
    return (
        *routes,
        Route(
            name="grpc",
            protocol="grpc",
            match=grpc,
            targets=_targets(2),
            retry_policy=grpc_policy,
            timeout=TIMEOUT,
        ),
        Route(
            name="tcp",
            protocol="tcp",
            match=RouteMatch(port=9083),
            targets=_targets(3),
            timeout=Timeout(idle=Milliseconds(7000)),
        ),
    )


def _targets(at: int) -> tuple[WeightedTarget, ...]:
    return (
        WeightedTarget(virtual_node="target", weight=4, port=8080 + at),
        WeightedTarget(virtual_node="plain", weight=1, port=6080 + at),
    )


def _gateway(tls: ListenerTls, client_tls: ClientTls) -> VirtualGateway:
    listeners = tuple(
        Listener(
            port=7080 + at,
            protocol=protocol,
            connection_pool=POOLS[protocol],
            tls=tls,
            health_check=_check("http", 7080) if protocol == "http" else None,
        )
        for at, protocol in enumerate(PROTOCOLS[:3])
    )
    return VirtualGateway(
        name="gateway",
        listeners=listeners,
        routes=_gateway_routes(),
        client_tls=client_tls,
        access_log=AccessLog(text="%PROTOCOL%\n"),
        tags=TAGS,
    )


def _gateway_routes() -> tuple[GatewayRoute, ...]:
    routes = []
    for at, protocol in enumerate(HTTP_KINDS):
        match: dict[str, Any] = {"method": "GET", "port": 7080 + at, "headers": HEADERS, "query_parameters": QUERIES}
        cases: tuple[tuple[dict[str, Any], Rewrite], ...] = (
            ({"prefix": "/a", "hostname": "a.example.com"}, Rewrite(keep_prefix=True, keep_hostname=True)),
            ({"prefix": "/b", "hostname_suffix": ".example.com"}, Rewrite(prefix="/c/")),
            ({"path": "/abc"}, Rewrite(path="/d")),
            ({"path_regex": "/ab.*"}, Rewrite(path="/e")),
        )
        routes += [
            GatewayRoute(
                name=f"{protocol}-{index}",
                protocol=protocol,
                priority=5 + index,
                match=RouteMatch(**match, **path),
                virtual_service="router.colors.local",
                target_port=9080 + at,
                rewrite=rewrite,
                tags=TAGS,
            )
            for index, (path, rewrite) in enumerate(cases)
        ]
    grpc: dict[str, Any] = {"service_name": "colors.Teller", "port": 7082, "metadata": HEADERS}
    hosts: tuple[dict[str, Any], ...] = ({"hostname": "a.example.com"}, {"hostname_suffix": ".example.com"})
    return (
        *routes,
        *(
            GatewayRoute(
                name=f"grpc-{index}",
                protocol="grpc",
                match=RouteMatch(**grpc, **host),
                virtual_service="router.colors.local",
                target_port=9082,
                rewrite=Rewrite(keep_hostname=True),
            )
            for index, host in enumerate(hosts)
        ),
    )
