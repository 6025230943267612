"""EFS file system that a task cannot mount.

ECS mounts the file systems of a task before its containers start. With a proxy configuration the connection to port
2049 is redirected to Envoy, which does not run yet, and the task fails. `EgressIgnoredPorts` has to have that port
(AWS App Mesh User Guide, *Getting started with App Mesh and Amazon ECS*).
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule

_NFS_PORT = 2049


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the redirected task definitions with a file system and without its port among the ignored ports."""
    for place, definition, proxy, _ in facts.redirected_tasks():
        if definition.file_systems and _NFS_PORT not in proxy.ignored_ports:
            yield Fault(
                subject=place,
                property="ProxyConfiguration.ProxyConfigurationProperties",
                text=f"file system {definition.file_systems[0]!r} cannot be mounted: its connection is redirected to "
                "Envoy, which does not run yet",
                fix=f"add {_NFS_PORT} to EgressIgnoredPorts",
            )


RULE = rule("error", check, __doc__)
