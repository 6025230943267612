"""Load balancer and listener of which only one speaks TLS.

A target group with the protocol `HTTPS` or `TLS` encrypts its connections to the targets, and one with `HTTP` does
not. A listener of the mesh with TLS in the mode `STRICT` accepts only TLS, and one without TLS only plaintext. If
they differ, no target is healthy. A target group with the protocol `TCP` behind a listener with `TLS` sends plaintext
too.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.targets import EnvoyTarget, envoy_targets
from color_mesh.envoy.security import speaks_tls


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the target groups whose protocol does not fit the listener."""
    for target in envoy_targets(facts):
        listener = target.listener
        encrypts = None if listener is None else _encrypts(facts, target)
        if listener is None or encrypts is None:
            continue
        requires = listener.tls is not None and listener.tls.mode == "STRICT"
        name = f"listener {listener.port} of {subject_of(target.part)}"
        if encrypts and not speaks_tls(listener):
            text = f"it sends TLS, which {name} does not speak"
        elif not encrypts and requires:
            text = f"it sends plaintext, but {name} requires TLS"
        else:
            continue
        yield Fault(
            subject=target.place,
            property="Protocol",
            text=text,
            fix="change the protocol of the target group, or the TLS of the listener",
        )


def _encrypts(facts: Facts, target: EnvoyTarget) -> bool | None:
    """Return whether connections to the targets are encrypted; ``None`` if clients decide on it."""
    if target.group.protocol in ("HTTPS", "TLS"):
        return True
    if target.group.protocol == "HTTP":
        return False
    listeners = facts.declarations.listeners.values()
    terminates = any(target.place in each.target_groups and each.protocol == "TLS" for each in listeners)
    return False if terminates and target.group.protocol == "TCP" else None


RULE = rule("error", check, __doc__)
