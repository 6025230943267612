"""Service discovery, tags and owners: each limit, and the messages for invalid values."""

from dataclasses import replace
from typing import Any

import pytest

from color_mesh.model import CloudMapDiscovery, DnsDiscovery, DnsResponseType, IpPreference, Mesh, VirtualNode
from color_mesh.model.discovery import DNS_RESPONSE_TYPES, Discovery
from color_mesh.model.listener import IP_PREFERENCES
from tests.support.builders import (
    RED,
    entering,
    gateway,
    gateway_route,
    mesh,
    node,
    refusal,
    route,
    router,
    routing,
    service,
)

DNS = DnsDiscovery(hostname="red.example.com")
LABEL = "a" * 63
LONGEST = ".".join((LABEL, LABEL, LABEL, "a" * 61))
TAGGED = [
    pytest.param("mesh 'colors'", lambda tags: mesh(tags=tags), id="mesh"),
    pytest.param("virtual node 'red'", lambda tags: mesh(nodes=(node(tags=tags),)), id="node"),
    pytest.param("virtual service 'red.colors.local'", lambda tags: mesh(services=(service(tags=tags),)), id="service"),
    pytest.param("virtual router 'router'", lambda tags: mesh(routers=(router(tags=tags),)), id="router"),
    pytest.param("virtual gateway 'gateway'", lambda tags: mesh(gateways=(gateway(tags=tags),)), id="gateway"),
    pytest.param("route 'all'", lambda tags: routing(route(tags=tags)), id="route"),
    pytest.param("gateway route 'all'", lambda tags: entering(gateway_route(tags=tags)), id="gateway-route"),
]


def discovered_by(discovery: Discovery) -> Mesh:
    """Return a mesh with one node that has this service discovery."""
    return mesh(nodes=(node(discovery=discovery),))


def tags(count: int) -> tuple[tuple[str, str], ...]:
    return tuple((f"key-{number}", "value") for number in range(count))


@pytest.mark.parametrize("preference", [pytest.param(None, id="none"), *IP_PREFERENCES])
def test_every_ip_preference_is_accepted(preference: IpPreference | None) -> None:
    assert discovered_by(replace(DNS, ip_preference=preference))
    assert discovered_by(replace(RED, ip_preference=preference))
    assert mesh(ip_preference=preference)


def test_unknown_ip_preference_is_rejected() -> None:
    wrong = "unknown IP preference, got 'ipv4' (one of: IPv4_ONLY, IPv4_PREFERRED, IPv6_ONLY, IPv6_PREFERRED)"
    preference: Any = "ipv4"
    assert refusal(discovered_by, replace(DNS, ip_preference=preference)) == f"virtual node 'red': {wrong}"
    assert refusal(discovered_by, replace(RED, ip_preference=preference)) == f"virtual node 'red': {wrong}"
    assert refusal(mesh, ip_preference=preference) == f"mesh 'colors': {wrong}"


@pytest.mark.parametrize("response_type", DNS_RESPONSE_TYPES)
def test_both_dns_response_types_are_accepted(response_type: DnsResponseType) -> None:
    assert discovered_by(replace(DNS, response_type=response_type))


def test_unknown_dns_response_type_is_rejected() -> None:
    response_type: Any = "A"
    assert refusal(discovered_by, replace(DNS, response_type=response_type)) == (
        "virtual node 'red': unknown DNS response type, got 'A' (one of: LOADBALANCER, ENDPOINTS)"
    )


@pytest.mark.parametrize(
    "hostname",
    [
        pytest.param("a", id="length-low"),
        pytest.param(LONGEST, id="length-high"),
        pytest.param("red.example.com.", id="complete"),
        pytest.param(f"{LONGEST}.", id="complete-length-high"),
    ],
)
def test_valid_dns_name_is_accepted(hostname: str) -> None:
    assert discovered_by(DnsDiscovery(hostname=hostname))


@pytest.mark.parametrize(
    ("hostname", "wrong"),
    [
        pytest.param("", "is not a DNS name, got ''", id="length-low"),
        pytest.param(".", "is not a DNS name, got ''", id="root"),
        pytest.param("red..local", "is not a DNS name, got 'red..local'", id="empty-label"),
        pytest.param("red..", "is not a DNS name, got 'red.'", id="two-dots"),
        pytest.param("http://red", "is not a DNS name, got 'http://red'", id="url"),
    ],
)
def test_invalid_dns_name_is_rejected(hostname: str, wrong: str) -> None:
    fix = "labels of 1 to 63 letters, digits, '-' and '_', joined by dots"
    assert (
        refusal(discovered_by, DnsDiscovery(hostname=hostname))
        == f"virtual node 'red': service discovery {wrong} ({fix})"
    )


@pytest.mark.parametrize("hostname", [pytest.param(f"{LONGEST}a", id="plain"), pytest.param(f"{LONGEST}a.", id="dot")])
def test_dns_name_that_is_too_long_is_rejected(hostname: str) -> None:
    wrong = "service discovery too long, got '254 characters' (1 to 253)"
    assert refusal(discovered_by, DnsDiscovery(hostname=hostname)) == f"virtual node 'red': {wrong}"


