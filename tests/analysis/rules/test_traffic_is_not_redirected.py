"""The rule ``traffic-is-not-redirected``."""

from tests.support.analysis import proxy, routed, task_with, texts

ID = "traffic-is-not-redirected"


def test_node_without_a_proxy_configuration_is_found() -> None:
    assert texts(ID, routed(), task_definitions=task_with()) == [
        "app.yaml: Task ProxyConfiguration: nothing redirects the traffic of virtual node 'red' to its Envoy"
    ]


def test_node_with_a_proxy_configuration_is_not_found() -> None:
    assert texts(ID, routed(), task_definitions=task_with(proxy_configuration=proxy())) == []
    assert texts(ID, routed()) == []
