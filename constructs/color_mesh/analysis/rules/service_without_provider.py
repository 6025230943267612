"""Service that is called and has nothing that answers.

A virtual service without a provider, or with a virtual router that has no routes, has no target. Envoy answers every
request to it with 404, and closes every TCP connection.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import calls
from color_mesh.model import VirtualNode, VirtualRouter


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the backends and gateway routes whose services have no target."""
    services = {service.name: service for service in facts.mesh.services}
    for call in calls(facts.mesh):
        service = services.get(call.service)
        if service is None:
            continue
        provider = facts.mesh.provider(service)
        if provider is None:
            reason = "has no provider"
        elif isinstance(provider, VirtualRouter) and not provider.routes:
            reason = f"is provided by virtual router {provider.name!r}, which has no routes"
        elif isinstance(provider, VirtualNode) and not provider.listeners:
            reason = f"is provided by virtual node {provider.name!r}, which has no listener"
        else:
            continue
        yield Fault(
            subject=subject_of(call.caller),
            property=call.property,
            text=f"it calls virtual service {call.service!r}, which {reason}",
            fix="give the service a provider with a listener, and its router a route",
        )


RULE = rule("error", check, __doc__)
