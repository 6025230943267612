"""TLS whose certificate nobody validates.

A caller without a client policy for a listener uses TLS if the listener has it. It does not validate the certificate,
so it encrypts, but accepts any server (AWS App Mesh User Guide, *Transport Layer Security*). That happens without a
policy, and with one whose `Ports` do not include the port of the listener. App Mesh's Envoys validated certificates of
ACM even then; those of the data plane `envoy` do not.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import calls, deliveries
from color_mesh.envoy.security import policy_for, speaks_tls
from color_mesh.model import AcmCertificate


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the callers that use TLS without a client policy."""
    for call in calls(facts.mesh):
        for way in deliveries(facts.mesh, call.service):
            tls = way.listener.tls
            if tls is None or not speaks_tls(way.listener):
                continue
            if facts.validates_acm and isinstance(tls.certificate, AcmCertificate):
                continue
            if policy_for(way.listener, call.client_tls) is None:
                reason = "no client policy" if call.client_tls is None else "a client policy without that port"
                yield Fault(
                    subject=subject_of(call.caller),
                    property=call.tls_property,
                    text=f"it does not validate the certificate of listener {way.listener.port} of "
                    f"{subject_of(way.node)}: it has {reason}",
                    fix="add a client policy with the trusted authorities",
                )


RULE = rule("warning", check, __doc__)
