"""Validation of certificates that never takes place.

- A listener with `Validation` and the mode `DISABLED` has no TLS, and with the mode `PERMISSIVE` and without subject
  alternative names it also accepts clients without a certificate.
- A client policy applies to no connection if its `Ports` are those of no backend, if it does not enforce TLS and no
  backend has it, or if the node has no backends.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import Call, calls, deliveries, listener_property
from color_mesh.envoy.security import policy_for
from color_mesh.model import VirtualGateway, VirtualNode


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the listeners and client policies whose validation has no effect."""
    parts: tuple[VirtualNode | VirtualGateway, ...] = (*facts.mesh.nodes, *facts.mesh.gateways)
    all_calls = list(calls(facts.mesh))
    for part in parts:
        yield from _listeners(part)
        own = [call for call in all_calls if call.caller == part]
        policies = {call.tls_property: call for call in own if call.client_tls is not None}
        if part.client_tls is not None and not own:
            yield _unused(part, "Spec.BackendDefaults.ClientPolicy", "it has no backends")
        for place, first in policies.items():
            same = [call for call in own if call.tls_property == place]
            ways = [way for call in same for way in deliveries(facts.mesh, call.service)]
            if ways and all(policy_for(way.listener, first.client_tls) is None for way in ways):
                yield _unused(part, place, _reason(first))


def _listeners(part: VirtualNode | VirtualGateway) -> Iterator[Fault]:
    for listener in part.listeners:
        tls = listener.tls
        if tls is None or tls.validation is None or tls.mode == "STRICT":
            continue
        if tls.mode == "DISABLED" or not tls.validation.subject_alternative_names:
            yield Fault(
                subject=subject_of(part),
                property=listener_property(part, listener, "TLS.Validation"),
                text=f"in the mode {tls.mode}, the listener accepts clients without a certificate",
                fix="set the mode STRICT",
            )


def _reason(call: Call) -> str:
    assert call.client_tls is not None
    return "no backend has one of its ports" if call.client_tls.ports else "no backend has TLS, and it is not enforced"


def _unused(part: VirtualNode | VirtualGateway, place: str, reason: str) -> Fault:
    return Fault(
        subject=subject_of(part),
        property=place,
        text=f"the client policy applies to no connection: {reason}",
        fix="correct its Ports, enforce it, or remove it",
    )


RULE = rule("warning", check, __doc__)
