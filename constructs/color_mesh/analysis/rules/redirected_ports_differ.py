"""Ports of the application that are not those of the node's listeners.

`AppPorts` of the proxy configuration are the ports at which requests are redirected to Envoy, and its listeners are
those of the virtual node. A listener's port that is not among `AppPorts` is open past Envoy, without TLS and
timeouts. A port of `AppPorts` without a listener is redirected to Envoy, which closes the connection.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the ports that only the proxy configuration or only the node has."""
    for place, _, proxy, node in facts.redirected_tasks():
        ports = {listener.port for listener in node.listeners}
        for port in sorted(ports ^ set(proxy.app_ports)):
            effect = "so requests go past Envoy" if port in ports else "so Envoy closes its connections"
            missing = "AppPorts" if port in ports else subject_of(node)
            yield Fault(
                subject=place,
                property="ProxyConfiguration.ProxyConfigurationProperties",
                text=f"port {port} is missing in {missing}, {effect}",
                fix="make AppPorts equal to the ports of the node's listeners",
            )


RULE = rule("error", check, __doc__)
