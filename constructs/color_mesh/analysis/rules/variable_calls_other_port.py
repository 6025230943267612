"""Application that calls a backend on a port that it does not have.

The port of a request selects the listener of Envoy's configuration, and the host selects the virtual service on it.
The ports of a virtual service are those of the listeners of its router, or of its node if that provides it. On
another port the service does not exist: Envoy closes the connection, answers with 404, or with `ALLOW_ALL` sends it
past the mesh. A port in the `Host` header has to be that port too.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.hosts import named_hosts, port_of
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the variables with a backend and a port that it does not have."""
    services = {service.name.lower(): service for service in facts.mesh.services}
    for named in named_hosts(facts):
        service, port = services.get(named.host), port_of(named)
        provider = facts.mesh.provider(service) if service else None
        if provider is None or port is None or service is None:
            continue
        ports = [listener.port for listener in provider.listeners]
        is_backend = any(backend.virtual_service == service.name for backend in named.node.backends)
        if is_backend and port not in ports:
            yield Fault(
                subject=named.place,
                property=named.property,
                text=f"it calls {named.host!r} on port {port}, but the ports of that service are "
                f"{', '.join(map(str, ports)) or 'none'}",
                fix="call a port of the service",
            )


RULE = rule("warning", check, __doc__)
