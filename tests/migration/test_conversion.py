"""Conversion of a mesh to self-managed Envoy: its parts, and the findings about differences."""

from dataclasses import replace
from typing import Any

import pytest

from color_mesh.migration import ConvertedMesh, Finding, convert_mesh
from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    ClientTls,
    CloudMapDiscovery,
    CloudMapService,
    DnsDiscovery,
    HeaderMatch,
    IpPreference,
    ListenerTls,
    Mesh,
    MeshError,
    Milliseconds,
    RouteMatch,
    SdsCertificate,
    SdsTrust,
    Timeout,
    VirtualNode,
    VirtualServiceBackend,
)
from color_mesh.model.arns import DECLARED_ARN
from tests.support.builders import (
    HTTP,
    HTTP_8080,
    TCP,
    client_tls,
    dns,
    gateway,
    gateway_route,
    health_check,
    listener_tls,
    mesh,
    node,
    refusal,
    route,
    router,
    service,
    target,
    to,
    validation,
)

ACM = AcmCertificate(arn="arn:aws:acm:eu-west-1:111122223333:certificate/1")
TAGS = (("team", "colors"),)
PLAINTEXT = "TLS (STRICT) is removed and the listener accepts plaintext"
FILES_ONLY = "no Secret Discovery Service runs beside Envoy (certificates in files, ACM and AWS Private CA stay)"


def registered(name: str = "red", **changes: Any) -> VirtualNode:
    """Return a node as it is registered after the conversion."""
    return node(name, discovery=CloudMapDiscovery(namespace="tasks.colors.local", service=name), **changes)


def converted(original: Mesh, *implemented: str) -> ConvertedMesh:
    return convert_mesh(original, implemented or {node.name for node in original.nodes})


def findings(original: Mesh, *implemented: str) -> list[str]:
    return [f"{each.kind}: {each.subject}: {each.text}" for each in converted(original, *implemented).findings]


def of_red(**changes: Any) -> Mesh:
    return mesh(nodes=(node(**changes),), services=(service(virtual_node="red"),))


def test_node_gets_a_cloud_map_service_in_the_namespace_of_the_tasks() -> None:
    original = replace(of_red(), cloud_map_services=(replace(dns(), description="Red.", ttl_seconds=300),))
    assert converted(original).mesh == mesh(
        nodes=(registered(),),
        services=(service(virtual_node="red"),),
        cloud_map_services=(
            CloudMapService(name="red", namespace="tasks.colors.local", description="Red.", ttl_seconds=5),
        ),
    )
    assert findings(original) == []


# Names


@pytest.mark.parametrize(
    ("names", "domain", "others"),
    [
        pytest.param(["a.colors.local", "b.c.local", "c.c.local"], "c.local", ("colors.local",), id="most-services"),
        pytest.param(["a.c.local", "b.colors.local"], "colors.local", ("c.local",), id="namespace"),
        pytest.param(["a.b.colors.local", "c.colors.local"], "colors.local", (), id="deeper"),
        pytest.param(["green"], "colors.local", (), id="no-domain"),
        pytest.param(["a.example.com", "b.example.com"], "colors.local", ("example.com",), id="public-domain"),
        pytest.param(["github.com", "a.local"], "colors.local", ("com", "local"), id="whole-top-level-domain"),
    ],
)
def test_domain_with_most_services_is_chosen_unless_it_has_public_names(
    names: list[str], domain: str, others: tuple[str, ...]
) -> None:
    """The zone of a domain hides every other name below it from the whole VPC."""
    original = mesh(nodes=(node(),), services=tuple(service(name) for name in names))
    assert (converted(original).domain.name, converted(original).domain.other_domains(converted(original).mesh)) == (
        domain,
        others,
    )


def test_domain_may_be_that_of_dns_discovery() -> None:
    original = mesh(nodes=(by_dns("red.am.internal"),), services=(service("red", virtual_node="blue"),))
    assert converted(original, "blue").domain.name == "am.internal"


