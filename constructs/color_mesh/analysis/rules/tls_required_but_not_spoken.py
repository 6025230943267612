"""Client policy that requires TLS from a listener without it.

A client policy with `Enforce`, which is the default, makes the caller use TLS for every connection to which the
policy applies. A listener without TLS, or with the mode `DISABLED`, does not answer a TLS handshake, so every request
ends with 503. Nodes that DNS finds and that have no Envoy in the templates are taken for servers outside of the mesh,
which have TLS of their own.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import calls, deliveries
from color_mesh.envoy.security import policy_for, speaks_tls
from color_mesh.model import CloudMapDiscovery


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the client policies that apply to listeners without TLS."""
    for call in calls(facts.mesh):
        for way in deliveries(facts.mesh, call.service):
            inside = isinstance(way.node.discovery, CloudMapDiscovery) or facts.tasks_of(way.node)
            policy = policy_for(way.listener, call.client_tls)
            if policy is not None and inside and not speaks_tls(way.listener):
                yield Fault(
                    subject=subject_of(call.caller),
                    property=f"{call.tls_property}.TLS",
                    text=f"it requires TLS, but listener {way.listener.port} of {subject_of(way.node)} has none",
                    fix="give the listener TLS, or limit the policy with Ports or Enforce: false",
                )


RULE = rule("error", check, __doc__)
