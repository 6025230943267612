"""Lengths and characters of resource names and DNS names."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from color_mesh.model import CloudMapService, FargateContainer, FargateTask, Mesh, MeshError
from tests.support import builders
from tests.support.builders import entering, refusal, routing

Describe = Callable[[str], object]

LONG_NAME = "a" * 256
LABEL = "a" * 63
LONG_LABEL = "a" * 64
DNS_NAME = ".".join((LABEL, LABEL, LABEL, "a" * 61))
LONG_DNS_NAME = ".".join((LABEL, LABEL, LABEL, "a" * 62))
DNS_FIX = "labels of 1 to 63 letters, digits, '-' and '_', joined by dots"


def mesh(name: str) -> Mesh:
    return Mesh(name=name)


def node(name: str) -> Mesh:
    return builders.mesh(nodes=(builders.node(name, listeners=(), discovery=None),))


def router(name: str) -> Mesh:
    return builders.mesh(routers=(builders.router(name),))


def gateway(name: str) -> Mesh:
    return builders.mesh(gateways=(builders.gateway(name),))


def route(name: str) -> Mesh:
    return routing(builders.route(name))


def gateway_route(name: str) -> Mesh:
    return entering(builders.gateway_route(name))


def container(name: str) -> FargateTask:
    return FargateTask(
        name="red", cpu=256, memory_mib=512, containers=(FargateContainer(name=name, cpu=256, memory_mib=512),)
    )


def family(name: str) -> FargateTask:
    return replace(container("red"), family=name)


def service_name(name: str) -> FargateTask:
    return replace(container("red"), service_name=name)


def port_name(name: str) -> FargateTask:
    task = container("red")
    return replace(task, containers=(replace(task.containers[0], port_name=name),))


def cloud_map_service(name: str) -> Mesh:
    return builders.mesh(cloud_map_services=(builders.dns(name),))


def namespace(name: str) -> Mesh:
    return service_in_namespace("red")(name)


def service_in_namespace(name: str) -> Callable[[str], Mesh]:
    """Return a mesh with a Cloud Map service in a namespace."""
    return lambda namespace: builders.mesh(cloud_map_services=(CloudMapService(name=name, namespace=namespace),))


def service(name: str) -> Mesh:
    return builders.mesh(services=(builders.service(name),))


def external_service(name: str) -> Mesh:
    return builders.mesh(external_services=(name,))


EVERY_NAME = [
    pytest.param(mesh, "mesh", id="mesh"),
    pytest.param(node, "virtual node", id="node"),
    pytest.param(router, "virtual router", id="router"),
    pytest.param(gateway, "virtual gateway", id="gateway"),
    pytest.param(route, "route", id="route"),
    pytest.param(gateway_route, "gateway route", id="gateway-route"),
    pytest.param(container, "container", id="container"),
]
WHOLE_DNS_NAME = [
    pytest.param(service, "virtual service {name!r}: name", id="service"),
    pytest.param(external_service, "external service {name!r}: name", id="external-service"),
]
EVERY_DNS_NAME = [*WHOLE_DNS_NAME, pytest.param(namespace, "Cloud Map service 'red': namespace", id="namespace")]


@pytest.mark.parametrize(("describe", "_subject"), EVERY_NAME)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a", id="length-low"),
        pytest.param("a" * 255, id="length-high"),
        pytest.param("AZ-az_09", id="every-kind-of-character"),
        pytest.param("-", id="dash"),
    ],
)
def test_name_within_its_limits_is_accepted(describe: Describe, _subject: str, name: str) -> None:
    assert describe(name)


@pytest.mark.parametrize(("describe", "subject"), EVERY_NAME)
def test_empty_name_is_rejected(describe: Describe, subject: str) -> None:
    assert refusal(describe, "") == f"{subject} '': name is empty, got '' (1 to 255 characters)"


@pytest.mark.parametrize(("describe", "subject"), EVERY_NAME)
def test_name_that_is_too_long_is_rejected(describe: Describe, subject: str) -> None:
    message = f"{subject} '{LONG_NAME}': name too long, got '256 characters' (1 to 255)"
    assert refusal(describe, LONG_NAME) == message


@pytest.mark.parametrize(("describe", "subject"), EVERY_NAME)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("re d", id="space"),
        pytest.param("red.local", id="dot"),
        pytest.param("red\n", id="newline"),
        pytest.param("röd", id="letter-beyond-ascii"),
        pytest.param("red٣", id="digit-beyond-ascii"),
        pytest.param("${Token[TOKEN.1]}", id="token"),
    ],
)
def test_name_with_an_invalid_character_is_rejected(describe: Describe, subject: str, name: str) -> None:
    message = f"{subject} {name!r}: name has invalid characters, got {name!r} (letters, digits, '-' and '_')"
    assert refusal(describe, name) == message


@pytest.mark.parametrize(("describe", "_wrong"), EVERY_DNS_NAME)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a", id="length-low"),
        pytest.param("ab", id="two-characters"),
        pytest.param(LABEL, id="label-high"),
        pytest.param("Red-1._tcp.colors.local", id="every-kind-of-character"),
    ],
)
def test_dns_name_within_its_limits_is_accepted(describe: Describe, _wrong: str, name: str) -> None:
    assert describe(name)


@pytest.mark.parametrize(("describe", "wrong"), EVERY_DNS_NAME)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="length-low"),
        pytest.param(f"{LONG_LABEL}.local", id="label-high"),
        pytest.param("red..local", id="label-empty"),
        pytest.param("red.local.", id="dot-last"),
        pytest.param("-red.local", id="dash-first"),
        pytest.param("red-.local", id="dash-last"),
        pytest.param("red local", id="space"),
        pytest.param("red.local\n", id="newline"),
        pytest.param("röd.local", id="letter-beyond-ascii"),
    ],
)
def test_invalid_dns_name_is_rejected(describe: Describe, wrong: str, name: str) -> None:
    message = f"{wrong.format(name=name)} is not a DNS name, got {name!r} ({DNS_FIX})"
    assert refusal(describe, name) == message


@pytest.mark.parametrize(("describe", "_wrong"), WHOLE_DNS_NAME)
def test_dns_name_of_the_maximum_length_is_accepted(describe: Describe, _wrong: str) -> None:
    assert describe(DNS_NAME)


@pytest.mark.parametrize(("describe", "wrong"), WHOLE_DNS_NAME)
def test_dns_name_that_is_too_long_is_rejected(describe: Describe, wrong: str) -> None:
    message = f"{wrong.format(name=LONG_DNS_NAME)} too long, got '254 characters' (1 to 253)"
    assert refusal(describe, LONG_DNS_NAME) == message


@pytest.mark.parametrize("name", [pytest.param("a", id="length-low"), pytest.param(LABEL, id="length-high")])
def test_cloud_map_service_name_of_one_label_is_accepted(name: str) -> None:
    (declared,) = cloud_map_service(name).cloud_map_services
    assert declared.dns_name == f"{name}.colors.local"


def test_cloud_map_service_without_a_name_is_rejected() -> None:
    assert refusal(cloud_map_service, "") == f"Cloud Map service '': name is not a DNS name, got '' ({DNS_FIX})"


def test_cloud_map_service_name_that_is_too_long_is_rejected() -> None:
    message = f"Cloud Map service '{LONG_LABEL}': name too long, got '64 characters' (1 to 63)"
    assert refusal(cloud_map_service, LONG_LABEL) == message


def test_cloud_map_service_name_of_two_labels_is_rejected() -> None:
    message = "Cloud Map service 'red.team': name has a dot, got 'red.team' (one label of the namespace)"
    assert refusal(cloud_map_service, "red.team") == message


@pytest.mark.parametrize(
    ("name", "most"), [pytest.param("a", 251, id="shortest-name"), pytest.param(LABEL, 189, id="longest-name")]
)
def test_service_and_namespace_together_are_a_dns_name(name: str, most: int) -> None:
    longest = DNS_NAME[-most:]
    (declared,) = service_in_namespace(name)(longest).cloud_map_services
    assert len(declared.dns_name) == 253
    message = f"Cloud Map service '{name}': namespace too long, got '{most + 1} characters' (1 to {most})"
    assert refusal(service_in_namespace(name), f"{longest}a") == message


@pytest.mark.parametrize(
    ("describe", "subject"),
    [
        pytest.param(family, "task 'red': family", id="family"),
        pytest.param(service_name, "task 'red': service name", id="service-name"),
    ],
)
@pytest.mark.parametrize(
    "name", [pytest.param("re d", id="space"), pytest.param("red.local", id="dot"), pytest.param("röd", id="letter")]
)
def test_invalid_ecs_name_is_rejected(describe: Describe, subject: str, name: str) -> None:
    message = f"{subject} has invalid characters, got {name!r} (letters, digits, '-' and '_')"
    assert refusal(describe, name) == message


@pytest.mark.parametrize(
    ("describe", "subject", "most"),
    [
        pytest.param(family, "task 'red': family", 255, id="family"),
        pytest.param(service_name, "task 'red': service name", 255, id="service-name"),
    ],
)
def test_ecs_name_within_its_limits_is_accepted(describe: Describe, subject: str, most: int) -> None:
    assert describe("a")
    assert describe("a" * most)
    assert refusal(describe, "") == f"{subject} is empty, got '' (1 to {most} characters)"
    assert refusal(describe, "a" * (most + 1)) == f"{subject} too long, got '{most + 1} characters' (1 to {most})"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a", id="shortest"),
        pytest.param("a" * 64, id="longest"),
        pytest.param("_red-1", id="every-kind-of-character"),
        pytest.param("1-", id="digit-first-dash-last"),
    ],
)
def test_port_name_within_its_limits_is_accepted(name: str) -> None:
    assert port_name(name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a" * 65, id="long"),
        pytest.param("re d", id="space"),
        pytest.param("red.local", id="dot"),
        pytest.param("röd", id="letter"),
        pytest.param("Red", id="capital"),
        pytest.param("-red", id="dash-first"),
        pytest.param("red\n", id="line-end"),
    ],
)
def test_invalid_port_name_is_rejected(name: str) -> None:
    fix = "1 to 64 lower-case letters, digits, '_' and '-', with no '-' at the start"
    assert refusal(port_name, name) == f"container 'red': port name is invalid, got {name!r} ({fix})"


def test_name_that_is_not_text_is_rejected() -> None:
    with pytest.raises(MeshError, match="^mesh 3: name "):
        Mesh(name=3)  # type: ignore[arg-type]
