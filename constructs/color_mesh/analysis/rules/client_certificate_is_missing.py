"""Caller without the certificate that a listener requires.

A listener with `Validation` in the mode `STRICT` accepts only clients with a certificate; in the mode `PERMISSIVE`,
that holds for TLS clients if it lists subject alternative names. A caller sends the `Certificate` of its client
policy. Without one, the handshake fails, and requests end with 503.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import calls, deliveries
from color_mesh.envoy.security import policy_for
from color_mesh.model import ListenerTls


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the callers without a client certificate."""
    for call in calls(facts.mesh):
        for way in deliveries(facts.mesh, call.service):
            policy = policy_for(way.listener, call.client_tls)
            if _requires_certificate(way.listener.tls) and (policy is None or policy.certificate is None):
                yield Fault(
                    subject=subject_of(call.caller),
                    property=call.tls_property,
                    text=f"it has no client certificate, which listener {way.listener.port} of {subject_of(way.node)} "
                    "requires",
                    fix="add Certificate to the client policy",
                )


def _requires_certificate(tls: ListenerTls | None) -> bool:
    if tls is None or tls.validation is None or tls.mode == "DISABLED":
        return False
    return tls.mode == "STRICT" or bool(tls.validation.subject_alternative_names)


RULE = rule("error", check, __doc__)
