"""Health check that no gRPC server answers.

An HTTP health check passes with the status 200. A gRPC server answers requests that are no gRPC calls with another
status, mostly 415. All tasks become unhealthy, and callers get 503, or in Envoy's panic mode, requests go to all
tasks as without a health check.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import listener_property


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the HTTP health checks of gRPC listeners."""
    for node in facts.mesh.nodes:
        for listener in node.listeners:
            health_check = listener.health_check
            if health_check is not None and listener.protocol == "grpc" and health_check.protocol in ("http", "http2"):
                yield Fault(
                    subject=subject_of(node),
                    property=listener_property(node, listener, "HealthCheck.Protocol"),
                    text=f"a gRPC server does not answer the {health_check.protocol} health check with 200",
                    fix="use a health check of the protocol grpc, and implement grpc.health.v1.Health",
                )


RULE = rule("warning", check, __doc__)
