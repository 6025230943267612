"""Backends with HTTP/1.1, HTTP/2 and gRPC at one port of a transparent Envoy: each is told apart by its host."""

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from color_mesh.envoy import Transparent, configure
from color_mesh.model import (
    CloudMapDiscovery,
    Listener,
    Mesh,
    Protocol,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from tests.support.http2_client import ask_http2
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh, send_request

PORT = 8080
# Stands for the address that a connection had before it was redirected.
ADDRESS = "127.250.13.1"
PROTOCOLS: dict[str, Protocol] = {"plain": "http", "fast": "http2", "teller": "grpc"}


def node(name: str, protocol: Protocol) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, listeners=(Listener(port=PORT, protocol=protocol),), discovery=discovery)


MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="caller",
            backends=tuple(VirtualServiceBackend(virtual_service=f"{name}.colors.local") for name in PROTOCOLS),
        ),
        *(node(name, protocol) for name, protocol in PROTOCOLS.items()),
    ),
    services=tuple(VirtualService(name=f"{name}.colors.local", virtual_node=name) for name in PROTOCOLS),
)


def at_one_address(content: Any) -> Any:
    """Return the bootstrap of the caller with the listener of a transparent Envoy, at the address of no backend."""
    if content.get("node", {}).get("id") != "mesh/colors/virtualNode/caller":
        return content
    transparent = configure(MESH, MESH.node("caller"), interception=Transparent()).bootstrap["static_resources"]
    (listener,) = (each for each in transparent["listeners"] if len(each["filter_chains"]) > 1)
    listener["address"]["socket_address"] |= {"address": ADDRESS, "port_value": PORT}
    # Nothing redirects the connections of this test, so they have no other destination.
    del listener["listener_filters"][0]
    own = content["static_resources"]
    names = {cluster["name"] for cluster in own["clusters"]}
    missing = [
        each for each in transparent["clusters"] if each.get("type") == "ORIGINAL_DST" and each["name"] not in names
    ]
    static = {**own, "listeners": [listener], "clusters": [*own["clusters"], *missing]}
    return {**content, "static_resources": static}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("shared"), adjust=at_one_address) as mesh:
        yield mesh


@pytest.mark.parametrize("name", ["plain", "fast"])
@pytest.mark.parametrize("port", ["", f":{PORT}"])
def test_request_of_either_version_reaches_the_backend_of_its_host(mesh: LoopbackMesh, name: str, port: str) -> None:
    host = f"{name}.colors.local{port}"
    response = send_request(ADDRESS, PORT, headers={"Host": host})
    assert (response.status, json.loads(response.body)["node"]) == (200, name)
    status, received = ask_http2(ADDRESS, PORT, host)
    assert (status, received["node"]) == (200, name)


def test_grpc_call_reaches_the_backend_of_its_authority(mesh: LoopbackMesh) -> None:
    options = [("grpc.default_authority", f"teller.colors.local:{PORT}")]
    with grpc.insecure_channel(f"{ADDRESS}:{PORT}", options=options) as channel:
        stub: Any = channel.unary_unary("/colors.Teller/Tell")
        response: bytes = stub(b"hello", timeout=5)
    assert json.loads(response)["node"] == "teller"


def test_request_for_another_host_is_answered_404(mesh: LoopbackMesh) -> None:
    assert send_request(ADDRESS, PORT, headers={"Host": "other.colors.local"}).status == 404
