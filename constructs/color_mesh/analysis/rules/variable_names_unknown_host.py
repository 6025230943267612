"""Application that calls a name of the mesh's domain that nothing answers.

The private hosted zone of a Cloud Map namespace answers all names below the namespace. A name there that no Cloud Map
service and no record has gets no address, and the zone hides an answer that a public or an older zone would give.
After a migration that creates the zone, a name that was answered before is not any more.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.hosts import named_hosts, node_names
from color_mesh.analysis.rule import Fault, rule
from color_mesh.model import CloudMapDiscovery


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the variables with a host in a namespace of the mesh that nothing declares."""
    mesh, declarations = facts.mesh, facts.declarations
    namespaces = {each.namespace for each in declarations.discovery_services.values() if each.namespace}
    namespaces |= {each.namespace for each in mesh.cloud_map_services}
    namespaces |= {each.discovery.namespace for each in mesh.nodes if isinstance(each.discovery, CloudMapDiscovery)}
    answered = {name.lower() for name in mesh.known_services}
    answered |= {each.dns_name.lower() for each in mesh.cloud_map_services}
    answered |= {each.dns_name.lower() for each in declarations.discovery_services.values()}
    answered |= {each.name.lower().removesuffix(".") for each in declarations.records.values()}
    answered |= {name for node in mesh.nodes for name in node_names(node)}
    for named in named_hosts(facts):
        domain = next((each for each in sorted(namespaces) if named.host.endswith(f".{each.lower()}")), None)
        if domain is not None and named.host not in answered:
            yield Fault(
                subject=named.place,
                property=named.property,
                text=f"it calls {named.host!r}, which no Cloud Map service and no record of {domain!r} has",
                fix="declare the Cloud Map service or record, or correct the name",
            )


RULE = rule("warning", check, __doc__)
