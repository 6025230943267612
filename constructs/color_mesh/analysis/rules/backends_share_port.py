"""Backends that a caller cannot tell apart.

A caller's Envoy selects a TCP service by its port alone: there is no host in a TCP connection. Two TCP services on
one port, or a TCP service on the port of an HTTP service, give Envoy two filter chains for the same connections, and
it refuses the listener. The caller then gets no new configuration at all.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.model import VirtualNode


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the nodes with a TCP backend and another backend on one port."""
    for node in facts.mesh.nodes:
        by_port: dict[int, dict[str, str]] = {}
        for name, port, protocol in _ports(facts, node):
            by_port.setdefault(port, {})[name] = protocol
        for port, protocols in sorted(by_port.items()):
            if len(protocols) > 1 and "tcp" in protocols.values():
                names = ", ".join(f"{name} ({protocol})" for name, protocol in protocols.items())
                yield Fault(
                    subject=subject_of(node),
                    property="Spec.Backends",
                    text=f"its backends {names} share port {port}, by which Envoy selects a TCP service",
                    fix="give the listener of one service's router another port",
                )


def _ports(facts: Facts, node: VirtualNode) -> Iterator[tuple[str, int, str]]:
    services = {service.name: service for service in facts.mesh.services}
    for backend in node.backends:
        service = services.get(backend.virtual_service)
        provider = facts.mesh.provider(service) if service else None
        for listener in provider.listeners if provider else ():
            yield backend.virtual_service, listener.port, listener.protocol


RULE = rule("error", check, __doc__)
