"""The rule ``redirected-ports-differ``."""

from tests.support.analysis import node_task, proxy, routed, texts

ID = "redirected-ports-differ"
PLACE = "app.yaml: Task ProxyConfiguration.ProxyConfigurationProperties"


def test_ports_of_one_side_only_are_found() -> None:
    tasks = node_task(proxy_configuration=proxy(app_ports=(8080,)))
    assert texts(ID, routed(), task_definitions=tasks) == [
        f"{PLACE}: port 80 is missing in AppPorts, so requests go past Envoy",
        f"{PLACE}: port 8080 is missing in virtual node 'red', so Envoy closes its connections",
    ]


def test_equal_ports_are_not_found() -> None:
    assert texts(ID, routed(), task_definitions=node_task(proxy_configuration=proxy())) == []
