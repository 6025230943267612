"""From a mesh to the Envoy v3 configuration of each of its nodes and gateways, as App Mesh would have sent it.

`services` compiles what a caller needs to know of a virtual service; `ingress`, `egress` and `gateway` make of it what
comes to a node, what a node sends, and the two hops of a gateway; `routes`, `clusters`, `listeners`, `filters`,
`security` and `access_log` write Envoy's own kinds of resources; `unsupported` finds what has no counterpart in Envoy;
`bootstrap` puts all of it together. What depends on where an Envoy stands, and not on the mesh, is in `placement`.
"""

from color_mesh.envoy.bootstrap import Configuration, configure
from color_mesh.envoy.endpoints import Instance, endpoints
from color_mesh.envoy.placement import (
    DnsEndpoints,
    FileEndpoints,
    Loopback,
    ServerEndpoints,
    Transparent,
    loopback_address,
)
from color_mesh.envoy.services import Target

__all__ = [
    "Configuration",
    "DnsEndpoints",
    "FileEndpoints",
    "Instance",
    "Loopback",
    "ServerEndpoints",
    "Target",
    "Transparent",
    "configure",
    "endpoints",
    "loopback_address",
]