def test_node_without_listeners_may_have_service_discovery() -> None:
    caller = VirtualNode(name="caller", discovery=DNS)
    assert mesh(nodes=(caller,)).nodes == (caller,)


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(("k", "v"), id="low"),
        pytest.param(("k" * 255, "v"), id="key-high"),
        pytest.param(("k", "v" * 1024), id="value-high"),
    ],
)
def test_cloud_map_attribute_at_its_limits_is_accepted(pair: tuple[str, str]) -> None:
    assert discovered_by(replace(RED, attributes=(pair, ("other", "v"))))


@pytest.mark.parametrize(
    ("attributes", "wrong"),
    [
        pytest.param(
            (("", "v"),), "Cloud Map attribute has an invalid length, got '0 characters' (1 to 255)", id="key-low"
        ),
        pytest.param(
            (("k" * 256, "v"),),
            "Cloud Map attribute has an invalid length, got '256 characters' (1 to 255)",
            id="key-high",
        ),
        pytest.param(
            (("k", ""),), "value of attribute 'k' has an invalid length, got '0 characters' (1 to 1024)", id="value-low"
        ),
        pytest.param(
            (("k", "v" * 1025),),
            "value of attribute 'k' has an invalid length, got '1025 characters' (1 to 1024)",
            id="value-high",
        ),
        pytest.param(((1, "v"),), "Cloud Map attribute is not text, got 1 (1 to 255 characters)", id="key-number"),
        pytest.param(
            (("k", 1),), "value of attribute 'k' is not text, got 1 (1 to 1024 characters)", id="value-number"
        ),
        pytest.param(
            (("k", "a"), ("k", "b")),
            "duplicate Cloud Map attribute, got 'k' (occurs 2 times, must be unique)",
            id="duplicate",
        ),
    ],
)
def test_invalid_cloud_map_attribute_is_rejected(attributes: Any, wrong: str) -> None:
    discovery = CloudMapDiscovery(namespace="colors.local", service="red", attributes=attributes)
    assert refusal(discovered_by, discovery) == f"virtual node 'red': {wrong}"


@pytest.mark.parametrize(("_subject", "describe"), TAGGED)
@pytest.mark.parametrize(
    "labels",
    [
        pytest.param((), id="none"),
        pytest.param(tags(50), id="count-high"),
        pytest.param((("k", ""),), id="low"),
        pytest.param((("k" * 128, "v" * 256),), id="high"),
    ],
)
def test_tags_at_their_limits_are_accepted_for_every_part(_subject: str, describe: Any, labels: object) -> None:
    assert describe(labels)


@pytest.mark.parametrize(("subject", "describe"), TAGGED)
@pytest.mark.parametrize(
    ("labels", "wrong"),
    [
        pytest.param(tags(51), "too many tags, got 51 (at most 50)", id="count-high"),
        pytest.param((("", "v"),), "tag key has an invalid length, got '0 characters' (1 to 128)", id="key-low"),
        pytest.param(
            (("k" * 129, "v"),), "tag key has an invalid length, got '129 characters' (1 to 128)", id="key-high"
        ),
        pytest.param(((1, "v"),), "tag key is not text, got 1 (1 to 128 characters)", id="key-number"),
        pytest.param((("k", 1),), "value of tag 'k' is invalid, got 1 (0 to 256 characters)", id="value-number"),
        pytest.param(
            (("k", "v" * 257),),
            f"value of tag 'k' is invalid, got '{'v' * 257}' (0 to 256 characters)",
            id="value-high",
        ),
        pytest.param(
            (("k", "a"), ("k", "b")), "duplicate tag, got 'k' (occurs 2 times, must be unique)", id="duplicate"
        ),
    ],
)
def test_invalid_tags_are_rejected(subject: str, describe: Any, labels: object, wrong: str) -> None:
    assert refusal(describe, labels) == f"{subject}: {wrong}"


@pytest.mark.parametrize("owner", [pytest.param(None, id="none"), "111122223333", "000000000000"])
def test_owner_of_12_digits_is_accepted(owner: str | None) -> None:
    assert mesh(owner=owner).owner == owner


@pytest.mark.parametrize("owner", ["", "11112222333", "1111222233334", "1111-2222-33", "arn:aws:iam:", "²" * 12])
def test_owner_that_is_not_an_account_id_is_rejected(owner: str) -> None:
    wrong = f"mesh 'colors': owner is not an AWS account ID, got '{owner}' (12 digits, such as '111122223333')"
    assert refusal(mesh, owner=owner) == wrong


def test_owner_that_is_a_number_is_rejected() -> None:
    wrong = "mesh 'colors': owner is not an AWS account ID, got 111122223333 (12 digits, such as '111122223333')"
    assert refusal(mesh, owner=111122223333) == wrong
