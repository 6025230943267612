"""Placement: interception and endpoint sources change addresses and ports, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from color_mesh.envoy import (
    CloudMapEndpoints,
    Configuration,
    FileEndpoints,
    Instance,
    Loopback,
    Target,
    Transparent,
    configure,
    endpoints,
    loopback_address,
)
from color_mesh.envoy.placement import Endpoints, Interception
from color_mesh.model import (
    CloudMapDiscovery,
    DnsDiscovery,
    DnsResponseType,
    IpPreference,
    Listener,
    Mesh,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from tests.support.builders import health_check, mesh, node, service, to
from tests.support.full_mesh import full_mesh

WATCHED = FileEndpoints(directory="/watched")
ANYWHERE = (
    pytest.param(Transparent(), CloudMapEndpoints(), id="transparent-cloud-map"),
    pytest.param(Transparent(), WATCHED, id="transparent-files"),
    pytest.param(Loopback(), CloudMapEndpoints(), id="loopback-cloud-map"),
    pytest.param(Loopback(), WATCHED, id="loopback-files"),
)
BOTH = Instance(port=80, ipv4="10.0.0.1", ipv6="fd00::1")
ONLY_4 = Instance(port=80, ipv4="10.0.0.2")
ONLY_6 = Instance(port=80, ipv6="fd00::3")


def chain(size: int, name: str = "n") -> Mesh:
    """Return a mesh in which each node has the node before it as its backend."""
    return Mesh(
        name="chain",
        nodes=tuple(
            VirtualNode(
                name=f"{name}{number}",
                listeners=(Listener(port=80),),
                discovery=CloudMapDiscovery(namespace="chain.local", service=f"{name}{number}"),
                backends=(VirtualServiceBackend(virtual_service=f"{name}{number - 1}.chain.local"),) if number else (),
            )
            for number in range(size)
        ),
        services=tuple(
            VirtualService(name=f"{name}{number}.chain.local", virtual_node=f"{name}{number}") for number in range(size)
        ),
    )


@pytest.mark.parametrize(("interception", "of_endpoints"), ANYWHERE)
def test_configuration_of_a_node_has_its_own_backends_only(interception: Interception, of_endpoints: Endpoints) -> None:
    small, large = (
        configure(mesh, mesh.node("n1"), interception=interception, endpoints=of_endpoints)
        for mesh in (chain(2), chain(100))
    )
    assert small == large


@pytest.mark.parametrize(("interception", "of_endpoints"), ANYWHERE)
def test_routes_of_requests_are_the_same_for_every_placement(
    interception: Interception, of_endpoints: Endpoints
) -> None:
    mesh = full_mesh()
    configuration = configure(mesh, mesh.gateway("gateway"), interception=interception, endpoints=of_endpoints)
    assert request_routes(configuration) == request_routes(configure(mesh, mesh.gateway("gateway")))


def request_routes(configuration: Configuration) -> list[tuple[str, list[Any]]]:
    """Return the routes of each virtual host but those of health checks, which wait for endpoints of Cloud Map."""
    return [
        (host["name"], [route for route in host["routes"] if route.get("name") not in ("health", "not_ready")])
        for routes in configuration.routes
        for host in routes["virtual_hosts"]
    ]


def test_configuration_with_endpoints_of_cloud_map_has_static_listeners_and_clusters() -> None:
    mesh = chain(2)
    configuration = configure(mesh, mesh.node("n1"))
    assert (configuration.files, configuration.targets, "dynamic_resources" in configuration.bootstrap) == (
        {},
        {},
        False,
    )


def test_files_precede_those_that_refer_to_them() -> None:
    mesh = chain(2)
    assert list(configure(mesh, mesh.node("n1"), endpoints=WATCHED).files) == [
        "eds/cds_egress_chain_n0_http_80.json",
        "cds.json",
        "rds/rds_ingress_http_80.json",
        "rds/rds_egress_http_80.json",
        "lds.json",
    ]


def test_initial_file_of_endpoints_is_empty() -> None:
    mesh = chain(2)
    configuration = configure(mesh, mesh.node("n1"), endpoints=WATCHED)
    (target,) = configuration.targets.values()
    assert configuration.files["eds/cds_egress_chain_n0_http_80.json"] == endpoints(mesh, target, [])


@pytest.mark.parametrize(
    ("preference", "addresses"),
    [
        pytest.param(None, ["10.0.0.1", "10.0.0.2", "fd00::3"], id="none"),
        pytest.param("IPv4_PREFERRED", ["10.0.0.1", "10.0.0.2", "fd00::3"], id="4-preferred"),
        pytest.param("IPv6_PREFERRED", ["fd00::1", "10.0.0.2", "fd00::3"], id="6-preferred"),
        pytest.param("IPv4_ONLY", ["10.0.0.1", "10.0.0.2"], id="4-only"),
        pytest.param("IPv6_ONLY", ["fd00::1", "fd00::3"], id="6-only"),
    ],
)
@pytest.mark.parametrize("whose", ["node", "mesh"])
def test_ip_preference_selects_the_addresses_of_tasks(
    whose: str, preference: IpPreference | None, addresses: list[str]
) -> None:
    mesh = chain(2)
    discovery = CloudMapDiscovery(namespace="chain.local", service="n0", ip_preference=preference)
    node = replace(mesh.node("n0"), discovery=discovery)
    changed = {"nodes": (node, mesh.node("n1"))} if whose == "node" else {"ip_preference": preference}
    assert endpoint_addresses(replace(mesh, **changed), BOTH, ONLY_4, ONLY_6) == addresses


def test_endpoint_must_have_all_attributes() -> None:
    mesh = chain(2)
    required = (("family", "blue"), ("zone", "a"))
    discovery = CloudMapDiscovery(namespace="chain.local", service="n0", attributes=required)
    mesh = replace(mesh, nodes=(replace(mesh.node("n0"), discovery=discovery), mesh.node("n1")))
    with_all = replace(ONLY_4, attributes={"family": "blue", "zone": "a", "more": "x"})
    with_some = replace(BOTH, attributes={"family": "blue"})
    assert endpoint_addresses(mesh, with_all, with_some, ONLY_4) == ["10.0.0.2"]


def test_loopback_address_is_a_case_insensitive_hash_of_the_name() -> None:
    assert loopback_address("red.colors.local") == loopback_address("RED.colors.local") == "127.103.97.195"


def test_loopback_addresses_are_distinct_and_never_in_127_0() -> None:
    addresses = {loopback_address(f"service-{number}.colors.local") for number in range(2000)}
    assert len(addresses) > 1990
    assert {address.split(".")[0] for address in addresses} == {"127"}
    assert not {address for address in addresses if address.startswith(("127.0.", "127.255."))}


@pytest.mark.parametrize(
    ("outside", "port"),
    [
        pytest.param(frozenset[str](), 15100, id="no-node"),
        pytest.param(frozenset({"n0"}), 80, id="its-target"),
        pytest.param(frozenset({"n1"}), 15100, id="another-node"),
    ],
)
def test_outside_node_is_reached_on_the_port_of_its_listener(outside: frozenset[str], port: int) -> None:
    mesh = chain(2)
    configuration = configure(mesh, mesh.node("n1"), interception=Loopback(outside=outside))
    (cluster,) = (each for each in configuration.clusters if each["name"] == "cds_egress_chain_n0_http_80")
    assert cluster["eds_cluster_config"]["service_name"] == f"chain.local/n0?port={port}&ip=46"


def test_no_node_is_outside_by_default() -> None:
    assert Loopback() == Loopback(outside=frozenset())


def endpoint_addresses(mesh: Mesh, *instances: Instance) -> list[str]:
    """Return the addresses of the first node's endpoints in the configuration of its caller."""
    (target,) = configure(mesh, mesh.node("n1"), endpoints=WATCHED).targets.values()
    assert isinstance(target, Target)
    (assignment,) = endpoints(mesh, target, instances)["resources"]
    return [
        each["endpoint"]["address"]["socket_address"]["address"] for each in assignment["endpoints"][0]["lb_endpoints"]
    ]


@pytest.mark.parametrize(
    ("response_type", "checked", "leaves"),
    [("ENDPOINTS", True, True), ("ENDPOINTS", False, None), ("LOADBALANCER", True, None)],
)
def test_endpoint_with_a_health_check_leaves_when_dns_leaves_it_out(
    response_type: DnsResponseType, checked: bool, leaves: bool | None
) -> None:
    listener = Listener(port=80, health_check=health_check() if checked else None)
    discovery = DnsDiscovery(hostname="red.example.com", response_type=response_type)
    red = node(listeners=(listener,), discovery=discovery)
    caller = node("blue", listeners=(), backends=(to("red.colors.local"),))
    parts = mesh(nodes=(red, caller), services=(service(virtual_node="red"),))
    (cluster,) = (each for each in configure(parts, parts.node("blue")).clusters if "red" in each["name"])
    assert cluster.get("ignore_health_on_host_removal") is leaves
