"""Ignored ports, by which a task reaches everything.

Connections of a task to a port of `EgressIgnoredPorts` are not redirected to Envoy. With the egress filter
`DROP_ALL`, the mesh seems to allow backends only, but the task reaches every host on that port that its security
group allows. iptables takes at most 15 ports; the others are redirected all the same.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule

_NFS_PORT = 2049  # EFS needs it; see file-system-is-redirected.
_MAX_PORTS = 15  # iptables-extensions(8), multiport


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the ignored ports of tasks in a mesh with ``DROP_ALL``, and lists of too many ports."""
    for place, definition, proxy, _ in facts.redirected_tasks():
        ports = [each for each in proxy.ignored_ports if not (each == _NFS_PORT and definition.file_systems)]
        property = "ProxyConfiguration.ProxyConfigurationProperties"
        if ports and facts.mesh.egress_filter == "DROP_ALL":
            yield Fault(
                subject=place,
                property=property,
                text=f"on port {', '.join(map(str, ports))} the task reaches hosts outside of the mesh, past Envoy, "
                "although the egress filter is DROP_ALL",
                fix="limit the egress of its security group on these ports",
            )
        if len(proxy.ignored_ports) > _MAX_PORTS:
            yield Fault(
                subject=place,
                property=property,
                text=f"of {len(proxy.ignored_ports)} ignored ports, all after the first {_MAX_PORTS} are redirected",
                fix=f"name at most {_MAX_PORTS}, or use EgressIgnoredIPs",
            )


RULE = rule("note", check, __doc__)