def test_cloud_map_namespace_may_have_a_public_top_level_domain() -> None:
    original = mesh(nodes=(node(discovery=CloudMapDiscovery(namespace="mesh.example.com", service="red")),))
    assert converted(original).domain.name == "mesh.example.com"


def test_service_outside_of_the_domain_gets_a_zone_of_its_own() -> None:
    original = mesh(nodes=(node(),), services=(service("pay.example.com", virtual_node="red"),))
    assert findings(original) == [
        (
            "changed: virtual service 'pay.example.com': gets a private hosted zone of its name, which hides the "
            "public DNS records of that name in the VPC"
        )
    ]


def test_domain_of_an_empty_mesh_has_the_name_of_the_mesh() -> None:
    assert converted(Mesh(name="Color_Mesh")).domain.name == "color-mesh.local"


@pytest.mark.parametrize(
    ("name", "new_name"),
    [
        pytest.param("green", "green.colors.local", id="one-label"),
        pytest.param("colors.local", "colors.colors.local", id="the-domain-itself"),
        pytest.param("green.tasks.colors.local", "green.colors.local", id="namespace-of-the-tasks"),
    ],
)
def test_service_with_an_unresolvable_name_is_renamed(name: str, new_name: str) -> None:
    original = mesh(
        nodes=(node(), node("blue", backends=(to(name),))),
        services=(service(virtual_node="blue"), service("blue.colors.local"), service(name, virtual_node="red")),
        gateways=(gateway(routes=(gateway_route(virtual_service=name),)),),
    )
    result = converted(original).mesh
    assert [each.name for each in result.services if each.virtual_node == "red"] == [new_name]
    assert result.node("blue").backends == (to(new_name),)
    assert result.gateways[0].routes == (gateway_route(virtual_service=new_name),)
    renamed = f"is renamed to {new_name!r}, which DNS can resolve: use the new name in its clients"
    assert f"to do: virtual service {name!r}: {renamed}" in findings(original)


def test_renaming_a_service_to_a_name_in_use_is_refused() -> None:
    original = mesh(services=(service("green.colors.local"), service("green")))
    assert refusal(convert_mesh, original, ()) == (
        "virtual service 'green': needs a name that DNS resolves, which another has, got 'green.colors.local' "
        "(rename one)"
    )


# Service discovery


def sharing(**attributes: str) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service="red", attributes=tuple(attributes.items()))
    return node("blue", discovery=discovery)


def test_nodes_that_share_a_cloud_map_service_get_one_each() -> None:
    original = mesh(nodes=(node(), sharing(version="2")))
    assert [each.name for each in converted(original).mesh.cloud_map_services] == ["red", "blue"]
    assert findings(original) == [
        "changed: virtual node 'blue': its own Cloud Map service replaces the attributes version=2"
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        pytest.param("blue_2", "blue_2", id="fits"),
        pytest.param("b" * 64, f"{'b' * 50}-a0fab137", id="long"),
        pytest.param("-", "3973e022", id="no-label"),
    ],
)
def test_cloud_map_service_has_a_valid_name_for_every_node_name(name: str, label: str) -> None:
    original = mesh(nodes=(node(), replace(sharing(), name=name)))
    assert [each.name for each in converted(original).mesh.cloud_map_services] == ["red", label]


def by_dns(hostname: str, **changes: Any) -> VirtualNode:
    return node("blue", discovery=DnsDiscovery(hostname=hostname), **changes)


def test_node_with_an_external_host_name_is_an_external_endpoint() -> None:
    database = by_dns("db.example.com", listeners=(HTTP_8080,))
    original = mesh(nodes=(node(), database), services=(service(virtual_node="red"),))
    result = converted(original, "red")
    assert (result.external_nodes, result.mesh.node("blue")) == (frozenset({"blue"}), original.node("blue"))
    assert findings(original, "red") == [
        (
            "changed: virtual node 'blue': is treated as an external endpoint: Envoy of each client connects to "
            "'db.example.com' port 8080"
        )
    ]


