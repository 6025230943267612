"""Ports of the mesh that the internet reaches; each is published at a port of this machine."""

from dataclasses import dataclass

from color_mesh.local.plan.assembly import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPort:
    """Port that the internet reaches.

    Attributes:
        owner: Place of its load balancer or service in the templates.
        port: Port number.
        protocol: Protocol of the listener, such as ``HTTPS``. Default: unknown, the port of a service.
    """

    owner: str
    port: int
    protocol: str | None = None

    @property
    def scheme(self) -> str:
        """Scheme of its URL."""
        return "https" if self.protocol in ("HTTPS", "TLS") else "http"


def published_ports(plan: Plan) -> tuple[PublishedPort, ...]:
    """Return the ports that the internet reaches: those of load balancers first, then those of services."""
    load_balancers = (
        PublishedPort(owner=key, port=listener.port, protocol=listener.protocol)
        for key, load_balancer in plan.load_balancers.items()
        for listener in load_balancer.listeners
        if load_balancer.public
    )
    services = (
        PublishedPort(owner=key, port=port)
        for key, service in plan.services.items()
        for container in plan.task(service).definition.containers
        for port in container.ports
        if service.public
    )
    return (*load_balancers, *services)


def machine_ports(plan: Plan, first: int) -> dict[PublishedPort, int]:
    """Return the ports of this machine at which ports are published.

    Args:
        plan: Plan.
        first: Port for the first published port; others follow it.
    """
    return {port: first + number for number, port in enumerate(published_ports(plan))}
