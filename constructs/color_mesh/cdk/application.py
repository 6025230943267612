"""Address and port of a node's application."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.model import VirtualNode
from color_mesh.model.checks import check_choice, check_range
from color_mesh.model.deployment import APP_ADDRESSES, AppAddress
from color_mesh.model.errors import problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """Address and port that the application of a node listens on.

    Attributes:
        address: ``0.0.0.0``: all addresses of the task. ``127.0.0.1``: the loopback interface of the task only.
        port: Port of the application. ``None``: the ports of the node's listeners.
    """

    address: AppAddress
    port: int | None

    def ports(self, node: VirtualNode) -> list[int]:
        """Return the ports that the application listens on, in the order of the node's listeners."""
        return [self.port or listener.port for listener in node.listeners]


def check_application(node: VirtualNode, application: Application) -> Iterator[str]:
    """Validate the address and the port of a node's application."""
    subject = f"virtual node {node.name!r}"
    yield from check_choice(subject, "application's address", application.address, APP_ADDRESSES)
    if application.port is not None:
        yield from check_range(subject, "application's port", application.port, 1, 65535)
    if application.port is not None and len(node.listeners) != 1:
        fix = "leave app_port out: the application listens on the ports of the listeners"
        wrong = f"'app_port' needs one listener, the node has {'several' if node.listeners else 'none'}"
        yield problem(subject, wrong, application.port, fix)
