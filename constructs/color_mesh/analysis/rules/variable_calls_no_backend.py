"""Application that calls a service that is no backend of its node.

A node reaches the virtual services in its backends, and no others. A name of the mesh in an environment variable of
the application says that it calls this service. If it is no backend, Envoy has no route for it: with the egress
filter `DROP_ALL` the request fails, and with `ALLOW_ALL` it goes to the address that DNS returns, past the routes,
retries and TLS of the mesh.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.hosts import named_hosts, node_names
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the variables that name services and nodes of the mesh that are no backends."""
    mesh = facts.mesh
    known = {name.lower() for name in mesh.known_services}
    known |= {name for node in mesh.nodes for name in node_names(node)}
    for named in named_hosts(facts):
        node = named.node
        own = {service.name.lower() for service in mesh.services if service.virtual_node == node.name}
        backends = {backend.virtual_service.lower() for backend in node.backends}
        if named.host in known and named.host not in own | backends | node_names(node):
            effect = (
                "does not let the request through" if mesh.egress_filter == "DROP_ALL" else "sends it past the mesh"
            )
            yield Fault(
                subject=named.place,
                property=named.property,
                text=f"it calls {named.host!r}, which is no backend of {subject_of(node)}: with {mesh.egress_filter}, "
                f"Envoy {effect}",
                fix="add the virtual service to the backends of the node",
            )


RULE = rule("warning", check, __doc__)
