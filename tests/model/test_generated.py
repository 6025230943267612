"""Generated meshes: they set every field of the model, so that tests with them cover the model."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_mesh import model
from color_mesh.model import Listener, Mesh, VirtualNode
from tests.support.builders import mesh, node, service, to
from tests.support.mesh_strategies import meshes
from tests.support.needs import examples

# Values that are no part of a mesh, or have no default.
NO_PARTS = (
    model.FargateContainer,
    model.ContainerHealthCheck,
    model.FargateTask,
    model.MeshTls,
    model.Milliseconds,
    model.Telemetry,
)
KINDS: tuple[Any, ...] = tuple(
    kind
    for kind in (getattr(model, name) for name in model.__all__)
    if isinstance(kind, type) and is_dataclass(kind) and kind not in NO_PARTS
)


def parts(value: object) -> Iterator[Any]:
    """Yield a value of the model and all values in it."""
    if isinstance(value, tuple):
        for item in value:
            yield from parts(item)
    if is_dataclass(value):
        yield value
        for field in fields(value):
            if field.init:
                yield from parts(getattr(value, field.name))


def fields_set(part: Any) -> Iterator[str]:
    """Yield the fields of a part that do not have their default."""
    for field in fields(part):
        if field.init and (field.default is MISSING or getattr(part, field.name) != field.default):
            yield f"{type(part).__name__}.{field.name}"


def generated(strategy: st.SearchStrategy[Mesh]) -> list[Mesh]:
    """Return generated meshes; the model has validated them."""
    meshes: list[Mesh] = []

    @examples(200)
    @given(strategy)
    def collect(mesh: Mesh) -> None:
        meshes.append(mesh)

    collect()
    return meshes


def fields_never_set(meshes: list[Mesh]) -> list[str]:
    """Return the fields that no mesh sets."""
    names = {name for mesh in meshes for part in parts(mesh) for name in fields_set(part)}
    return sorted({f"{kind.__name__}.{field.name}" for kind in KINDS for field in fields(kind) if field.init} - names)


SECRETS = [
    f"{kind}.{field}"
    for kind in ("SecretsManagerCertificate", "SecretsManagerTrust")
    for field in ("encryption_key_arn", "secret_arn")
]


def provided_ports(mesh: Mesh, name: str) -> set[tuple[int, str]]:
    """Return the ports and protocols of a service's provider; none for an external service."""
    provider = None if name in mesh.external_services else mesh.provider(mesh.service(name))
    return {(each.port, each.protocol) for each in provider.listeners} if provider else set()


def shared_ports(mesh: Mesh, node: VirtualNode) -> list[int]:
    """Return the ports that two backends of a node have with different protocols, or with tcp."""
    by_backend = [provided_ports(mesh, backend.virtual_service) for backend in node.backends]
    protocols = Counter(port for port, _ in set().union(*by_backend))
    tcp = Counter(port for pairs in by_backend for port, protocol in pairs if protocol == "tcp")
    return [port for port in protocols if protocols[port] > 1 or tcp[port] > 1]


@pytest.mark.thorough
def test_generated_meshes_set_every_field() -> None:
    # App Mesh has no certificates in Secrets Manager, and each of these meshes is read from its resources again.
    assert fields_never_set(generated(meshes())) == SECRETS


@pytest.mark.thorough
def test_compilable_meshes_set_every_field_that_envoy_supports() -> None:
    compilable = generated(meshes(compilable=True))
    assert fields_never_set(compilable) == [
        "CloudMapDiscovery.attributes",
        "Mesh.external_services",
    ]
    assert not any(shared_ports(mesh, node) for mesh in compilable for node in mesh.nodes)


def test_port_shared_by_two_backends_is_detected() -> None:
    services = service("red.colors.local", virtual_node="red"), service("blue.colors.local", virtual_node="blue")
    caller = node("caller", backends=tuple(to(each.name) for each in services))
    tcp = (Listener(port=80, protocol="tcp"),)
    http_and_tcp = mesh(nodes=(node("red"), node("blue", listeners=tcp), caller), services=services)
    tcp_twice = mesh(nodes=(node("red", listeners=tcp), node("blue", listeners=tcp), caller), services=services)
    http_twice = mesh(nodes=(node("red"), node("blue"), caller), services=services)
    assert [shared_ports(each, caller) for each in (http_and_tcp, tcp_twice, http_twice)] == [[80], [80], []]
