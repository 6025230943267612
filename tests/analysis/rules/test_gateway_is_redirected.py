"""The rule ``gateway-is-redirected``."""

from tests.support.analysis import entered, envoy, node_task, proxy, texts
from tests.support.builders import gateway_route

ID = "gateway-is-redirected"
ENVOY = envoy("gateway", "virtualGateway")


def test_gateway_with_a_proxy_configuration_is_found() -> None:
    tasks = node_task(ENVOY, proxy_configuration=proxy())
    assert texts(ID, entered(gateway_route()), task_definitions=tasks) == [
        (
            "app.yaml: Task ProxyConfiguration: the traffic of virtual gateway 'gateway' is redirected to "
            "ports at which a gateway does not listen"
        )
    ]


def test_gateway_without_a_proxy_configuration_is_not_found() -> None:
    assert texts(ID, entered(gateway_route()), task_definitions=node_task(ENVOY)) == []
