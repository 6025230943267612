"""The rule ``traffic-is-not-redirected``."""

from tests.support.analysis import node_task, proxy, routed, texts

ID = "traffic-is-not-redirected"


def test_node_without_a_proxy_configuration_is_found() -> None:
    assert texts(ID, routed(), task_definitions=node_task()) == [
        "app.yaml: Task ProxyConfiguration: nothing redirects the traffic of virtual node 'red' to its Envoy"
    ]


def test_node_with_a_proxy_configuration_is_not_found() -> None:
    assert texts(ID, routed(), task_definitions=node_task(proxy_configuration=proxy())) == []
    assert texts(ID, routed()) == []
