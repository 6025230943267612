"""What becomes of a mesh where it is no resource of AWS any more, and what is said of it."""

from dataclasses import replace
from typing import Any

import pytest

from color_mesh.migration import CarriedMesh, Finding, carry
from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    CloudMapDiscovery,
    CloudMapService,
    DnsDiscovery,
    HeaderMatch,
    Mesh,
    MeshError,
    RouteMatch,
    SdsCertificate,
    SdsTrust,
    VirtualNode,
)
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
NO_FILE = (
    "for no Envoy gets keys from ACM, and no Secret Discovery Service runs beside these; certificates in files stay"
)


def found(name: str = "red", **changes: Any) -> VirtualNode:
    """A node as it is found after a migration."""
    return node(name, discovery=CloudMapDiscovery(namespace="tasks.colors.local", service=name), **changes)


def carried(of: Mesh, *implemented: str) -> CarriedMesh:
    return carry(of, implemented or {node.name for node in of.nodes})


def findings(of: Mesh, *implemented: str) -> list[str]:
    return [f"{each.kind}: {each.subject}: {each.text}" for each in carried(of, *implemented).findings]


def of_red(**changes: Any) -> Mesh:
    return mesh(nodes=(node(**changes),), services=(service(virtual_node="red"),))


def test_a_node_is_found_in_the_namespace_of_the_tasks() -> None:
    of = replace(of_red(), cloud_map_services=(replace(dns(), description="Red.", ttl_seconds=300),))
    assert carried(of).mesh == mesh(
        nodes=(found(),),
        services=(service(virtual_node="red"),),
        cloud_map_services=(
            CloudMapService(name="red", namespace="tasks.colors.local", description="Red.", ttl_seconds=5),
        ),
    )
    assert findings(of) == []


# Names


@pytest.mark.parametrize(
    ("names", "domain", "others"),
    [
        pytest.param(["a.colors.local", "b.c.local", "c.c.local"], "c.local", ("colors.local",), id="most-services"),
        pytest.param(["a.c.local", "b.colors.local"], "colors.local", ("c.local",), id="namespace"),
        pytest.param(["a.b.colors.local", "c.colors.local"], "colors.local", (), id="deeper"),
        pytest.param(["green"], "colors.local", (), id="no-domain"),
        pytest.param(
            ["a.example.com", "b.example.com"], "colors.local", ("example.com",), id="somebodys-on-the-internet"
        ),
        pytest.param(["github.com", "a.local"], "colors.local", ("com", "local"), id="whole-top-level-domain"),
    ],
)
def test_the_domain_is_one_that_may_be_the_meshs(names: list[str], domain: str, others: tuple[str, ...]) -> None:
    """Its zone hides every other name below it from the whole VPC."""
    of = mesh(nodes=(node(),), services=tuple(service(name) for name in names))
    assert (carried(of).names.domain, carried(of).names.other_domains(carried(of).mesh)) == (domain, others)


def test_the_domain_may_be_that_of_names_that_dns_finds() -> None:
    of = mesh(nodes=(by_dns("red.am.internal"),), services=(service("red", virtual_node="blue"),))
    assert carried(of, "blue").names.domain == "am.internal"


def test_a_namespace_on_the_internet_may_be_the_meshs() -> None:
    of = mesh(nodes=(node(discovery=CloudMapDiscovery(namespace="mesh.example.com", service="red")),))
    assert carried(of).names.domain == "mesh.example.com"


def test_a_service_of_another_domain_is_told_of() -> None:
    of = mesh(nodes=(node(),), services=(service("pay.example.com", virtual_node="red"),))
    assert findings(of) == [
        (
            "changed: virtual service 'pay.example.com': has a private zone of its own name, which in this VPC stands "
            "before what the internet says of it"
        )
    ]


def test_without_services_and_nodes_the_domain_is_of_the_mesh() -> None:
    assert carried(Mesh(name="Color_Mesh")).names.domain == "color-mesh.local"


@pytest.mark.parametrize(
    ("name", "called"),
    [
        pytest.param("green", "green.colors.local", id="one-label"),
        pytest.param("colors.local", "colors.colors.local", id="the-domain-itself"),
        pytest.param("green.tasks.colors.local", "green.colors.local", id="where-tasks-are"),
    ],
)
def test_a_service_that_no_zone_can_answer_for_is_called_otherwise(name: str, called: str) -> None:
    of = mesh(
        nodes=(node(), node("blue", backends=(to(name),))),
        services=(service(virtual_node="blue"), service("blue.colors.local"), service(name, virtual_node="red")),
        gateways=(gateway(routes=(gateway_route(virtual_service=name),)),),
    )
    result = carried(of).mesh
    assert [each.name for each in result.services if each.virtual_node == "red"] == [called]
    assert result.node("blue").backends == (to(called),)
    assert result.gateways[0].routes == (gateway_route(virtual_service=called),)
    assert (
        f"to do: virtual service {name!r}: is called {called!r} now, which DNS can answer: callers must call it so"
        in (findings(of))
    )