@pytest.mark.parametrize(
    ("hostname", "implemented", "label"),
    [
        pytest.param("blue.colors.local", ("red",), "blue", id="in-the-domain"),
        pytest.param("db.example.com", ("red", "blue"), "blue", id="implemented"),
    ],
)
def test_node_with_a_host_name_is_in_the_mesh_by_its_domain_or_tasks(
    hostname: str, implemented: tuple[str, ...], label: str
) -> None:
    original = mesh(nodes=(node(), by_dns(hostname, listeners=(HTTP_8080,))), services=(service(virtual_node="red"),))
    assert converted(original, *implemented).external_nodes == frozenset()
    assert findings(original, *implemented) == [
        (
            f"changed: virtual node 'blue': is discovered by Cloud Map as '{label}.tasks.colors.local', not by DNS as "
            f"{hostname!r}"
        )
    ]


def test_service_named_like_its_external_endpoint_is_removed() -> None:
    name = "api.example.com"
    original = mesh(
        nodes=(node(backends=(to(name),)), by_dns(name, listeners=(TCP,))),
        services=(service(virtual_node="red"), service(name, virtual_node="blue")),
    )
    assert converted(original, "red").mesh.nodes == (registered(),)
    assert findings(original, "red") == [
        (
            f"lost: virtual service {name!r}: is removed, because DNS has to resolve its name to the external "
            "endpoint: clients connect directly, if their security groups allow port 83"
        )
    ]


def test_external_endpoint_stays_for_a_service_of_another_name() -> None:
    name = "api.example.com"
    original = mesh(
        nodes=(node(), by_dns(name, listeners=(TCP,))),
        services=(
            service(virtual_node="red"),
            service(name, virtual_node="blue"),
            service("b.c.d", virtual_node="blue"),
        ),
    )
    assert [each.name for each in converted(original, "red").mesh.services] == ["red.colors.local", "b.c.d"]
    assert converted(original, "red").external_nodes == {"blue"}


def test_node_without_a_listener_has_no_discovery_and_provides_no_service() -> None:
    original = mesh(
        nodes=(node(), node("blue", listeners=(), backends=(to("red.colors.local"),))),
        services=(service(virtual_node="red"), service("blue.colors.local", virtual_node="blue")),
    )
    assert converted(original).mesh.node("blue") == replace(original.node("blue"), discovery=None)
    assert findings(original) == [
        "lost: virtual service 'blue.colors.local': has no provider any more: virtual node 'blue' has no listener"
    ]


# Properties of App Mesh resources


@pytest.mark.parametrize(
    ("original", "finding"),
    [
        pytest.param(
            replace(of_red(), owner="111122223333"),
            "changed: mesh 'colors': the mesh owner 111122223333 is removed: each task has its own Envoy configuration",
            id="owner",
        ),
        pytest.param(
            replace(of_red(), ip_preference="IPv4_ONLY"),
            "changed: mesh 'colors': the IP preference IPv4_ONLY is removed: all addresses of tasks are IPv4",
            id="ipv4",
        ),
        pytest.param(
            of_red(discovery=replace(node().discovery, ip_preference="IPv6_ONLY")),  # type: ignore[type-var]
            "lost: virtual node 'red': the IP preference IPv6_ONLY is removed: tasks register IPv4 addresses",
            id="ipv6-of-a-node",
        ),
        pytest.param(
            replace(of_red(), services=(service(virtual_node="red", tags=TAGS),)),
            "lost: virtual service 'red.colors.local': the tags team=colors are removed with the App Mesh resource, "
            "which no other one replaces",
            id="tags",
        ),
    ],
)
def test_property_of_app_mesh_resources_is_removed_with_a_finding(original: Mesh, finding: str) -> None:
    assert findings(original) == [finding]
    assert converted(original).mesh == converted(of_red()).mesh


