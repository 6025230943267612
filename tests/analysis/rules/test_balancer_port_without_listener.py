"""The rule ``balancer-port-without-listener``."""

from tests.support.analysis import entered, in_target_group, provided, texts
from tests.support.builders import gateway_route

ID = "balancer-port-without-listener"
PLACE = "app.yaml: Service LoadBalancers[0].ContainerPort"


def test_port_that_a_gateway_or_node_does_not_have_is_found() -> None:
    assert texts(ID, entered(gateway_route()), **in_target_group(port=8080)) == [
        (
            f"{PLACE}: the load balancer sends to port 8080, but virtual gateway 'gateway' listens on 80, so "
            "no target answers"
        )
    ]
    assert texts(ID, provided(), **in_target_group("red", 8080))[0].endswith("listens on 80, so requests go past Envoy")


def test_port_of_a_listener_is_not_found() -> None:
    assert texts(ID, entered(gateway_route()), **in_target_group()) == []
    assert texts(ID, provided(), **in_target_group("red")) == []
