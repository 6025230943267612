"""Ignored port that a backend has.

`EgressIgnoredPorts` are ports to which connections of the task are not redirected, whatever the destination. A
request to a backend with such a port goes to the address that DNS returns, past the routes, retries and TLS of the
mesh. If the name of the service has no address of its own, the request fails.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the ignored ports at which a node calls a backend."""
    services = {service.name: service for service in facts.mesh.services}
    for place, _, proxy, node in facts.redirected_tasks():
        for backend in node.backends:
            service = services.get(backend.virtual_service)
            provider = facts.mesh.provider(service) if service else None
            for listener in provider.listeners if provider else ():
                if listener.port in proxy.ignored_ports:
                    yield Fault(
                        subject=place,
                        property="ProxyConfiguration.ProxyConfigurationProperties",
                        text=f"port {listener.port} of backend {backend.virtual_service!r} is among the ignored ports, "
                        "so requests to it go past the mesh",
                        fix="remove the port from EgressIgnoredPorts",
                    )


RULE = rule("warning", check, __doc__)
