"""Features that Envoy does not support are rejected, with their value and the reason."""

from dataclasses import replace

import pytest

from color_mesh.envoy import (
    CloudMapEndpoints,
    Loopback,
    Transparent,
    configure,
    loopback_address,
)
from color_mesh.envoy.placement import Endpoints, Interception
from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    ClientTls,
    CloudMapDiscovery,
    FileCertificate,
    FileTrust,
    GatewayRoute,
    Listener,
    ListenerTls,
    Mesh,
    MeshError,
    Protocol,
    Rewrite,
    RouteMatch,
    SdsCertificate,
    SdsTrust,
    TlsMode,
    TlsValidation,
    VirtualGateway,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from color_mesh.model.certificates import Trust

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/0"
AUTHORITY = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/0"
FILE = FileCertificate(certificate_chain="/tls/chain.pem", private_key="/tls/key.pem")
NO_SOCKET = "give the path of the Unix socket of the Secret Discovery Service"
CALLER = VirtualNode(name="caller", backends=(VirtualServiceBackend(virtual_service="red.colors.local"),))
GATEWAY = VirtualGateway(
    name="gateway",
    listeners=(Listener(port=80),),
    routes=(GatewayRoute(name="all", match=RouteMatch(), virtual_service="red.colors.local"),),
)


def red(listener: Listener, attributes: tuple[tuple[str, str], ...] = ()) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service="red", attributes=attributes)
    return VirtualNode(name="red", listeners=(listener,), discovery=discovery)


def mesh(node: VirtualNode, caller: VirtualNode = CALLER, gateway: VirtualGateway = GATEWAY) -> Mesh:
    """Return a mesh with a node, a caller and a gateway."""
    return Mesh(
        name="colors",
        nodes=(node, caller),
        services=(VirtualService(name="red.colors.local", virtual_node="red"),),
        gateways=(gateway,),
    )


def tls(certificate: AcmCertificate | FileCertificate | SdsCertificate = FILE, mode: TlsMode = "STRICT") -> Listener:
    return Listener(port=80, tls=ListenerTls(certificate=certificate, mode=mode))


def policy(trust: Trust, enforce: bool = True) -> VirtualNode:
    return replace(CALLER, client_tls=ClientTls(validation=TlsValidation(trust=trust), enforce=enforce))


def refusal(
    of: Mesh,
    part: VirtualNode | VirtualGateway,
    interception: Interception = Transparent(),  # noqa: B008  (a frozen value)
    endpoints: Endpoints = CloudMapEndpoints(),  # noqa: B008  (a frozen value)
) -> str:
    with pytest.raises(MeshError) as error:
        configure(of, part, interception=interception, endpoints=endpoints)
    return str(error.value)


def test_unused_certificate_in_acm_is_accepted() -> None:
    node = red(tls(AcmCertificate(arn=ARN), "DISABLED"))
    assert configure(mesh(node), node) == configure(mesh(red(Listener(port=80))), red(Listener(port=80)))


def test_unused_trust_in_acm_is_accepted() -> None:
    caller = policy(AcmTrust(certificate_authority_arns=(AUTHORITY,)), enforce=False)
    node = red(Listener(port=80))
    assert configure(mesh(node, caller), caller) == configure(mesh(node), CALLER)


def test_certificate_from_sds_without_a_socket_is_rejected() -> None:
    node = red(tls(SdsCertificate(secret_name="spiffe://red")))
    assert refusal(mesh(node), node) == (
        f"virtual node 'red' listener 80: has a certificate from SDS, got 'spiffe://red' ({NO_SOCKET})"
    )


def test_trust_from_sds_without_a_socket_is_rejected() -> None:
    caller = policy(SdsTrust(secret_name="spiffe://all"))
    assert refusal(mesh(red(Listener(port=80)), caller), caller) == (
        f"virtual node 'caller' backend 'red.colors.local': trusts certificate authorities from SDS, got "
        f"'spiffe://all' ({NO_SOCKET})"
    )


def test_client_certificate_from_sds_without_a_socket_is_rejected() -> None:
    validation = TlsValidation(trust=FileTrust(certificate_chain="/tls/ca.pem"))
    own = ClientTls(validation=validation, certificate=SdsCertificate(secret_name="spiffe://me"))
    caller = replace(CALLER, client_tls=own)
    assert refusal(mesh(red(Listener(port=80)), caller), caller) == (
        f"virtual node 'caller' backend 'red.colors.local': has a certificate from SDS, got 'spiffe://me' ({NO_SOCKET})"
    )


@pytest.mark.parametrize("part", [CALLER, GATEWAY], ids=["node", "gateway"])
def test_external_service_is_rejected(part: VirtualNode | VirtualGateway) -> None:
    known = Mesh(name="colors", nodes=(CALLER,), gateways=(GATEWAY,), external_services=("red.colors.local",))
    kind = "virtual node" if part is CALLER else "virtual gateway"
    assert refusal(known, part) == (
        f"{kind} '{part.name}': sends requests to a virtual service that is declared elsewhere, "
        "got 'red.colors.local' (add the source that declares it)"
    )


