"""Publication of the ports that the internet reaches, at ports of this machine."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address

from color_mesh.local.plan.published_ports import PublishedPort, machine_ports, published_ports
from color_mesh.local.run.port_forwarder import PortForwarder
from color_mesh.local.run.runner import Runner


class PortPublisher:
    """Publisher of the ports of a run.

    Args:
        runner: The run.
        first: Port of the machine for the first published port; others follow it.
        outside: Socket from which listening sockets of the machine are received.
        print_message: Prints a message to the terminal.
        on_error: Receives an unexpected exception.
    """

    def __init__(
        self,
        runner: Runner,
        first: int,
        outside: socket.socket,
        print_message: Callable[[str], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._runner = runner
        self._first = first
        self._outside = outside
        self._print_message = print_message
        self._on_error = on_error
        self._forwarders: dict[PublishedPort, tuple[PortForwarder, int]] = {}

    @property
    def url(self) -> str | None:
        """URL of the first published port; ``None`` if there is none."""
        return next(iter(self._urls().values()), None)

    @property
    def listeners(self) -> list[str]:
        """Address of each listener of the load balancers, as lines."""
        urls = self._urls()
        lines = []
        for key, balancer in self._runner.plan.load_balancers.items():
            running = self._runner.load_balancers.get(key)
            for listener in balancer.listeners:
                port = PublishedPort(owner=key, port=listener.port, protocol=listener.protocol)
                inside = f"{running.address if running is not None else None}:{listener.port} in the VPC"
                lines.append(f"{balancer.name}: {listener.protocol} {listener.port} at {urls.get(port, inside)}")
        return lines

    @property
    def is_complete(self) -> bool:
        """True if all ports of the plan are published."""
        return len(self._forwarders) == len(published_ports(self._runner.plan))

    def publish(self) -> None:
        """Publish the ports of the plan, and close others."""
        published = machine_ports(self._runner.plan, self._first)
        for port in [port for port in self._forwarders if port not in published]:
            forwarder, _ = self._forwarders.pop(port)
            forwarder.close()
        for port, machine_port in published.items():
            if port in self._forwarders:
                continue
            listening = self._listening_socket(machine_port)
            if listening is not None:
                forwarder = PortForwarder(listening, lambda port=port: self._destination(port), self._on_error)  # type: ignore[misc]
                self._forwarders[port] = forwarder, machine_port

    def _urls(self) -> dict[PublishedPort, str]:
        return {port: f"{port.scheme}://localhost:{number}" for port, (_, number) in self._forwarders.items()}

    def _listening_socket(self, port: int) -> socket.socket | None:
        """Receive a listening socket of the machine."""
        self._outside.send(str(port).encode())
        message, files, _, _ = socket.recv_fds(self._outside, 1024, 1)
        if not files:
            self._print_message(f"cannot listen on port {port} of this machine: {message.decode()}")
            return None
        return socket.socket(fileno=files[0])

    def _destination(self, published: PublishedPort) -> tuple[IPv4Address, int] | None:
        """Return the address and port of a load balancer, or of a task of a service, healthy ones first."""
        load_balancer = self._runner.load_balancers.get(published.owner)
        if load_balancer is not None:
            return (load_balancer.address, published.port) if load_balancer.address is not None else None
        scheduler = self._runner.schedulers.get(published.owner)
        running = [task for task in scheduler.tasks if task.status == "RUNNING"] if scheduler is not None else []
        address = next((task.address for task in sorted(running, key=lambda task: not task.is_healthy)), None)
        return (address, published.port) if address is not None else None
