"""Outlier detection of a node with one endpoint.

A node that DNS finds with the response type `LOADBALANCER`, the default, is one endpoint, whatever number of
addresses DNS returns (AWS App Mesh User Guide, *Virtual nodes*). Outlier detection ejects endpoints in favor of
others, and there are none: it does nothing, or takes the whole service away.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import listener_property
from color_mesh.model import DnsDiscovery


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the outlier detections of nodes with one endpoint."""
    for node in facts.mesh.nodes:
        discovery = node.discovery
        if not isinstance(discovery, DnsDiscovery) or discovery.response_type != "LOADBALANCER":
            continue
        for listener in node.listeners:
            if listener.outlier_detection is not None:
                yield Fault(
                    subject=subject_of(node),
                    property=listener_property(node, listener, "OutlierDetection"),
                    text=f"{discovery.hostname!r} is one endpoint, so outlier detection has no other one to use",
                    fix="set the DNS response type ENDPOINTS, or remove the outlier detection",
                )


RULE = rule("warning", check, __doc__)
