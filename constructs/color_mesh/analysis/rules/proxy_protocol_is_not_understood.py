"""Load balancer that sends a header which Envoy does not understand.

With `proxy_protocol_v2.enabled`, a network load balancer begins each connection with a header of the proxy protocol.
App Mesh configured no Envoy to read it, and the constructs do not either. Envoy takes it for a broken request and
answers 400, or closes the connection.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.targets import envoy_targets

_ATTRIBUTE = "proxy_protocol_v2.enabled"


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the target groups with the proxy protocol."""
    for target in envoy_targets(facts):
        if target.group.attributes.get(_ATTRIBUTE, "false").lower() == "true":
            yield Fault(
                subject=target.place,
                property=f"TargetGroupAttributes[{_ATTRIBUTE}]",
                text=f"the Envoy of {subject_of(target.part)} does not understand the proxy protocol",
                fix="disable it",
            )


RULE = rule("error", check, __doc__)
