"""Deregistration delay that is much longer than requests may take.

At a deployment, ECS deregisters a task from its target groups and stops it after the deregistration delay, 300 seconds
by default. An application load balancer sends no new requests to the task meanwhile, so the delay only has to be as
long as the longest request. Every step of a deployment takes the rest of it for nothing.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.rules.deregistration_delay_cuts_requests import DELAY
from color_mesh.analysis.targets import envoy_targets, longest_request
from color_mesh.analysis.traffic import seconds
from color_mesh.ecs.target_groups import HTTP_PROTOCOLS

_TOLERATED_MILLIS = 60_000


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the target groups of application load balancers whose delay is more than a minute longer."""
    for target in envoy_targets(facts):
        longest = longest_request(facts.mesh, target)
        delay = target.group.deregistration_delay_seconds
        if target.group.protocol in HTTP_PROTOCOLS and longest and delay * 1000 > longest + _TOLERATED_MILLIS:
            yield Fault(
                subject=target.place,
                property=DELAY,
                text=f"a deployment waits {delay} s for each task of {subject_of(target.part)}, whose requests take "
                f"{seconds(longest)} at most",
                fix="set the deregistration delay to the time of the longest request, such as 30 s",
            )


RULE = rule("note", check, __doc__)
