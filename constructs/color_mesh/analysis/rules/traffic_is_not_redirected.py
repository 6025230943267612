"""Task of a node whose traffic does not pass Envoy.

A virtual node's Envoy gets the traffic of its application by the `ProxyConfiguration` of the task definition, of the
type `APPMESH`. Without it, the Envoy runs, and requests to and from the application go past it: no routes, no
retries, no TLS.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the task definitions of nodes without a proxy configuration."""
    for node in facts.mesh.nodes:
        for place, definition, _ in facts.tasks_of(node):
            if definition.proxy_configuration is None and (node.listeners or node.backends):
                yield Fault(
                    subject=place,
                    property="ProxyConfiguration",
                    text=f"nothing redirects the traffic of {subject_of(node)} to its Envoy",
                    fix="add a proxy configuration of the type APPMESH",
                )


RULE = rule("error", check, __doc__)
