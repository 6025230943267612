"""Deregistration delay that is shorter than requests may take.

ECS deregisters a task from its target groups before it stops it. An application load balancer waits for the requests
of the task until the deregistration delay has passed, and answers those that take longer with 502. A network load
balancer goes on sending new connections for about 120 seconds after the deregistration. After a shorter delay ECS
stops the task meanwhile, and these connections fail. Both happen at every deployment.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.targets import envoy_targets, longest_request
from color_mesh.analysis.traffic import seconds
from color_mesh.ecs.target_groups import HTTP_PROTOCOLS

DELAY = "TargetGroupAttributes[deregistration_delay.timeout_seconds]"
_NEW_CONNECTIONS_SECONDS = 120  # aws/containers-roadmap, issue 470


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the target groups whose delay ends before requests, or before new connections."""
    for target in envoy_targets(facts):
        delay = target.group.deregistration_delay_seconds
        if target.group.protocol not in HTTP_PROTOCOLS:
            if delay < _NEW_CONNECTIONS_SECONDS:
                yield Fault(
                    subject=target.place,
                    property=DELAY,
                    text=f"the network load balancer sends new connections to a task of {subject_of(target.part)} for "
                    f"about {_NEW_CONNECTIONS_SECONDS} s after its deregistration, but ECS stops it after {delay} s",
                    fix="raise the deregistration delay to 150 s",
                )
            continue
        declared = longest_request(facts.mesh, target, declared_only=True)
        if declared > delay * 1000:
            yield Fault(
                subject=target.place,
                property=DELAY,
                text=f"requests to {subject_of(target.part)} may take {seconds(declared)}, but the load balancer ends "
                f"those of a deregistered task after {delay} s",
                fix="raise the deregistration delay, or shorten the requests",
            )


RULE = rule("warning", check, __doc__)
