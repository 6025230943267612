"""Tasks that get no requests, because their node is one endpoint.

The name of a Cloud Map service stands for all its tasks. A node that DNS finds under it with the response type
`LOADBALANCER`, the default, is one endpoint: each caller sends its requests to one of the tasks only, and callers
that ask at the same time may use the same one.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.model import DnsDiscovery


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the nodes with the response type ``LOADBALANCER`` and the name of a Cloud Map service."""
    tasks = {each.dns_name.lower() for each in facts.declarations.discovery_services.values() if each.records}
    tasks |= {each.dns_name.lower() for each in facts.mesh.cloud_map_services}
    for node in facts.mesh.nodes:
        discovery = node.discovery
        if not isinstance(discovery, DnsDiscovery) or discovery.response_type != "LOADBALANCER":
            continue
        if discovery.hostname.lower().removesuffix(".") in tasks:
            yield Fault(
                subject=subject_of(node),
                property="Spec.ServiceDiscovery.DNS.ResponseType",
                text=f"{discovery.hostname!r} has a record for each task, and callers use only one of them at a time",
                fix="set the response type ENDPOINTS, or use Cloud Map for service discovery",
            )


RULE = rule("warning", check, __doc__)