def test_health_check_of_a_gateway_listener_is_removed() -> None:
    original = replace(of_red(), gateways=(gateway("gateway", replace(HTTP, health_check=health_check())),))
    assert converted(original).mesh.gateways == (gateway(),)
    assert findings(original) == [
        (
            "changed: virtual gateway 'gateway' listener 80: the health check is removed: Envoy did not use it, and "
            "the target group has its own"
        )
    ]


def test_each_listener_of_a_gateway_becomes_a_gateway_with_its_routes() -> None:
    routes = (
        gateway_route("first", match=RouteMatch(prefix="/", port=80)),
        gateway_route("second", match=RouteMatch(prefix="/", port=8080)),
    )
    original = replace(
        of_red(), gateways=(gateway("gateway", HTTP, HTTP_8080, routes=routes), gateway("gateway-8080", HTTP))
    )
    first, second, other = converted(original).mesh.gateways
    assert [each.name for each in first.routes] == ["first"]
    assert [each.name for each in second.routes] == ["second"]
    assert (first.name, second.name, other.name) == ("gateway", "gateway-8080-listener", "gateway-8080")
    assert [each.listeners for each in (first, second)] == [(HTTP,), (HTTP_8080,)]
    assert findings(original) == [
        (
            "changed: virtual gateway 'gateway' listener 8080: becomes the gateway 'gateway-8080-listener' with tasks "
            "of its own, since MeshGateway has one listener"
        )
    ]


def test_router_without_a_virtual_service_is_removed() -> None:
    original = replace(of_red(), routers=(router(routes=(route(),)),))
    assert converted(original).mesh.routers == ()
    assert findings(original) == ["lost: virtual router 'router': is removed: no virtual service uses it"]


def test_backend_and_gateway_route_of_an_undeclared_service_are_removed() -> None:
    original = mesh(
        nodes=(node(backends=(to("far.colors.local"),)),),
        gateways=(gateway(routes=(gateway_route(virtual_service="far.colors.local"),)),),
        external_services=("far.colors.local",),
    )
    assert converted(original).mesh.node("red").backends == ()
    assert converted(original).mesh.gateways == (gateway(),)
    assert findings(original) == [
        f"lost: {subject}: requests to 'far.colors.local' fail: no template declares that virtual service (add the one "
        "that does)"
        for subject in ("virtual node 'red'", "gateway route 'all'")
    ]


def test_defaults_of_routes_are_filled_in() -> None:
    """The constructs set the port of each target, and the prefix ``/`` of a route without a path."""
    matched = RouteMatch(headers=(HeaderMatch(name="x"),))
    original = mesh(
        nodes=(node(),),
        routers=(router(routes=(route(match=matched),)),),
        services=(service(virtual_router="router"), service("b.colors.local", virtual_node="red")),
    )
    (result,) = converted(original).mesh.routers[0].routes
    assert result == route(match=replace(matched, prefix="/"), targets=(target(port=80),))
    assert [each.virtual_node for each in converted(original).mesh.services] == ["red", None]


# TLS


def test_tls_with_certificates_in_files_stays() -> None:
    original = mesh(
        nodes=(
            node(listeners=(replace(HTTP, tls=listener_tls()),)),
            node("blue", client_tls=client_tls(), backends=(to("red.colors.local", client_tls=client_tls()),)),
        ),
        services=(service(virtual_node="red"),),
    )
    assert converted(original).mesh.node("red").listeners == original.node("red").listeners
    assert converted(original).mesh.node("blue").backends == original.node("blue").backends
    assert findings(original) == [
        (
            "to do: virtual node 'blue': the application must not listen on all addresses, because port 80 of loopback "
            "addresses is that of other services: make it listen on 127.0.0.1:80 only, or change its port by "
            "environment or command and set app_port=..."
        ),
        (
            "to do: TLS: certificates are read from the same files, now in the upstream Envoy container: mount a "
            "volume that holds them with envoy_container.add_mount_points(...)"
        ),
    ]


