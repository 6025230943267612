"""Gateway whose own traffic is redirected to it.

The Envoy of a virtual gateway is alone in its task and listens on its ports itself. A proxy configuration, which the
task of a virtual node needs, redirects its ports to 15000, where a gateway does not listen, so clients get no answer.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the task definitions of gateways with a proxy configuration."""
    for gateway in facts.mesh.gateways:
        for place, definition, _ in facts.tasks_of(gateway):
            if definition.proxy_configuration is not None:
                yield Fault(
                    subject=place,
                    property="ProxyConfiguration",
                    text=f"the traffic of {subject_of(gateway)} is redirected to ports at which a gateway does not "
                    "listen",
                    fix="remove the proxy configuration",
                )


RULE = rule("error", check, __doc__)
