"""Node whose IP preference excludes all its addresses.

With the preference `IPv6_ONLY` callers look up AAAA records, and with `IPv4_ONLY` A records. A Cloud Map service
without records of that type gives them no endpoint, and requests end with 503. The preference is that of the node's
service discovery, or else that of the mesh.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.envoy.placement import ip_preference

_RECORDS = {"IPv4_ONLY": "A", "IPv6_ONLY": "AAAA"}


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the nodes whose Cloud Map service has no record of their address family."""
    declared = {each.dns_name.lower(): each for each in facts.declarations.discovery_services.values() if each.records}
    for node in facts.mesh.nodes:
        service = declared.get(node.discovery.dns_name.lower().removesuffix(".")) if node.discovery else None
        preference = ip_preference(facts.mesh, node)
        wanted = _RECORDS.get(preference or "")
        if service is None or wanted is None:
            continue
        types = {record for record, _ in service.records}
        if not types & {wanted, "SRV"}:
            yield Fault(
                subject=subject_of(node),
                property="Spec.ServiceDiscovery",
                text=f"with {preference}, callers look up {wanted} records, but {service.dns_name!r} has "
                f"{', '.join(sorted(types))}",
                fix="change the IP preference, or declare the records",
            )


RULE = rule("error", check, __doc__)