def test_a_name_that_another_service_has_is_refused() -> None:
    of = mesh(services=(service("green.colors.local"), service("green")))
    assert refusal(carry, of, ()) == (
        "virtual service 'green': has no name that DNS can answer, and another has, got 'green.colors.local' "
        "(rename one)"
    )


# How nodes are found


def sharing(**attributes: str) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service="red", attributes=tuple(attributes.items()))
    return node("blue", discovery=discovery)


def test_nodes_that_share_a_cloud_map_service_get_one_each() -> None:
    of = mesh(nodes=(node(), sharing(version="2")))
    assert [each.name for each in carried(of).mesh.cloud_map_services] == ["red", "blue"]
    assert findings(of) == [
        "changed: virtual node 'blue': is not told by attributes (version=2) any more, but by a name of its own"
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        pytest.param("blue_2", "blue_2", id="fits"),
        pytest.param("b" * 64, f"{'b' * 50}-a0fab137", id="long"),
        pytest.param("-", "3973e022", id="no-label"),
    ],
)
def test_a_label_is_made_of_a_name_that_is_none(name: str, label: str) -> None:
    of = mesh(nodes=(node(), replace(sharing(), name=name)))
    assert [each.name for each in carried(of).mesh.cloud_map_services] == ["red", label]


def by_dns(hostname: str, **changes: Any) -> VirtualNode:
    return node("blue", discovery=DnsDiscovery(hostname=hostname), **changes)


def test_what_dns_finds_elsewhere_is_outside() -> None:
    of = mesh(nodes=(node(), by_dns("db.example.com", listeners=(TCP,))), services=(service(virtual_node="red"),))
    result = carried(of, "red")
    assert (result.outside, result.mesh.node("blue")) == (frozenset({"blue"}), of.node("blue"))
    assert findings(of, "red") == [
        (
            "changed: virtual node 'blue': is taken for something outside of the mesh: its callers' Envoys connect to "
            "'db.example.com' at port 83"
        )
    ]


@pytest.mark.parametrize(
    ("hostname", "implemented", "label"),
    [
        pytest.param("blue.colors.local", ("red",), "blue", id="in-the-domain"),
        pytest.param("db.example.com", ("red", "blue"), "blue", id="implemented"),
    ],
)
def test_what_dns_finds_is_of_the_mesh_if_something_says_so(
    hostname: str, implemented: tuple[str, ...], label: str
) -> None:
    of = mesh(nodes=(node(), by_dns(hostname)), services=(service(virtual_node="red"),))
    assert carried(of, *implemented).outside == frozenset()
    assert findings(of, *implemented) == [
        (
            f"changed: virtual node 'blue': was found by DNS at {hostname!r}, and is in Cloud Map at "
            f"'{label}.tasks.colors.local'"
        )
    ]


def test_what_is_outside_at_the_name_of_its_service_is_called_directly() -> None:
    name = "api.example.com"
    of = mesh(
        nodes=(node(backends=(to(name),)), by_dns(name, listeners=(TCP,))),
        services=(service(virtual_node="red"), service(name, virtual_node="blue")),
    )
    assert carried(of, "red").mesh.nodes == (found(),)
    assert findings(of, "red") == [
        (
            f"lost: virtual service {name!r}: is found by DNS at its own name: callers reach it directly, if their "
            "security groups let port 83 out"
        )
    ]


def test_what_is_called_directly_stays_for_whom_another_name_leads_to_it() -> None:
    name = "api.example.com"
    of = mesh(
        nodes=(node(), by_dns(name, listeners=(TCP,))),
        services=(
            service(virtual_node="red"),
            service(name, virtual_node="blue"),
            service("b.c.d", virtual_node="blue"),
        ),
    )
    assert [each.name for each in carried(of, "red").mesh.services] == ["red.colors.local", "b.c.d"]
    assert carried(of, "red").outside == {"blue"}


