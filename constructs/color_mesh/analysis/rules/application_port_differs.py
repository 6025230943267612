"""Listener's port at which no container listens.

Envoy passes the requests of a listener to the same port of the application, on 127.0.0.1. If the containers of the
task declare ports and that is not among them, the application probably listens on another one, and requests end with
503.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import listener_property


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the listeners whose port no container of the task declares."""
    for node in facts.mesh.nodes:
        for place, definition, envoy in facts.tasks_of(node):
            ports = {port for each in definition.containers if each is not envoy for port in each.ports}
            for listener in node.listeners:
                if ports and listener.port not in ports:
                    yield Fault(
                        subject=subject_of(node),
                        property=listener_property(node, listener, "PortMapping.Port"),
                        text=f"Envoy passes requests to port {listener.port}, but the containers of {place} declare "
                        f"{', '.join(map(str, sorted(ports)))}",
                        fix="make the port of the listener that of the application",
                    )


RULE = rule("warning", check, __doc__)
