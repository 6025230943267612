"""Application that calls a server outside of the mesh, which Envoy blocks.

With the egress filter `DROP_ALL`, the Envoy of a redirected task lets through requests to backends, and TLS on port
443 to names below `amazonaws.com`. Everything else is closed: databases and caches on ports of their own, also those
of AWS, other APIs, and agents for logs or traces that send to their vendor.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.hosts import NamedHost, named_hosts, node_names, port_of
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the variables with a host outside of the mesh to which Envoy lets nothing through."""
    mesh = facts.mesh
    if mesh.egress_filter != "DROP_ALL":
        return
    inside = {name.lower() for name in mesh.known_services} | {name for node in mesh.nodes for name in node_names(node)}
    redirected = {place: (definition, proxy) for place, definition, proxy, _ in facts.redirected_tasks()}
    for named in named_hosts(facts):
        port = port_of(named)
        if named.place not in redirected or port is None or named.host in inside or not _is_outside(named):
            continue
        definition, proxy = redirected[named.place]
        user = (definition.containers[named.container].user or "").partition(":")[0]
        if port in proxy.ignored_ports or user == str(proxy.ignored_uid) or _is_aws(named, port):
            continue
        yield Fault(
            subject=named.place,
            property=named.property,
            text=f"it calls {named.host!r} on port {port} outside of the mesh, which Envoy does not let through",
            fix="add a virtual node and a virtual service for it and make that a backend, add the port to "
            "EgressIgnoredPorts, or set the egress filter ALLOW_ALL",
        )


def _is_outside(named: NamedHost) -> bool:
    """Return whether a host is a name with letters in its last label, and so neither an address nor a word."""
    last = named.host.rpartition(".")[2]
    return "." in named.host and last.isalpha() and len(last) > 1 and last != "localhost"


def _is_aws(named: NamedHost, port: int) -> bool:
    return port == 443 and named.host.endswith(".amazonaws.com")


RULE = rule("warning", check, __doc__)
