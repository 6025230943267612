"""The rule ``backends-share-port``."""

from color_mesh.model import Listener, Mesh, Protocol
from tests.support.analysis import texts
from tests.support.builders import mesh, node, service, to

ID = "backends-share-port"


def sharing(red: Protocol, green: Protocol, green_port: int = 80) -> Mesh:
    listeners = {"red": Listener(port=80, protocol=red), "green": Listener(port=green_port, protocol=green)}
    called = tuple(node(name, listeners=(listener,)) for name, listener in listeners.items())
    backends = tuple(to(f"{name}.colors.local") for name in listeners)
    services = tuple(service(f"{name}.colors.local", virtual_node=name) for name in listeners)
    return mesh(nodes=(*called, node("blue", listeners=(), backends=backends)), services=services)


def test_tcp_backend_on_the_port_of_another_is_found() -> None:
    assert texts(ID, sharing("tcp", "http")) == [
        (
            "virtual node 'blue' Spec.Backends: its backends red.colors.local (tcp), green.colors.local "
            "(http) share port 80, by which Envoy selects a TCP service"
        )
    ]
    assert len(texts(ID, sharing("tcp", "tcp"))) == 1


def test_backends_with_hosts_or_other_ports_are_not_found() -> None:
    assert texts(ID, sharing("http", "http")) == []
    assert texts(ID, sharing("http", "http2")) == []
    assert texts(ID, sharing("tcp", "http", 8080)) == []
