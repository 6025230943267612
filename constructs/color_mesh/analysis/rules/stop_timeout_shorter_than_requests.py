"""Tasks that stop before their requests may end.

When ECS stops a task, each container gets SIGTERM, and SIGKILL after its stop timeout, 30 seconds by default. The
Envoy of App Mesh closes its connections after `LISTENER_DRAIN_WAIT_TIME_S`, 20 seconds by default. Requests that take
longer fail at every deployment. Fargate allows a stop timeout of up to 120 seconds.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import seconds
from color_mesh.ecs.containers import Container
from color_mesh.model import VirtualNode
from color_mesh.model.checks import is_number

DRAIN_VARIABLE = "LISTENER_DRAIN_WAIT_TIME_S"
_DRAIN_SECONDS = 20  # aws/amazon-ecs-service-connect-agent, README


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the containers of nodes with a longer request timeout than their own stop timeout."""
    for node in facts.mesh.nodes:
        longest = _longest_request(node)
        for place, definition, envoy in facts.tasks_of(node):
            for index, container in enumerate(definition.containers):
                limit = container.stop_seconds if container is not envoy else _envoy_seconds(envoy)
                if longest > limit * 1000:
                    yield Fault(
                        subject=place,
                        property=f"ContainerDefinitions[{index}].StopTimeout",
                        text=f"container {container.name!r} ends {limit} s after the task is stopped, but requests of "
                        f"{subject_of(node)} may take {seconds(longest)}",
                        fix="raise the stop timeout"
                        + (f" and {DRAIN_VARIABLE}" if container is envoy else "")
                        + ", or shorten the requests",
                    )


def _longest_request(node: VirtualNode) -> int:
    """Return the longest request timeout that a listener declares, in milliseconds."""
    declared = [each.timeout.per_request_millis for each in node.listeners if each.timeout is not None]
    return max((millis for millis in declared if millis is not None), default=0)


def _envoy_seconds(envoy: Container) -> int:
    drain = envoy.environment.get(DRAIN_VARIABLE)
    wait = int(drain) if isinstance(drain, str) and is_number(drain) else _DRAIN_SECONDS
    return min(wait, envoy.stop_seconds)


RULE = rule("warning", check, __doc__)
