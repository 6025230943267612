"""Certificate without the name that a caller accepts.

A caller with a client policy accepts the subject alternative names that the policy lists. Without such a list it
accepts the DNS name of the node's service discovery, and not the name of the virtual service (AWS App Mesh User
Guide, *Transport Layer Security*). A policy that enforces TLS does not accept a wildcard in place of the name. If the
certificate has none of these names, every request ends with 503. The rule knows the names of certificates that the
templates declare in ACM.
"""

from collections.abc import Iterator, Sequence

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import calls, deliveries
from color_mesh.envoy.security import policy_for, speaks_tls
from color_mesh.model import AcmCertificate, Listener
from color_mesh.model.arns import DECLARED_ARN


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the callers that accept no name of a listener's certificate."""
    for call in calls(facts.mesh):
        for way in deliveries(facts.mesh, call.service):
            policy, names = policy_for(way.listener, call.client_tls), _names(facts, way.listener)
            if policy is None or not names or way.node.discovery is None:
                continue
            accepted = policy.validation.subject_alternative_names or (way.node.discovery.dns_name,)
            if not any(_has(names, each, wildcards=not policy.enforce) for each in accepted):
                yield Fault(
                    subject=subject_of(call.caller),
                    property=f"{call.tls_property}.TLS.Validation",
                    text=f"it accepts {', '.join(accepted)}, but the certificate of listener {way.listener.port} of "
                    f"{subject_of(way.node)} is for {', '.join(names)}",
                    fix="list a name of the certificate in SubjectAlternativeNames, or issue it for the accepted name",
                )


def _names(facts: Facts, listener: Listener) -> Sequence[str]:
    """Return the names of a listener's certificate, if the templates declare it."""
    certificate = listener.tls.certificate if listener.tls is not None and speaks_tls(listener) else None
    if not isinstance(certificate, AcmCertificate):
        return ()
    label = f": {certificate.arn.removeprefix(DECLARED_ARN)}"
    declared = facts.declarations.certificates.items()
    return next((each.names for place, each in declared if each.key == certificate.arn or place.endswith(label)), ())


def _has(names: Sequence[str], name: str, *, wildcards: bool) -> bool:
    _, _, parent = name.lower().partition(".")
    return any(each.lower() == name.lower() or (wildcards and each.lower() == f"*.{parent}") for each in names)


RULE = rule("error", check, __doc__)
