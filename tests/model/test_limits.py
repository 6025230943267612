"""Limits of numbers and lengths in a mesh: minimum, maximum, one below and one above."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from color_mesh.model import AccessLog, Listener, Mesh, VirtualNode
from tests.support.builders import (
    dns,
    entering,
    gateway,
    gateway_route,
    mesh,
    node,
    refusal,
    route,
    router,
    routing,
    target,
    to,
)


def port(value: int) -> Mesh:
    return mesh(nodes=(node(listeners=(Listener(port=value, protocol="tcp"),)),))


def router_port(value: int) -> Mesh:
    return mesh(routers=(router("router", Listener(port=value)),))


def gateway_port(value: int) -> Mesh:
    return mesh(gateways=(gateway("gateway", Listener(port=value)),))


def priority(value: int) -> Mesh:
    return routing(route(priority=value))


def gateway_priority(value: int) -> Mesh:
    return entering(gateway_route(priority=value))


def weight(value: int) -> Mesh:
    targets = target("red", weight=value), target("blue")
    return mesh(nodes=(node("red"), node("blue")), routers=(router(routes=(route(targets=targets),)),))


def weights(values: tuple[int, ...]) -> Mesh:
    targets = tuple(target(f"node-{at}", weight=value) for at, value in enumerate(values))
    nodes = tuple(node(each.virtual_node) for each in targets)
    return mesh(nodes=nodes, routers=(router(routes=(route(targets=targets),)),))


def ttl(seconds: int) -> Mesh:
    return mesh(cloud_map_services=(replace(dns(), ttl_seconds=seconds),))


def description(length: int) -> Mesh:
    return mesh(cloud_map_services=(replace(dns(), description="a" * length),))


def backends(count: int) -> Mesh:
    names = tuple(f"service-{number}.colors.local" for number in range(count))
    return mesh(nodes=(node(backends=tuple(map(to, names))),), external_services=names)


def access_log(log: AccessLog) -> Mesh:
    return mesh(nodes=(VirtualNode(name="red", access_log=log),))


def log_path(length: int) -> Mesh:
    return access_log(AccessLog(path="/" * length))


def log_text(length: int) -> Mesh:
    return access_log(AccessLog(text="a" * length))


def log_key(length: int) -> Mesh:
    return access_log(AccessLog(json=(("a" * length, "v"),)))


def log_value(length: int) -> Mesh:
    return access_log(AccessLog(json=(("k", "a" * length),)))


@pytest.mark.parametrize(
    ("describe", "value"),
    [
        pytest.param(port, 1, id="port-low"),
        pytest.param(port, 65535, id="port-high"),
        pytest.param(router_port, 1, id="router-port-low"),
        pytest.param(router_port, 65535, id="router-port-high"),
        pytest.param(gateway_port, 1, id="gateway-port-low"),
        pytest.param(gateway_port, 65535, id="gateway-port-high"),
        pytest.param(priority, 0, id="priority-low"),
        pytest.param(priority, 1000, id="priority-high"),
        pytest.param(priority, None, id="priority-none"),
        pytest.param(gateway_priority, 0, id="gateway-priority-low"),
        pytest.param(gateway_priority, 1000, id="gateway-priority-high"),
        pytest.param(weight, 0, id="weight-low"),
        pytest.param(weight, 100, id="weight-high"),
        pytest.param(weights, (1,), id="targets-low"),
        pytest.param(weights, (1,) * 10, id="targets-high"),
        pytest.param(weights, (0,) * 9 + (1,), id="all-weights-0-but-one"),
        pytest.param(ttl, 0, id="ttl-low"),
        pytest.param(ttl, 2147483647, id="ttl-high"),
        pytest.param(description, 0, id="description-low"),
        pytest.param(description, 1024, id="description-high"),
        pytest.param(backends, 0, id="backends-low"),
        pytest.param(backends, 50, id="backends-high"),
        pytest.param(log_path, 1, id="log-path-low"),
        pytest.param(log_path, 255, id="log-path-high"),
        pytest.param(log_text, 1, id="log-text-low"),
        pytest.param(log_text, 1000, id="log-text-high"),
        pytest.param(log_key, 1, id="log-key-low"),
        pytest.param(log_key, 100, id="log-key-high"),
        pytest.param(log_value, 1, id="log-value-low"),
        pytest.param(log_value, 100, id="log-value-high"),
    ],
)
def test_value_at_its_limit_is_accepted(describe: Callable[[Any], Mesh], value: object) -> None:
    assert describe(value).name == "colors"


@pytest.mark.parametrize(
    ("describe", "value", "wrong"),
    [
        pytest.param(port, 0, "virtual node 'red': listener port out of range, got 0", id="port-low"),
        pytest.param(port, 65536, "virtual node 'red': listener port out of range, got 65536", id="port-high"),
        pytest.param(port, -1, "virtual node 'red': listener port out of range, got -1", id="port-negative"),
        pytest.param(port, True, "virtual node 'red': listener port out of range, got True", id="port-bool"),
        pytest.param(port, "80", "virtual node 'red': listener port out of range, got '80'", id="port-text"),
        pytest.param(port, 80.0, "virtual node 'red': listener port out of range, got 80.0", id="port-float"),
        pytest.param(router_port, 0, "virtual router 'router': listener port out of range, got 0", id="router-low"),
        pytest.param(
            router_port, 65536, "virtual router 'router': listener port out of range, got 65536", id="router-high"
        ),
        pytest.param(
            router_port, "80", "virtual router 'router': listener port out of range, got '80'", id="router-text"
        ),
        pytest.param(gateway_port, 0, "virtual gateway 'gateway': listener port out of range, got 0", id="gateway-low"),
        pytest.param(
            gateway_port, 65536, "virtual gateway 'gateway': listener port out of range, got 65536", id="gateway-high"
        ),
        pytest.param(
            gateway_port, "80", "virtual gateway 'gateway': listener port out of range, got '80'", id="gateway-text"
        ),
    ],
)
def test_invalid_port_is_rejected(describe: Callable[[Any], Mesh], value: object, wrong: str) -> None:
    assert refusal(describe, value) == f"{wrong} (1 to 65535)"


@pytest.mark.parametrize(
    ("describe", "value", "message"),
    [
        pytest.param(priority, -1, "route 'all': priority out of range, got -1 (0 to 1000)", id="priority-low"),
        pytest.param(priority, 1001, "route 'all': priority out of range, got 1001 (0 to 1000)", id="priority-high"),
        pytest.param(
            gateway_priority, -1, "gateway route 'all': priority out of range, got -1 (0 to 1000)", id="gateway-low"
        ),
        pytest.param(
            gateway_priority,
            1001,
            "gateway route 'all': priority out of range, got 1001 (0 to 1000)",
            id="gateway-high",
        ),
        pytest.param(weight, -1, "route 'all': weight of 'red' out of range, got -1 (0 to 100)", id="weight-low"),
        pytest.param(weight, 101, "route 'all': weight of 'red' out of range, got 101 (0 to 100)", id="weight-high"),
        pytest.param(weights, (), "route 'all': wrong number of targets, got 0 (1 to 10)", id="targets-low"),
        pytest.param(weights, (1,) * 11, "route 'all': wrong number of targets, got 11 (1 to 10)", id="targets-high"),
        pytest.param(
            weights, (0, 0), "route 'all': every weight is 0, got (0, 0) (at least one must be 1 to 100)", id="all-0"
        ),
        pytest.param(ttl, -1, "Cloud Map service 'red': TTL out of range, got -1 (0 to 2147483647)", id="ttl-low"),
        pytest.param(
            ttl,
            2147483648,
            "Cloud Map service 'red': TTL out of range, got 2147483648 (0 to 2147483647)",
            id="ttl-high",
        ),
        pytest.param(
            description,
            1025,
            "Cloud Map service 'red': description too long, got '1025 characters' (0 to 1024)",
            id="description-high",
        ),
        pytest.param(backends, 51, "virtual node 'red': too many backends, got 51 (at most 50)", id="backends-high"),
    ],
)
def test_number_outside_its_limits_is_rejected(describe: Callable[[Any], Mesh], value: object, message: str) -> None:
    assert refusal(describe, value) == message


@pytest.mark.parametrize(
    ("describe", "value", "wrong"),
    [
        pytest.param(log_path, 0, "path has an invalid length, got '0 characters' (1 to 255)", id="path-low"),
        pytest.param(log_path, 256, "path has an invalid length, got '256 characters' (1 to 255)", id="path-high"),
        pytest.param(log_text, 0, "text has an invalid length, got '0 characters' (1 to 1000)", id="text-low"),
        pytest.param(log_text, 1001, "text has an invalid length, got '1001 characters' (1 to 1000)", id="text-high"),
        pytest.param(
            log_key, 0, "key or value has an invalid length, got ('', 'v') (1 to 100 characters)", id="key-low"
        ),
        pytest.param(
            log_key,
            101,
            f"key or value has an invalid length, got ('{'a' * 101}', 'v') (1 to 100 characters)",
            id="key-high",
        ),
        pytest.param(
            log_value, 0, "key or value has an invalid length, got ('k', '') (1 to 100 characters)", id="value-low"
        ),
        pytest.param(
            log_value,
            101,
            f"key or value has an invalid length, got ('k', '{'a' * 101}') (1 to 100 characters)",
            id="value-high",
        ),
    ],
)
def test_access_log_outside_its_limits_is_rejected(describe: Callable[[Any], Mesh], value: object, wrong: str) -> None:
    assert refusal(describe, value) == f"virtual node 'red': access log {wrong}"
