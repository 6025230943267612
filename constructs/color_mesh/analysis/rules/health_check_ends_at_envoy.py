"""Health check that Envoy answers in place of the application.

A TCP health check passes when the connection is accepted. Connections to a task of the mesh are accepted by its
Envoy, also when the application does not run. The health check tells only that Envoy does.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import listener_property
from color_mesh.model import CloudMapDiscovery


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the TCP health checks of nodes whose tasks have an Envoy."""
    for node in facts.mesh.nodes:
        if not isinstance(node.discovery, CloudMapDiscovery) and not facts.tasks_of(node):
            continue
        for listener in node.listeners:
            if listener.health_check is not None and listener.health_check.protocol == "tcp":
                yield Fault(
                    subject=subject_of(node),
                    property=listener_property(node, listener, "HealthCheck.Protocol"),
                    text="the Envoy of the task accepts the connection, also when the application does not answer",
                    fix="use a health check of the protocol http or grpc, or a health check of the container",
                )


RULE = rule("note", check, __doc__)
