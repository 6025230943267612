"""Endpoints in DNS: one that has left it gets no more requests, although it is healthy."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import dns.message
import dns.rrset
import pytest

from color_mesh.envoy.names import egress_cluster
from color_mesh.model import (
    DnsDiscovery,
    HealthCheck,
    Listener,
    Mesh,
    Milliseconds,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh, wait_until

NAME = "green.colors.local"
CHECK = HealthCheck(
    protocol="http",
    path="/",
    interval=Milliseconds(5000),
    timeout=Milliseconds(2000),
    healthy_threshold=2,
    unhealthy_threshold=2,
)
GREEN = VirtualNode(
    name="green",
    listeners=(Listener(port=8080, health_check=CHECK),),
    discovery=DnsDiscovery(hostname=NAME, response_type="ENDPOINTS", ip_preference="IPv4_ONLY"),
)
MESH = Mesh(
    name="colors",
    nodes=(VirtualNode(name="caller", backends=(VirtualServiceBackend(virtual_service=NAME),)), GREEN),
    services=(VirtualService(name=NAME, virtual_node="green"),),
)


class NameServer:
    """DNS server of one name.

    Attributes:
        addresses: Addresses of the name.
    """

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        """Answer queries until the socket is closed."""
        with contextlib.suppress(OSError):
            while True:
                query, client = self._socket.recvfrom(1024)
                if not query:
                    return
                response = dns.message.make_response(dns.message.from_wire(query))
                response.answer.append(dns.rrset.from_text(f"{NAME}.", 1, "IN", "A", *self.addresses))
                self._socket.sendto(response.to_wire(), client)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def server() -> Iterator[NameServer]:
    server = NameServer()
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.close()
    thread.join()


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory, server: NameServer) -> Iterator[LoopbackMesh]:
    resolver = {
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "resolvers": [{"socket_address": {"address": "127.0.0.1", "port_value": server.port}}],
            "use_resolvers_as_fallback": False,
        },
    }

    def asking_server(content: Any) -> Any:
        """Return a bootstrap whose DNS clusters ask the server for the name, often."""
        for cluster in content.get("static_resources", {}).get("clusters", []):
            if "cluster_type" in cluster:
                places = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
                server.addresses = [each["endpoint"]["address"]["socket_address"]["address"] for each in places]
                del places[1:]
                places[0]["endpoint"]["address"]["socket_address"]["address"] = NAME
                cluster["cluster_type"]["typed_config"] |= {
                    "dns_refresh_rate": "0.1s",
                    "typed_dns_resolver_config": resolver,
                }
        return content

    folder = tmp_path_factory.mktemp("dns")
    with loopback_mesh(MESH, folder, tasks={"green": 2}, adjust=asking_server) as mesh:
        yield mesh


def test_endpoint_that_left_dns_gets_no_requests_although_it_is_healthy(mesh: LoopbackMesh, server: NameServer) -> None:
    caller = mesh.task("caller")
    cluster = f"cluster.{egress_cluster(mesh.mesh, GREEN, GREEN.listeners[0])}"
    wait_until(lambda: caller.stat(f"{cluster}.membership_healthy") == 2, "both endpoints are healthy")
    left = server.addresses.pop()
    wait_until(lambda: caller.stat(f"{cluster}.membership_total") == 1, "the endpoint has left")
    before = mesh.task("green", 1).stat("http.ingress.downstream_rq_total")
    assert {mesh.call("caller", NAME, 8080).status for _ in range(10)} == {200}
    assert left == mesh.task("green", 1).address(1)
    assert mesh.task("green", 1).stat("http.ingress.downstream_rq_total") - before <= 1  # A health check.
