"""Load balancer that sends to a port without a listener.

A virtual gateway answers at the ports of its listeners only: at another port, no target is healthy. A virtual node's
tasks may answer at another port of the application, and then requests of the load balancer go past Envoy.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.targets import envoy_targets
from color_mesh.model import VirtualGateway


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the targets of load balancers at ports that their node or gateway does not have."""
    for target in envoy_targets(facts):
        if target.listener is None:
            ports = ", ".join(str(each.port) for each in target.part.listeners) or "none"
            effect = "no target answers" if isinstance(target.part, VirtualGateway) else "requests go past Envoy"
            yield Fault(
                subject=target.service,
                property=f"LoadBalancers[{target.index}].ContainerPort",
                text=f"the load balancer sends to port {target.port}, but {subject_of(target.part)} listens on "
                f"{ports}, so {effect}",
                fix="make it the port of a listener",
            )


RULE = rule("error", check, __doc__)
