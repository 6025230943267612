"""Envoy that App Mesh denies its configuration.

Envoy asked App Mesh for its configuration with the credentials of the task role. The role has to trust
`ecs-tasks.amazonaws.com` and to allow `appmesh:StreamAggregatedResources` on the node or gateway, as the managed
policy `AWSAppMeshEnvoyAccess` does. Otherwise Envoy waits, and with it all containers that depend on it.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import ACCOUNT, REGION, Facts
from color_mesh.analysis.rule import Fault, rule
from color_mesh.ecs.roles import denial


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the task definitions whose role does not allow it."""
    roles = facts.declarations.roles
    for place, definition, _, resource in facts.envoys():
        if definition.task_role is not None and definition.task_role not in roles:
            continue  # No template declares the role, so its permissions are unknown.
        on_fargate = any(service.launch_type == "FARGATE" for _, service in facts.services_of(place))
        if definition.task_role is None and not on_fargate:
            continue  # On EC2, containers may use the role of the instance.
        reason = denial(roles.get(definition.task_role or ""), resource, REGION, ACCOUNT)
        if reason is not None:
            yield Fault(
                subject=place,
                property="TaskRoleArn",
                text=f"App Mesh denies Envoy its configuration: {reason}",
                fix="attach the managed policy AWSAppMeshEnvoyAccess to a task role",
            )


RULE = rule("error", check, __doc__)