@pytest.mark.parametrize(
    "tls",
    [
        pytest.param(listener_tls(certificate=SdsCertificate(secret_name="red")), id="sds"),
        pytest.param(listener_tls(validation=validation(trust=SdsTrust(secret_name="ca"))), id="sds-trust"),
    ],
)
def test_listener_with_sds_accepts_plaintext(tls: Any) -> None:
    original = replace(
        of_red(listeners=(replace(HTTP, tls=tls),)),
        gateways=(gateway("gateway", replace(HTTP, tls=tls), client_tls=client_tls()),),
    )
    assert converted(original).mesh.node("red").listeners == (HTTP,)
    assert converted(original).mesh.gateways == (gateway(client_tls=client_tls(enforce=False)),)
    assert findings(original)[:3] == [
        f"lost: virtual node 'red' listener 80: {PLAINTEXT}: {FILES_ONLY}",
        f"lost: virtual gateway 'gateway' listener 80: {PLAINTEXT}: {FILES_ONLY}",
        "lost: virtual gateway 'gateway': TLS is not enforced any more, but used where listeners still have it",
    ]


def test_disabled_tls_is_removed_as_a_change() -> None:
    of_sds = listener_tls(certificate=SdsCertificate(secret_name="red"), mode="DISABLED")
    original = of_red(listeners=(replace(HTTP, tls=of_sds),))
    assert converted(original).mesh == converted(of_red()).mesh
    assert findings(original) == ["changed: virtual node 'red' listener 80: the disabled TLS settings are removed"]


@pytest.mark.parametrize(
    "tls",
    [
        pytest.param(client_tls(certificate=SdsCertificate(secret_name="red")), id="certificate"),
        pytest.param(client_tls(validation=validation(trust=SdsTrust(secret_name="all"))), id="trust"),
    ],
)
def test_client_policy_with_sds_is_removed(tls: Any) -> None:
    assert converted(of_red(client_tls=tls)).mesh == converted(of_red()).mesh
    assert findings(of_red(client_tls=tls)) == [
        f"lost: virtual node 'red': the TLS client policy is removed: {FILES_ONLY}"
    ]


def calling(listener: ListenerTls, policy: ClientTls | None) -> Mesh:
    """Return a mesh in which blue calls red."""
    blue = node("blue", listeners=(HTTP_8080,), client_tls=policy, backends=(to("red.colors.local"),))
    return mesh(nodes=(node(listeners=(replace(HTTP, tls=listener),)), blue), services=(service(virtual_node="red"),))


def test_certificates_and_authorities_of_acm_are_carried_over() -> None:
    trust = AcmTrust(certificate_authority_arns=("arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/1",))
    original = calling(listener_tls(certificate=ACM), client_tls(validation=validation(trust=trust)))
    assert converted(original).mesh.node("red").listeners == original.node("red").listeners
    assert converted(original).mesh.node("blue").client_tls == original.node("blue").client_tls
    assert [each for each in findings(original) if "TLS" in each or "ACM" in each] == []


def test_caller_without_a_client_policy_does_not_validate_certificates_of_acm_any_more() -> None:
    (finding,) = [each for each in findings(calling(listener_tls(certificate=ACM), None)) if "ACM" in each]
    assert finding == (
        "lost: virtual node 'blue': it uses TLS, and does not validate certificates of ACM any more, as App Mesh did: "
        "give it client_tls=ClientTls(validation=...) with the certificate authority"
    )


def test_arn_of_a_certificate_that_the_templates_declare_is_to_be_replaced() -> None:
    declared = AcmCertificate(arn=f"{DECLARED_ARN}Certificate")
    (_, finding) = [
        each for each in findings(calling(listener_tls(certificate=declared), client_tls())) if "TLS" in each
    ]
    assert finding == (
        "to do: TLS: replace 'arn:aws:acm:::declared/Certificate' by the ARN of 'Certificate', which the old templates "
        "declare: it is not migrated"
    )


# Envoy