def test_a_node_that_only_calls_is_found_nowhere() -> None:
    of = mesh(
        nodes=(node(), node("blue", listeners=(), backends=(to("red.colors.local"),))),
        services=(service(virtual_node="red"), service("blue.colors.local", virtual_node="blue")),
    )
    assert carried(of).mesh.node("blue") == replace(of.node("blue"), discovery=None)
    assert findings(of) == [
        "lost: virtual service 'blue.colors.local': its virtual node 'blue' listens on nothing, so that nothing answers"
    ]


# What only resources have


@pytest.mark.parametrize(
    ("of", "said"),
    [
        pytest.param(
            replace(of_red(), owner="111122223333"),
            "changed: mesh 'colors': its owner 111122223333 is not named: each task carries its share of the mesh "
            "itself",
            id="owner",
        ),
        pytest.param(
            replace(of_red(), ip_preference="IPv4_ONLY"),
            "changed: mesh 'colors': its IP preference IPv4_ONLY is not said: all is found by IPv4 addresses",
            id="ipv4",
        ),
        pytest.param(
            of_red(discovery=replace(node().discovery, ip_preference="IPv6_ONLY")),  # type: ignore[type-var]
            "lost: virtual node 'red': its IP preference IPv6_ONLY: tasks are registered and found by IPv4 addresses",
            id="ipv6-of-a-node",
        ),
        pytest.param(
            of_red(tags=TAGS),
            "lost: virtual node 'red': its tags (team=colors): it is no resource any more; tag what is with "
            "Tags.of(...)",
            id="tags",
        ),
    ],
)
def test_what_only_resources_have_is_told(of: Mesh, said: str) -> None:
    assert findings(of) == [said]
    assert carried(of).mesh == carried(of_red()).mesh


def test_a_gateways_health_check_is_the_target_groups() -> None:
    of = replace(of_red(), gateways=(gateway("gateway", replace(HTTP, health_check=health_check())),))
    assert carried(of).mesh.gateways == (gateway(),)
    assert findings(of) == [
        (
            "changed: virtual gateway 'gateway' listener 80: its health check, which no Envoy used: the target group "
            "has its own"
        )
    ]


def test_a_gateway_has_one_listener() -> None:
    routes = (
        gateway_route("kept", match=RouteMatch(prefix="/", port=80)),
        gateway_route("gone", match=RouteMatch(prefix="/", port=8080)),
    )
    of = replace(of_red(), gateways=(gateway("gateway", HTTP, HTTP_8080, routes=routes),))
    assert carried(of).mesh.gateways == (gateway(routes=routes[:1]),)
    assert findings(of) == [
        "lost: virtual gateway 'gateway' listener 8080: a gateway has one listener here",
        "lost: gateway route 'gone': it is for a listener that is lost",
    ]


def test_a_router_that_no_service_names_is_left_out() -> None:
    of = replace(of_red(), routers=(router(routes=(route(),)),))
    assert carried(of).mesh.routers == ()
    assert findings(of) == [
        "lost: virtual router 'router': no virtual service names it, so that nothing ever reached its routes"
    ]


def test_who_calls_what_is_declared_elsewhere_cannot() -> None:
    of = mesh(
        nodes=(node(backends=(to("far.colors.local"),)),),
        gateways=(gateway(routes=(gateway_route(virtual_service="far.colors.local"),)),),
        external_services=("far.colors.local",),
    )
    assert carried(of).mesh.node("red").backends == ()
    assert carried(of).mesh.gateways == (gateway(),)
    assert findings(of) == [
        f"lost: {subject}: its requests to 'far.colors.local', which is declared in no template at hand: give what "
        "declares it too"
        for subject in ("virtual node 'red'", "gateway route 'all'")
    ]


def test_what_goes_without_saying_is_said() -> None:
    """The constructs say which port a target has, and that a route without a path takes every path."""
    matched = RouteMatch(headers=(HeaderMatch(name="x"),))
    of = mesh(
        nodes=(node(),),
        routers=(router(routes=(route(match=matched),)),),
        services=(service(virtual_router="router"), service("b.colors.local", virtual_node="red")),
    )
    (result,) = carried(of).mesh.routers[0].routes
    assert result == route(match=replace(matched, prefix="/"), targets=(target(port=80),))
    assert [each.virtual_node for each in carried(of).mesh.services] == ["red", None]


# TLS