def two(first: Protocol, second: Protocol) -> Mesh:
    """Return a mesh with a caller of two nodes that have a listener on the same port."""
    protocols = {"red": first, "blue": second}
    return Mesh(
        name="colors",
        nodes=(
            *(
                VirtualNode(
                    name=name,
                    listeners=(Listener(port=80, protocol=protocol),),
                    discovery=CloudMapDiscovery(namespace="colors.local", service=name),
                )
                for name, protocol in protocols.items()
            ),
            VirtualNode(
                name="caller",
                backends=tuple(VirtualServiceBackend(virtual_service=f"{name}.colors.local") for name in protocols),
            ),
        ),
        services=tuple(VirtualService(name=f"{name}.colors.local", virtual_node=name) for name in protocols),
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("tcp", "tcp", id="two-of-tcp"),
        pytest.param("http", "tcp", id="http-and-tcp"),
        pytest.param("tcp", "grpc", id="tcp-and-grpc"),
    ],
)
def test_transparent_backends_with_a_shared_port_are_rejected(first: Protocol, second: Protocol) -> None:
    of = two(first, second)
    assert refusal(of, of.node("caller")) == (
        "virtual node 'caller': backends share port 80, "
        f"got {{'blue.colors.local': '{second}', 'red.colors.local': '{first}'}} "
        "(transparent interception selects tcp backends by port alone: change a port)"
    )


@pytest.mark.parametrize("second", ["http", "http2", "grpc"])
def test_http_backends_may_share_a_port(second: Protocol) -> None:
    of = two("http", second)
    configuration = configure(of, of.node("caller"))
    (routes,) = configuration.routes
    assert [host["name"] for host in routes["virtual_hosts"]] == ["blue.colors.local", "red.colors.local"]
    speaks_http2 = {each["name"]: "http2_protocol_options" in str(each) for each in configuration.clusters}
    assert speaks_http2[f"cds_egress_colors_blue_{second}_80"] is (second != "http")
    assert speaks_http2["cds_egress_colors_red_http_80"] is False


def test_loopback_backends_may_share_a_port() -> None:
    of = two("tcp", "tcp")
    listeners = configure(of, of.node("caller"), interception=Loopback()).listeners
    assert [each["address"]["socket_address"] for each in listeners] == [
        {"address": loopback_address("blue.colors.local"), "port_value": 80},
        {"address": loopback_address("red.colors.local"), "port_value": 80},
    ]


def test_backends_with_a_shared_loopback_address_are_rejected() -> None:
    of = two("http", "http")
    loopback = Loopback(backend_addresses=dict.fromkeys(("red.colors.local", "blue.colors.local"), "127.9.9.9"))
    assert refusal(of, of.node("caller"), loopback) == (
        "virtual node 'caller': a backend shares loopback address 127.9.9.9 with other services, "
        "got ('red.colors.local', 'blue.colors.local') (rename one of them)"
    )


def test_backend_with_the_loopback_address_of_another_service_is_rejected() -> None:
    of = two("http", "http")
    caller = replace(of.node("caller"), backends=of.node("caller").backends[:1])
    of = replace(of, nodes=(*of.nodes[:2], caller))
    loopback = Loopback(backend_addresses=dict.fromkeys(("red.colors.local", "blue.colors.local"), "127.9.9.9"))
    assert "a backend shares loopback address 127.9.9.9 with other services" in refusal(of, caller, loopback)
    configure(of, of.node("red"), interception=loopback)


@pytest.mark.parametrize("app_address", ["0.0.0.0", "127.0.0.1"])
def test_service_at_whose_address_the_envoy_of_a_node_that_does_not_provide_it_listens_is_rejected(
    app_address: str,
) -> None:
    of = two("http", "http")
    blue = replace(of.node("blue"), listeners=(Listener(port=15100),))
    of = replace(of, nodes=(of.node("red"), blue))
    assert refusal(of, of.node("red"), Loopback(app_address=app_address)) == (
        "virtual node 'red': services have a port at which Envoy listens on all addresses, got ('blue.colors.local',) "
        "(Envoy uses 9901, and 15100 and up for the listeners of the node: change the port)"
    )
    configure(of, blue, interception=Loopback(app_address=app_address, app_port=81))


def test_all_unsupported_features_are_reported_at_once() -> None:
    of_sds = ListenerTls(
        certificate=SdsCertificate(secret_name="red"), validation=TlsValidation(trust=SdsTrust(secret_name="all"))
    )
    node = red(Listener(port=80, tls=of_sds))
    assert len(refusal(mesh(node), node).splitlines()) == 2


@pytest.mark.parametrize("port", [9901, 15001])
@pytest.mark.parametrize("interception", [Transparent(), Loopback()], ids=["transparent", "loopback"])
def test_gateway_listener_on_a_port_of_envoy_is_rejected(port: int, interception: Interception) -> None:
    of = Mesh(name="colors", gateways=(VirtualGateway(name="door", listeners=(Listener(port=port),)),))
    assert refusal(of, of.gateway("door"), interception) == (
        f"virtual gateway 'door': listener port is used by Envoy, got {port} "
        "(Envoy uses 9901 for its admin interface and 15001 for the second hop: change the port)"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"match": RouteMatch(prefix="/a"), "rewrite": Rewrite(prefix="/b/../c/")},
            "rewrite has a segment '.' or '..', got '/b/../c/' (give the path that it leads to)",
            id="prefix",
        ),
        pytest.param(
            {"match": RouteMatch(path="/a"), "rewrite": Rewrite(path="/b/%2e")},
            "rewrite has a segment '.' or '..', got '/b/%2e' (give the path that it leads to)",
            id="path",
        ),
        pytest.param(
            {"match": RouteMatch(prefix="/" + 450 * "\u00e9")},
            "prefix is too long for Envoy, got '901 bytes' (at most 900 bytes)",
            id="long-prefix",
        ),
    ],
)
def test_gateway_route_that_envoy_cannot_match_or_rewrite_is_rejected(
    changes: dict[str, RouteMatch | Rewrite], message: str
) -> None:
    gateway = replace(GATEWAY, routes=(replace(GATEWAY.routes[0], **changes),))  # type: ignore[arg-type]
    assert refusal(mesh(red(Listener(port=80)), gateway=gateway), gateway) == (
        f"virtual gateway 'gateway' route 'all': {message}"
    )
