"""The rule ``websocket-through-http2``."""

from color_mesh.model import Listener
from tests.support.analysis import calling, provided, texts
from tests.support.builders import node

ID = "websocket-through-http2"


def test_websocket_to_an_http2_service_is_found() -> None:
    mesh = provided(node(listeners=(Listener(port=80, protocol="http2"),)))
    assert texts(ID, **calling(mesh, URL="ws://red.colors.local/chat")) == [
        (
            "app.yaml: Task ContainerDefinitions[0].Environment[URL]: it opens a WebSocket to "
            "'red.colors.local', whose listeners are for http2"
        )
    ]


def test_websocket_to_an_http_service_is_not_found() -> None:
    assert texts(ID, **calling(provided(), URL="ws://red.colors.local/chat")) == []
    mesh = provided(node(listeners=(Listener(port=80, protocol="http2"),)))
    assert texts(ID, **calling(mesh, URL="http://red.colors.local/chat")) == []
