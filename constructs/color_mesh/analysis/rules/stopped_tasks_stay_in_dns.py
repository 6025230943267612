"""Tasks that callers keep using after they have stopped.

A node that DNS finds under the name of a Cloud Map service loses a stopped task when the TTL of its records ends.
Until then callers send requests there. App Mesh used Cloud Map itself for nodes with `AWSCloudMap`, without a TTL.
Outlier detection makes callers leave a task that does not answer.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.model import DnsDiscovery

_SHORT_SECONDS = 10


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the nodes in DNS whose records have a long TTL and whose listeners have no outlier detection."""
    ttls = {
        each.dns_name.lower(): max(ttl for _, ttl in each.records)
        for each in facts.declarations.discovery_services.values()
        if each.records
    }
    for node in facts.mesh.nodes:
        if not isinstance(node.discovery, DnsDiscovery) or not node.listeners:
            continue
        ttl = ttls.get(node.discovery.hostname.lower().removesuffix("."), 0)
        if ttl > _SHORT_SECONDS and all(each.outlier_detection is None for each in node.listeners):
            yield Fault(
                subject=subject_of(node),
                property="Spec.ServiceDiscovery.DNS",
                text=f"the records of {node.discovery.hostname!r} have a TTL of {ttl} s, for which callers use a "
                "stopped task",
                fix="shorten the TTL, or use Cloud Map for service discovery",
            )


RULE = rule("note", check, __doc__)
