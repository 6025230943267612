"""Strategies of hypothesis for valid meshes, which together use every property of the model.

Names and ports are drawn before the references to them, so no drawn mesh has to be discarded.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, get_args

from hypothesis import strategies as st

from color_mesh.model import (
    AccessLog,
    AcmCertificate,
    AcmTrust,
    ClientTls,
    CloudMapDiscovery,
    CloudMapService,
    ConnectionPool,
    DnsDiscovery,
    EgressFilter,
    FileCertificate,
    FileTrust,
    GatewayRoute,
    HeaderMatch,
    HealthCheck,
    IpPreference,
    Listener,
    ListenerTls,
    Mesh,
    Method,
    Milliseconds,
    OutlierDetection,
    Protocol,
    QueryParameterMatch,
    RetryPolicy,
    Rewrite,
    Route,
    RouteMatch,
    Scheme,
    SdsCertificate,
    SdsTrust,
    SecretsManagerCertificate,
    SecretsManagerTrust,
    Timeout,
    TlsMode,
    TlsValidation,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from color_mesh.model.discovery import Discovery, DnsResponseType
from color_mesh.model.route import GrpcRetryEvent, HttpRetryEvent, TcpRetryEvent
from color_mesh.model.router import GATEWAY_PROTOCOLS

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]

_NODES = ("red", "Red", "blue-1", "_green")
_ROUTERS = ("color-router", "red")
_GATEWAYS = ("color-gateway", "red")
_SERVICES = ("red.colors.local", "Blue.colors.local", "green")
_PORTS = (80, 8080, 443, 65535)
_YES_OR_NO = st.booleans()
_WEIGHT = st.sampled_from((1, 4, 100))
_WEIGHT_OR_0 = st.sampled_from((0, 1, 50, 100))
_MILLIS = st.sampled_from((1, 250, 1000, 1500, 15000, 86400000)).map(Milliseconds)
_MILLIS_OR_0 = st.sampled_from((None, *map(Milliseconds, (0, 1, 250, 1000, 1500, 15000, 86400000))))
_COUNT = st.sampled_from((1, 2, 100, 2147483647))
_WORD = st.sampled_from(("a", "Team", "x-color", "X-Color", "0_1-2", "w" * 50))
_VALUE = st.sampled_from(("v1", "a b", "Red;q=0.5", "/+~:=", "äß☃", "%41", "v" * 255))
_PATH = st.sampled_from(("/", "/a", "/a/", "/orders/7", "/%C3%A4", "/a-b_c.d~e", "/" + "a" * 254))
_PATH_REGEX = st.sampled_from(("/.*", "/orders/[0-9]+", "/(red|blue)/?", "[^?]*\\.html"))
_REGEX = st.sampled_from((".*", "v[0-9]+", "(red|blue)", "\\w*-?"))
_OPERATOR = st.sampled_from(("%PROTOCOL%", "%RESPONSE_CODE%", "%REQ(:METHOD)%", "%START_TIME%", "plain", "100%%", "☃"))
_TAGS = st.sampled_from(((), (("Team", "colors"),), (("a", ""), ("t" * 128, "äß☃")), (("a", "v" * 256), ("A", "=:/+"))))


def one_of_type(literal: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a `Literal`."""
    return st.sampled_from(get_args(literal))


