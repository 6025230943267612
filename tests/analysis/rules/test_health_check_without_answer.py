"""The rule ``health-check-without-answer``."""

import pytest

from color_mesh.model import Listener, Protocol
from tests.support.analysis import provided, texts
from tests.support.builders import health_check, node

ID = "health-check-without-answer"


@pytest.mark.parametrize("protocol", ["http", "http2"])
def test_http_health_check_of_a_grpc_listener_is_found(protocol: Protocol) -> None:
    listener = Listener(port=80, protocol="grpc", health_check=health_check(protocol=protocol))
    assert texts(ID, provided(node(listeners=(listener,)))) == [
        (
            "virtual node 'red' Spec.Listeners[0].HealthCheck.Protocol: a gRPC server does not answer the "
            f"{protocol} health check with 200"
        )
    ]


@pytest.mark.parametrize(("listener", "check"), [("grpc", "grpc"), ("http", "http"), ("http2", "grpc")])
def test_health_check_of_the_listeners_protocol_is_not_found(listener: Protocol, check: Protocol) -> None:
    checked = Listener(port=80, protocol=listener, health_check=health_check(protocol=check))
    assert texts(ID, provided(node(listeners=(checked,)))) == []
