"""The rule ``health-check-ends-at-envoy``."""

from color_mesh.model import DnsDiscovery, Listener, VirtualNode
from tests.support.analysis import node_task, provided, texts
from tests.support.builders import health_check, node

ID = "health-check-ends-at-envoy"
CHECKED = Listener(port=80, health_check=health_check(protocol="tcp"))
OUTSIDE = VirtualNode(name="red", listeners=(CHECKED,), discovery=DnsDiscovery(hostname="db.example.com"))


def test_tcp_health_check_of_a_node_with_an_envoy_is_found() -> None:
    assert texts(ID, provided(node(listeners=(CHECKED,)))) == [
        (
            "virtual node 'red' Spec.Listeners[0].HealthCheck.Protocol: the Envoy of the task accepts the "
            "connection, also when the application does not answer"
        )
    ]
    assert len(texts(ID, provided(OUTSIDE), task_definitions=node_task())) == 1


def test_tcp_health_check_of_a_server_without_an_envoy_is_not_found() -> None:
    assert texts(ID, provided(OUTSIDE)) == []


def test_http_health_check_is_not_found() -> None:
    assert texts(ID, provided(node(listeners=(Listener(port=80, health_check=health_check()),)))) == []