def test_mesh_that_envoy_cannot_be_configured_for_is_refused() -> None:
    port = replace(HTTP, port=9901)
    assert refusal(convert_mesh, of_red(listeners=(port,)), ()) == (
        "virtual node 'red': port of the application is used by Envoy, got 9901 (Envoy uses 9901, and 15100 and "
        "up for the listeners of the node: change the port)"
    )


def test_route_with_two_targets_of_one_node_is_refused() -> None:
    original = mesh(
        nodes=(node(listeners=(HTTP, HTTP_8080)),),
        routers=(router(routes=(route(targets=(target(port=80), target(port=8080))),)),),
        services=(service(virtual_router="router"),),
    )
    assert refusal(convert_mesh, original, ()) == (
        "route 'all': duplicate target, got 'red' (occurs 2 times, must be unique)"
    )


@pytest.mark.parametrize("backends", [(), (to("blue.colors.local"),)], ids=["not-a-backend", "backend"])
def test_application_listens_on_127_0_0_1_if_another_service_has_its_port(
    backends: tuple[VirtualServiceBackend, ...],
) -> None:
    original = mesh(
        nodes=(node(backends=backends), node("blue")), services=(service("blue.colors.local", virtual_node="blue"),)
    )
    assert [converted(original).app_address(each) for each in converted(original).mesh.nodes] == [
        "127.0.0.1",
        "0.0.0.0",
    ]


def test_application_listens_on_all_addresses_if_no_other_service_has_its_port() -> None:
    original = mesh(
        nodes=(node(listeners=(HTTP_8080,), backends=(to("blue.colors.local"),)), node("blue")),
        services=(service("blue.colors.local", virtual_node="blue"),),
    )
    assert [converted(original).app_address(each) for each in converted(original).mesh.nodes] == ["0.0.0.0", "0.0.0.0"]
    assert findings(original) == []


def test_findings_have_kind_subject_and_text() -> None:
    with pytest.raises(MeshError):
        convert_mesh(of_red(listeners=(replace(HTTP, port=9901),)), ())
    assert converted(replace(of_red(), ip_preference="IPv4_ONLY")).findings[0] == Finding(
        kind="changed",
        subject="mesh 'colors'",
        text="the IP preference IPv4_ONLY is removed: all addresses of tasks are IPv4",
    )


def test_idle_connections_of_tcp_that_end_sooner_are_a_change() -> None:
    assert findings(of_red(listeners=(TCP,))) == [
        (
            "changed: virtual node 'red': idle connections to port 83 end after 4 minutes, and not after an hour: set "
            "the idle timeouts of the listener and of a route for longer pauses"
        )
    ]
    timeout = Timeout(idle=Milliseconds(3_600_000))
    assert findings(of_red(listeners=(replace(TCP, timeout=timeout),))) == []


def test_prefix_of_a_gateway_route_that_matched_more_than_whole_segments_is_a_change() -> None:
    routes = tuple(
        gateway_route(name, match=RouteMatch(prefix=prefix))
        for name, prefix in (("shop", "/shop"), ("tree", "/tree/"), ("all", "/"))
    )
    original = replace(of_red(), gateways=(gateway(routes=routes),))
    assert findings(original) == [
        "changed: gateway route 'shop': the prefix '/shop' matches whole path segments only, and not '/shop-x' any more"
    ]


@pytest.mark.parametrize(("own", "of_mesh"), [("IPv4_ONLY", None), (None, "IPv4_ONLY"), ("IPv4_ONLY", "IPv6_ONLY")])
def test_node_that_dns_finds_keeps_its_ip_preference(own: IpPreference | None, of_mesh: IpPreference | None) -> None:
    bank = node("bank", discovery=DnsDiscovery(hostname="api.bank.example", ip_preference=own))
    services = (service("bank.colors.local", virtual_node="bank"), service(virtual_node="red"))
    original = mesh(nodes=(bank, node()), services=services, ip_preference=of_mesh)
    kept = DnsDiscovery(hostname="api.bank.example", ip_preference="IPv4_ONLY")
    assert converted(original, "red").mesh.node("bank").discovery == kept
