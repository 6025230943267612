"""Compiler from a mesh to the Envoy v3 configuration of each node and gateway, equivalent to that of App Mesh.

- `services` compiles the ports of a virtual service for a caller.
- `ingress` and `egress` compile the inbound and the outbound side of a node, `gateway` the two hops of a gateway,
  and `edge` what its clients are trusted with and granted.
- `routes`, `clusters`, `listeners`, `filters`, `security` and `access_log` render one kind of Envoy resource each.
- `admission` renders who may call a node, by the names in client certificates.
- `unsupported` reports the features of a mesh that Envoy does not support.
- `telemetry` renders what sends spans and metrics, and `aws` the calls of AWS that Envoy makes itself.
- `placement` has the settings of an Envoy that are not part of the mesh.
- `bootstrap` assembles the complete configuration.
"""

from color_mesh.envoy.bootstrap import Configuration, configure
from color_mesh.envoy.endpoints import Instance, endpoints
from color_mesh.envoy.placement import (
    Admission,
    CloudMapEndpoints,
    FileEndpoints,
    Loopback,
    ServerEndpoints,
    Transparent,
    loopback_address,
)
from color_mesh.envoy.services import Target

__all__ = [
    "Admission",
    "CloudMapEndpoints",
    "Configuration",
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