def test_certificates_in_files_stay() -> None:
    of = mesh(
        nodes=(
            node(listeners=(replace(HTTP, tls=listener_tls()),)),
            node("blue", client_tls=client_tls(), backends=(to("red.colors.local", client_tls=client_tls()),)),
        ),
        services=(service(virtual_node="red"),),
    )
    assert carried(of).mesh.node("red").listeners == of.node("red").listeners
    assert carried(of).mesh.node("blue").backends == of.node("blue").backends
    assert findings(of) == [
        (
            "to do: virtual node 'blue': its application does not start while it listens at every address: its Envoy "
            "has port 80 of the loopback addresses of its backends. Let it listen on 127.0.0.1:80 alone; or tell it "
            "another port, by its environment or command, and say that with app_port=..."
        ),
        (
            "to do: TLS: certificates are read from the files of before, now in the container of upstream Envoy: "
            "mount a volume that holds them with envoy_container.add_mount_points(...)"
        ),
    ]


@pytest.mark.parametrize(
    "tls",
    [
        pytest.param(listener_tls(certificate=ACM), id="acm"),
        pytest.param(listener_tls(certificate=SdsCertificate(secret_name="red")), id="sds"),
        pytest.param(listener_tls(validation=validation(trust=SdsTrust(secret_name="ca"))), id="sds-trust"),
    ],
)
def test_a_listener_takes_plaintext_where_its_certificate_is_out_of_reach(tls: Any) -> None:
    of = replace(
        of_red(listeners=(replace(HTTP, tls=tls),)),
        gateways=(gateway("gateway", replace(HTTP, tls=tls), client_tls=client_tls()),),
    )
    assert carried(of).mesh.node("red").listeners == (HTTP,)
    assert carried(of).mesh.gateways == (gateway(client_tls=client_tls(enforce=False)),)
    assert findings(of)[:3] == [
        f"lost: virtual node 'red' listener 80: TLS (STRICT): it takes plaintext now, {NO_FILE}",
        f"lost: virtual gateway 'gateway' listener 80: TLS (STRICT): it takes plaintext now, {NO_FILE}",
        "lost: virtual gateway 'gateway': enforces no TLS any more: it speaks TLS to those that still do",
    ]


def test_tls_that_was_disabled_is_no_loss() -> None:
    of = of_red(listeners=(replace(HTTP, tls=listener_tls(certificate=ACM, mode="DISABLED")),))
    assert carried(of).mesh == carried(of_red()).mesh
    assert findings(of) == ["changed: virtual node 'red' listener 80: TLS that was disabled is left out"]


@pytest.mark.parametrize(
    "tls",
    [
        pytest.param(
            client_tls(validation=validation(trust=AcmTrust(certificate_authority_arns=("arn:a",)))), id="acm"
        ),
        pytest.param(client_tls(certificate=SdsCertificate(secret_name="red")), id="sds"),
    ],
)
def test_a_client_policy_goes_with_its_certificates(tls: Any) -> None:
    assert carried(of_red(client_tls=tls)).mesh == carried(of_red()).mesh
    assert findings(of_red(client_tls=tls)) == [f"lost: virtual node 'red': its client policy for TLS, {NO_FILE}"]


# Envoy


def test_what_no_envoy_can_be_configured_for_is_refused() -> None:
    port = replace(HTTP, port=9901)
    assert refusal(carry, of_red(listeners=(port,)), ()) == (
        "virtual node 'red': port of the application is used by Envoy, got 9901 (Envoy uses 9901, and 15100 and "
        "up for the listeners of the node: change the port)"
    )


def test_two_targets_of_one_node_are_refused() -> None:
    of = mesh(
        nodes=(node(listeners=(HTTP, HTTP_8080)),),
        routers=(router(routes=(route(targets=(target(port=80), target(port=8080))),)),),
        services=(service(virtual_router="router"),),
    )
    assert refusal(carry, of, ()) == ("route 'all': duplicate target, got 'red' (occurs 2 times, must be unique)")


def test_an_application_with_the_port_of_no_backend_listens_where_it_did() -> None:
    of = mesh(
        nodes=(node(listeners=(HTTP_8080,), backends=(to("blue.colors.local"),)), node("blue")),
        services=(service("blue.colors.local", virtual_node="blue"),),
    )
    assert [carried(of).app_address(each) for each in carried(of).mesh.nodes] == ["0.0.0.0", "0.0.0.0"]
    assert findings(of) == []


def test_findings_are_values() -> None:
    with pytest.raises(MeshError):
        carry(of_red(listeners=(replace(HTTP, port=9901),)), ())
    assert carried(of_red(tags=TAGS)).findings[0] == Finding(
        kind="lost",
        subject="virtual node 'red'",
        text="its tags (team=colors): it is no resource any more; tag what is with Tags.of(...)",
    )
