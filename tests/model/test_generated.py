"""That the meshes made up for tests are valid, and say all that the model can say."""

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

TASKS = (model.FargateContainer, model.ContainerHealthCheck, model.FargateTask)
KINDS: tuple[Any, ...] = tuple(
    kind
    for kind in (getattr(model, name) for name in model.__all__)
    if isinstance(kind, type) and is_dataclass(kind) and kind not in TASKS
)


def parts(value: object) -> Iterator[Any]:
    """A value of the model and every one in it."""
    if isinstance(value, tuple):
        for item in value:
            yield from parts(item)
    if is_dataclass(value):
        yield value
        for field in fields(value):
            if field.init:
                yield from parts(getattr(value, field.name))


def what_is_set(part: Any) -> Iterator[str]:
    """The fields of a part that are not as they are without being given."""
    for field in fields(part):
        if field.init and (field.default is MISSING or getattr(part, field.name) != field.default):
            yield f"{type(part).__name__}.{field.name}"


def drawn(strategy: st.SearchStrategy[Mesh]) -> list[Mesh]:
    """Meshes, each of which has been checked when it was made."""
    found: list[Mesh] = []

    @examples(200)
    @given(strategy)
    def collect(mesh: Mesh) -> None:
        found.append(mesh)

    collect()
    return found


def never_set(found: list[Mesh]) -> list[str]:
    """What these meshes leave unsaid."""
    said = {name for mesh in found for part in parts(mesh) for name in what_is_set(part)}
    return sorted({f"{kind.__name__}.{field.name}" for kind in KINDS for field in fields(kind) if field.init} - said)


def behind(mesh: Mesh, name: str) -> set[tuple[int, str]]:
    """The ports and protocols behind a service; nobody knows those of a service of elsewhere."""
    provider = None if name in mesh.external_services else mesh.provider(mesh.service(name))
    return {(each.port, each.protocol) for each in provider.listeners} if provider else set()


def shared_ports(mesh: Mesh, node: VirtualNode) -> list[int]:
    """The ports that two backends of a node need with different protocols, or with tcp."""
    needed = [behind(mesh, backend.virtual_service) for backend in node.backends]
    protocols = Counter(port for port, _ in set().union(*needed))
    tcp = Counter(port for pairs in needed for port, protocol in pairs if protocol == "tcp")
    return [port for port in protocols if protocols[port] > 1 or tcp[port] > 1]


@pytest.mark.thorough
def test_generated_meshes_say_all_that_the_model_can_say() -> None:
    assert never_set(drawn(meshes())) == []


@pytest.mark.thorough
def test_generated_meshes_to_be_compiled_say_all_that_can_become_envoy_configuration() -> None:
    found = drawn(meshes(compilable=True))
    assert never_set(found) == [
        "AcmCertificate.arn",
        "AcmTrust.certificate_authority_arns",
        "CloudMapDiscovery.attributes",
        "Mesh.external_services",
    ]
    assert not any(shared_ports(mesh, node) for mesh in found for node in mesh.nodes)


def test_a_port_that_two_backends_share_would_be_found() -> None:
    services = service("red.colors.local", virtual_node="red"), service("blue.colors.local", virtual_node="blue")
    caller = node("caller", backends=tuple(to(each.name) for each in services))
    tcp = (Listener(port=80, protocol="tcp"),)
    http_and_tcp = mesh(nodes=(node("red"), node("blue", listeners=tcp), caller), services=services)
    tcp_twice = mesh(nodes=(node("red", listeners=tcp), node("blue", listeners=tcp), caller), services=services)
    http_twice = mesh(nodes=(node("red"), node("blue"), caller), services=services)
    assert [shared_ports(each, caller) for each in (http_and_tcp, tcp_twice, http_twice)] == [[80], [80], []]
