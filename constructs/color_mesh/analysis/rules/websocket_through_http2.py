"""WebSocket to a service that speaks HTTP/2.

A WebSocket begins as an upgrade of an HTTP/1.1 connection. A service with listeners for `http2` or `grpc` gets its
requests in HTTP/2, where an upgrade is an extended `CONNECT` that most servers do not accept.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.hosts import named_hosts
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the variables with a WebSocket URL of a service without a listener for HTTP/1.1 or TCP."""
    services = {service.name.lower(): service for service in facts.mesh.services}
    for named in named_hosts(facts):
        service = services.get(named.host) if named.scheme in ("ws", "wss") else None
        provider = facts.mesh.provider(service) if service else None
        protocols = {listener.protocol for listener in provider.listeners} if provider else set()
        if protocols and protocols <= {"http2", "grpc"}:
            yield Fault(
                subject=named.place,
                property=named.property,
                text=f"it opens a WebSocket to {named.host!r}, whose listeners are for {', '.join(sorted(protocols))}",
                fix="give the service a listener for http",
            )


RULE = rule("warning", check, __doc__)