def word_or_none(literal: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a `Literal` and None."""
    return st.sampled_from((None, *get_args(literal)))


def optional(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Return a strategy for None, which is frequent, and the values of another."""
    return st.none() | strategy


def several(strategy: st.SearchStrategy[T], least: int = 0, most: int = 2, **unique: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for short tuples of different values."""
    return st.lists(strategy, min_size=least, max_size=most, **(unique or {"unique": True})).map(tuple)


# Listeners: TLS, health checks, timeouts

_MAYBE_PATH = optional(_PATH)
_PORTS_OF_LISTENERS = {least: several(st.sampled_from(_PORTS), least) for least in (0, 1)}
_TIMEOUT = optional(st.builds(Timeout, per_request=_MILLIS_OR_0, idle=_MILLIS_OR_0))
_TCP_TIMEOUT = optional(st.builds(Timeout, idle=_MILLIS_OR_0))
_POOLS: dict[Protocol, st.SearchStrategy[ConnectionPool | None]] = {
    "http": optional(st.builds(ConnectionPool, max_connections=_COUNT, max_pending_requests=optional(_COUNT))),
    "http2": optional(st.builds(ConnectionPool, max_requests=_COUNT)),
    "grpc": optional(st.builds(ConnectionPool, max_requests=_COUNT)),
    "tcp": optional(st.builds(ConnectionPool, max_connections=_COUNT)),
}
_OUTLIER_DETECTION = optional(
    st.builds(
        OutlierDetection,
        max_server_errors=_COUNT,
        interval=_MILLIS,
        base_ejection_duration=_MILLIS,
        max_ejection_percent=st.sampled_from((0, 50, 100)),
    )
)
_ARNS = ("arn:aws:acm:eu-west-1:111122223333:certificate/1", "arn:aws-cn:acm:cn-north-1:1:certificate/2")
_AUTHORITIES = tuple(f"arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/{each}" for each in "12")
_CLIENT_CERTIFICATES = (
    FileCertificate(certificate_chain="/keys/red.pem", private_key="/keys/key.pem"),
    FileCertificate(certificate_chain="/keys/blue.pem", private_key="/keys/key.pem"),
    SdsCertificate(secret_name="spiffe://colors/red"),
    SdsCertificate(secret_name="secret"),
)
_CLIENT_CERTIFICATE = st.sampled_from(_CLIENT_CERTIFICATES)
_ACM_CERTIFICATES = tuple(AcmCertificate(arn=arn) for arn in _ARNS)
_CERTIFICATE = st.sampled_from((*_CLIENT_CERTIFICATES, *_ACM_CERTIFICATES))
_SECRET, _KEY = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:red-a1B2c3", "arn:aws:kms:eu-west-1:1:key/1"
# App Mesh has no certificates in Secrets Manager, and fewer sources for callers and listeners.
_ANY_CERTIFICATE = st.sampled_from(
    (
        *_CLIENT_CERTIFICATES,
        *_ACM_CERTIFICATES,
        SecretsManagerCertificate(secret_arn=_SECRET, encryption_key_arn=_KEY),
    )
)
_LOCAL_TRUSTS = (
    FileTrust(certificate_chain="/keys/ca.pem"),
    SdsTrust(secret_name="spiffe://colors"),
    SdsTrust(secret_name="secret"),
)
_LOCAL_TRUST = st.sampled_from(_LOCAL_TRUSTS)
_ACM_TRUSTS = tuple(AcmTrust(certificate_authority_arns=arns) for arns in (_AUTHORITIES, _AUTHORITIES[:1]))
_TRUST = st.sampled_from((*_LOCAL_TRUSTS, *_ACM_TRUSTS))
_ANY_TRUST = st.sampled_from(
    (*_LOCAL_TRUSTS, *_ACM_TRUSTS, SecretsManagerTrust(secret_arn=_SECRET, encryption_key_arn=_KEY))
)
_ALTERNATIVE_NAMES = st.sampled_from(
    ((), ("red.colors.local",), ("*.colors.local", "spiffe://colors/red"), ("b", "a", "c"))
)
_LOCAL_VALIDATION = st.builds(TlsValidation, trust=_LOCAL_TRUST, subject_alternative_names=_ALTERNATIVE_NAMES)
_ANY_VALIDATION = st.builds(TlsValidation, trust=_ANY_TRUST, subject_alternative_names=_ALTERNATIVE_NAMES)
_VALIDATION = st.builds(TlsValidation, trust=_TRUST, subject_alternative_names=_ALTERNATIVE_NAMES)


def _listener_tls(compilable: bool) -> st.SearchStrategy[ListenerTls]:
    return st.builds(
        ListenerTls,
        certificate=_ANY_CERTIFICATE if compilable else _CERTIFICATE,
        mode=one_of_type(TlsMode),
        validation=optional(_ANY_VALIDATION if compilable else _LOCAL_VALIDATION),
    )


def _client_tls(compilable: bool) -> st.SearchStrategy[ClientTls]:
    return st.builds(
        ClientTls,
        validation=_ANY_VALIDATION if compilable else _VALIDATION,
        enforce=st.booleans(),
        ports=st.sampled_from(((), (443,), (8080, 80))),
        certificate=optional(_ANY_CERTIFICATE if compilable else _CLIENT_CERTIFICATE),
    )


_HEALTH_CHECKS = {
    protocol: optional(
        st.builds(
            HealthCheck,
            protocol=st.just(protocol),
            interval=st.sampled_from((5000, 30000, 300000)).map(Milliseconds),
            timeout=st.sampled_from((2000, 60000)).map(Milliseconds),
            healthy_threshold=st.sampled_from((2, 10)),
            unhealthy_threshold=st.sampled_from((2, 3, 10)),
            path=optional(_PATH) if protocol in ("http", "http2") else st.none(),
        )
    )
    for protocol in get_args(Protocol)
}
_ASKED_IN = {
    protocol: one_of_type(Protocol) if protocol in ("http2", "grpc") else st.sampled_from(("http", "http2", "tcp"))
    for protocol in get_args(Protocol)
}
_LISTENER_TLS = {compilable: optional(_listener_tls(compilable)) for compilable in (False, True)}
_CLIENT_TLS = {compilable: optional(_client_tls(compilable)) for compilable in (False, True)}


def _listener(draw: Draw, port: int, protocols: Sequence[Protocol], of: str, compilable: bool) -> Listener:
    protocol = draw(st.sampled_from(protocols))
    if of == "router":
        return Listener(port=port, protocol=protocol)
    on_node = of == "node"
    health_check = draw(_HEALTH_CHECKS[draw(_ASKED_IN[protocol])])
    return Listener(
        port=port,
        protocol=protocol,
        health_check=health_check and replace(health_check, port=port if draw(_YES_OR_NO) else None),
        timeout=draw(_TCP_TIMEOUT if protocol == "tcp" else _TIMEOUT) if on_node else None,
        connection_pool=draw(_POOLS[protocol]),
        outlier_detection=draw(_OUTLIER_DETECTION) if on_node else None,
        tls=draw(_LISTENER_TLS[compilable]),
    )


def _listeners(
    draw: Draw, of: str, compilable: bool, least: int = 1, protocols: Sequence[Protocol] = get_args(Protocol)
) -> tuple[Listener, ...]:
    ports = draw(_PORTS_OF_LISTENERS[least])
    return tuple(_listener(draw, port, protocols, of, compilable) for port in ports)


# Nodes and service discovery

_IP_PREFERENCE = word_or_none(IpPreference)
_ACCESS_LOG_PATH = st.sampled_from(("/dev/stdout", "/dev/stderr", "/tmp/access.log"))
_PAIRS = several(st.tuples(_WORD, _OPERATOR), 1, 3, unique_by=lambda pair: pair[0])
_ACCESS_LOG = st.one_of(
    st.none(),
    st.builds(AccessLog, path=_ACCESS_LOG_PATH),
    st.builds(AccessLog, path=_ACCESS_LOG_PATH, text=st.lists(_OPERATOR, min_size=1, max_size=3).map(" ".join)),
    st.builds(AccessLog, path=_ACCESS_LOG_PATH, json=_PAIRS),
)
_NAMESPACE = st.sampled_from(("colors.local", "Colors.example.com"))
_EGRESS_FILTER = one_of_type(EgressFilter)
_EXTERNAL_SERVICES = several(st.sampled_from(("orders.example.com", "Cart.example.com")))
# Counts up to a limit, mostly high ones: references need parts to refer to.
_UP_TO = {most: st.sampled_from((*range(most + 1), *range(1, most + 1), most)) for most in (0, 1, 2, 3, 4)}
_CLOUD_MAP_SERVICES = several(
    st.builds(
        CloudMapService,
        name=st.sampled_from(("red", "blue", "router")),
        namespace=_NAMESPACE,
        description=optional(st.sampled_from(("", "Where red is.", "ä"))),
        ttl_seconds=st.sampled_from((0, 5, 60, 2147483647)),
    ),
    unique_by=lambda service: service.dns_name.lower(),
)


def _discovery(compilable: bool) -> st.SearchStrategy[Discovery]:
    cloud_map = st.builds(
        CloudMapDiscovery,
        namespace=_NAMESPACE,
        service=st.sampled_from(("red", "blue", "Green")),
        attributes=st.just(()) if compilable else several(st.tuples(_WORD, _VALUE), unique_by=lambda pair: pair[0]),
        ip_preference=_IP_PREFERENCE,
    )
    by_dns = st.builds(
        DnsDiscovery,
        hostname=st.sampled_from(("red.example.com", "Blue.example.com.", "green")),
        response_type=one_of_type(DnsResponseType),
        ip_preference=_IP_PREFERENCE,
    )
    return cloud_map | by_dns


_DISCOVERY = {compilable: _discovery(compilable) for compilable in (False, True)}
_MAYBE_DISCOVERY = {compilable: optional(_DISCOVERY[compilable]) for compilable in (False, True)}


def _node(draw: Draw, name: str, compilable: bool) -> VirtualNode:
    """Draw a node without backends."""
    listeners = _listeners(draw, "node", compilable, least=0)
    return VirtualNode(
        name=name,
        listeners=listeners,
        discovery=draw((_DISCOVERY if listeners else _MAYBE_DISCOVERY)[compilable]),
        client_tls=draw(_CLIENT_TLS[compilable]),
        access_log=draw(_ACCESS_LOG),
        tags=draw(_TAGS),
    )


def _service(draw: Draw, name: str, provider: VirtualNode | VirtualRouter | None) -> VirtualService:
    return VirtualService(
        name=name,
        virtual_node=provider.name if isinstance(provider, VirtualNode) else None,
        virtual_router=provider.name if isinstance(provider, VirtualRouter) else None,
        tags=draw(_TAGS),
    )


def _backends(
    draw: Draw, services: Sequence[tuple[str, Sequence[Listener]]], compilable: bool
) -> tuple[VirtualServiceBackend, ...]:
    """Draw backends of a node, from services with the listeners of their providers."""
    taken: dict[int, Protocol] = {}
    backends = []
    most = draw(_UP_TO[min(3, len(services))])
    for name, listeners in draw(several(st.sampled_from(services), most, most)) if most else ():
        # Envoy distinguishes backends on one port by the host of a request, which TCP does not have.
        clash = any(
            each.port in taken and (taken[each.port] != each.protocol or each.protocol == "tcp") for each in listeners
        )
        if not (compilable and clash):
            taken |= {each.port: each.protocol for each in listeners}
            backends.append(VirtualServiceBackend(virtual_service=name, client_tls=draw(_CLIENT_TLS[compilable])))
    return tuple(backends)


# Matches of routes

_RANGE = st.tuples(st.integers(-5, 5), st.integers(1, 100)).map(lambda drawn: (drawn[0], drawn[0] + drawn[1]))
_CONDITIONS: tuple[dict[str, st.SearchStrategy[Any]], ...] = (
    {},
    {"exact": _VALUE},
    {"prefix": _VALUE},
    {"suffix": _VALUE},
    {"regex": _REGEX},
    {"range": _RANGE},
)
_HEADER = st.one_of(
    *(st.builds(HeaderMatch, name=_WORD, invert=st.booleans(), **condition) for condition in _CONDITIONS)
)
_HEADERS = several(_HEADER)
_QUERY_PARAMETERS = several(st.builds(QueryParameterMatch, name=_WORD, exact=st.none() | _VALUE))
_PREFIX_REWRITE: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}), st.just({"keep_prefix": True}), st.fixed_dictionaries({"prefix": _PATH})
)
_SHARED_PRIORITY = st.sampled_from((None, 0, 1000))
_METHOD = word_or_none(Method)
_SCHEME = word_or_none(Scheme)
_SERVICE_NAME = optional(st.sampled_from(("colors.Teller", "Painter")))
_METHOD_NAME = optional(st.sampled_from(("Tell", "Paint")))
_PATH_MATCH: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"prefix": _PATH}),
    st.fixed_dictionaries({"path": _PATH}),
    st.fixed_dictionaries({"path_regex": _PATH_REGEX}),
)
_HOSTS: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"hostname": st.sampled_from(("www.example.com", "Shop.example.com"))}),
    st.fixed_dictionaries({"hostname_suffix": st.sampled_from((".example.com", "*.example.com"))}),
)


def _match(draw: Draw, listener: Listener, alone: bool, of: str, alike: int | None) -> RouteMatch:
    """Draw any match, or with a number ``alike`` one that overlaps no match with another number."""
    fields: dict[str, Any] = {"port": None if alone and draw(_YES_OR_NO) else listener.port}
    if listener.protocol == "tcp":
        return RouteMatch(**fields)
    if of == "gateway":
        fields |= draw(_HOSTS)
    if listener.protocol == "grpc":
        fields |= _grpc_match(draw, of, alike)
    else:
        fields |= _http_match(draw, of, alike)
    return RouteMatch(**fields)


def _grpc_match(draw: Draw, of: str, alike: int | None) -> dict[str, Any]:
    service_name = draw(_SERVICE_NAME) if alike is None else f"s{alike}.Teller"
    has_method = of == "router" and service_name is not None
    return {
        "service_name": service_name,
        "method_name": draw(_METHOD_NAME) if has_method else None,
        "metadata": draw(_HEADERS),
    }


def _http_match(draw: Draw, of: str, alike: int | None) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "method": draw(_METHOD),
        "scheme": draw(_SCHEME) if of == "router" else None,
        "headers": draw(_HEADERS),
        "query_parameters": draw(_QUERY_PARAMETERS),
    }
    if alike is None:
        return {**fields, **draw(_PATH_MATCH)}
    if draw(_YES_OR_NO):
        return fields | {"prefix": f"/alike/{alike}"}
    return {**fields, **draw(_PATH_MATCH), "headers": (HeaderMatch(name="alike", exact=str(alike)),)}


def _ranked(draw: Draw, index: int) -> tuple[int | None, int | None]:
    """Draw a unique priority, or a shared one with the number that keeps matches from overlapping."""
    return (index + 1, None) if draw(_YES_OR_NO) else (draw(_SHARED_PRIORITY), index)


# Routers and gateways

_RETRY_POLICIES = {
    grpc: optional(
        st.one_of(
            *(
                st.builds(
                    RetryPolicy,
                    max_retries=st.sampled_from((0, 1, 10)),
                    per_retry_timeout=st.just(Milliseconds(0)) | _MILLIS,
                    http_events=several(one_of_type(HttpRetryEvent), least["http"]),
                    tcp_events=several(one_of_type(TcpRetryEvent), least["tcp"], 1),
                    grpc_events=several(one_of_type(GrpcRetryEvent), least["grpc"], 5) if grpc else st.just(()),
                )
                for least in (
                    {"http": 1, "tcp": 0, "grpc": 0},
                    {"http": 0, "tcp": 1, "grpc": 0},
                    {"http": 0, "tcp": 0 if grpc else 1, "grpc": 1},
                )
            )
        )
    )
    for grpc in (False, True)
}


def _targets(draw: Draw, reachable: Sequence[tuple[VirtualNode, int]]) -> tuple[WeightedTarget, ...]:
    """Draw targets from ports of nodes, at least one with a weight above 0."""
    chosen = draw(several(st.integers(0, len(reachable) - 1), 1, 3))
    served = draw(st.sampled_from(chosen))
    targets = []
    for index in chosen:
        node, port = reachable[index]
        named_port = None if len(node.listeners) == 1 and draw(_YES_OR_NO) else port
        weight = draw(_WEIGHT if index == served else _WEIGHT_OR_0)
        targets.append(WeightedTarget(virtual_node=node.name, weight=weight, port=named_port))
    return tuple(targets)


def _route(
    draw: Draw, index: int, listener: Listener, alone: bool, reachable: Sequence[tuple[VirtualNode, int]]
) -> Route:
    priority, alike = _ranked(draw, index)
    tcp = listener.protocol == "tcp"
    return Route(
        name=f"route-{index}",
        match=_match(draw, listener, alone, "router", alike),
        targets=_targets(draw, reachable),
        protocol=listener.protocol,
        priority=priority,
        retry_policy=None if tcp else draw(_RETRY_POLICIES[listener.protocol == "grpc"]),
        timeout=draw(_TCP_TIMEOUT if tcp else _TIMEOUT),
        tags=draw(_TAGS),
    )


def _router(draw: Draw, name: str, nodes: Sequence[VirtualNode]) -> VirtualRouter:
    spoken = tuple(dict.fromkeys(listener.protocol for node in nodes for listener in node.listeners))
    listeners = _listeners(draw, "router", compilable=True, protocols=spoken or get_args(Protocol))
    routes: list[Route] = []
    for listener in listeners:
        reachable = [
            (node, each.port) for node in nodes for each in node.listeners if each.protocol == listener.protocol
        ]
        # The first TCP route of a port matches every connection.
        most = 0 if not reachable else 1 if listener.protocol == "tcp" else 3
        for _ in range(draw(_UP_TO[most])):
            routes.append(_route(draw, len(routes), listener, len(listeners) == 1, reachable))
    return VirtualRouter(name=name, listeners=listeners, routes=tuple(routes), tags=draw(_TAGS))


def _target_ports(listeners: Sequence[Listener]) -> tuple[int | None, ...]:
    """Return the valid ports of a gateway route to a service whose provider has these listeners."""
    if len(listeners) > 1:
        return tuple(each.port for each in listeners if each.protocol != "tcp")
    return (None, *(each.port for each in listeners)) if all(each.protocol != "tcp" for each in listeners) else ()


def _rewrite(draw: Draw, match: RouteMatch) -> Rewrite:
    fields: dict[str, Any] = draw(_PREFIX_REWRITE) if match.prefix is not None else {}
    if match.path is not None or match.path_regex is not None:
        fields = {"path": draw(_MAYBE_PATH)}
    return Rewrite(keep_hostname=draw(_YES_OR_NO), **fields)


def _gateway_route(
    draw: Draw, index: int, listener: Listener, alone: bool, targets: Sequence[tuple[str, int | None]]
) -> GatewayRoute:
    priority, alike = _ranked(draw, index)
    match = _match(draw, listener, alone, "gateway", alike)
    service, port = draw(st.sampled_from(targets))
    return GatewayRoute(
        name=f"gateway-route-{index}",
        match=match,
        virtual_service=service,
        protocol=listener.protocol,
        priority=priority,
        target_port=port,
        rewrite=_rewrite(draw, match),
        tags=draw(_TAGS),
    )


def _gateway(
    draw: Draw, name: str, services: Sequence[tuple[str, Sequence[Listener]]], compilable: bool
) -> VirtualGateway:
    listeners = _listeners(draw, "gateway", compilable, protocols=GATEWAY_PROTOCOLS)
    targets = [(service, port) for service, behind in services for port in _target_ports(behind)]
    routes: list[GatewayRoute] = []
    for listener in listeners:
        for _ in range(draw(_UP_TO[2 if targets else 0])):
            routes.append(_gateway_route(draw, len(routes), listener, len(listeners) == 1, targets))
    return VirtualGateway(
        name=name,
        listeners=listeners,
        routes=tuple(routes),
        client_tls=draw(_CLIENT_TLS[compilable]),
        access_log=draw(_ACCESS_LOG),
        tags=draw(_TAGS),
    )


@st.composite
def meshes(draw: st.DrawFn, *, compilable: bool = False) -> Mesh:
    """Draw a small valid mesh.

    With ``compilable``, it has sources of certificates that App Mesh had not, and nothing that the Envoy compiler
    rejects: no external services, no Cloud Map attributes, and no node with two backends that one port cannot
    distinguish.
    """
    alone = [_node(draw, name, compilable) for name in _NODES[: draw(_UP_TO[4])]]
    routers = [_router(draw, name, alone) for name in _ROUTERS[: draw(_UP_TO[2])]]
    provided = {name: draw(st.sampled_from((None, *alone, *routers))) for name in _SERVICES[: draw(_UP_TO[3])]}
    external = () if compilable else draw(_EXTERNAL_SERVICES)
    # Listeners of the provider of each service; those of external services are unknown.
    behind = [(name, provider.listeners if provider else ()) for name, provider in provided.items()]
    behind += [(name, ()) for name in external]
    return Mesh(
        name=draw(st.sampled_from(("colors", "Color_Mesh-1"))),
        owner=draw(st.sampled_from((None, "111122223333", "012345678901"))),
        egress_filter=draw(_EGRESS_FILTER),
        ip_preference=draw(_IP_PREFERENCE),
        cloud_map_services=draw(_CLOUD_MAP_SERVICES),
        nodes=tuple(replace(node, backends=_backends(draw, behind, compilable)) for node in alone),
        services=tuple(_service(draw, name, provider) for name, provider in provided.items()),
        routers=tuple(routers),
        gateways=tuple(_gateway(draw, name, behind, compilable) for name in _GATEWAYS[: draw(_UP_TO[2])]),
        external_services=external,
        tags=draw(_TAGS),
    )
