"""ECS Exec that cannot reach Systems Manager.

The agent of ECS Exec runs in each container. It connects to the endpoint `ssmmessages` of the region with the
permissions of the task role (Amazon ECS Developer Guide, *Monitor Amazon ECS containers with ECS Exec*). An Envoy that
the traffic is redirected to lets these connections through, also with the egress filter `DROP_ALL`. The endpoint is
out of reach of tasks in a VPC that has interface endpoints in place of a NAT gateway, and none for `ssmmessages`.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule
from color_mesh.ecs.task_definitions import TaskDefinition

_ACTIONS = tuple(f"ssmmessages:{way}{channel}Channel" for way in ("Create", "Open") for channel in ("Control", "Data"))
# Tasks in a VPC with such an endpoint get their images through it.
_IMAGES = ".ecr.dkr"
_SESSIONS = ".ssmmessages"


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the services of the mesh with ECS Exec and without a permission or an endpoint for it."""
    declarations = facts.declarations
    for task in dict.fromkeys(place for place, _, _, _ in facts.envoys()):
        definition = declarations.task_definitions[task]
        for place, service in facts.services_of(task):
            if not service.execute_command:
                continue
            reason = _denial(facts, definition)
            if reason is not None:
                yield Fault(
                    subject=place,
                    property="EnableExecuteCommand",
                    text=f"ECS Exec is denied: {reason}",
                    fix="allow the task role these actions on all resources",
                )
            endpoints = declarations.vpc_endpoints.values()
            has_images = any(each.endswith(_IMAGES) for each in endpoints)
            has_sessions = any(each.endswith(_SESSIONS) for each in endpoints)
            if has_images and not has_sessions and not declarations.nat_gateways and not service.public:
                yield Fault(
                    subject=place,
                    property="EnableExecuteCommand",
                    text="ECS Exec has no way to Systems Manager: the VPC has endpoints and no NAT gateway, and none "
                    "of the endpoints is for ssmmessages",
                    fix="add an interface endpoint for com.amazonaws.REGION.ssmmessages",
                )


def _denial(facts: Facts, definition: TaskDefinition) -> str | None:
    """Return the reason why the task role denies ECS Exec; ``None`` if it does not, or if no template declares it."""
    if definition.task_role is None:
        return f"the task has no role, which must allow {', '.join(_ACTIONS)}"
    role = facts.declarations.roles.get(definition.task_role)
    denied = [each for each in _ACTIONS if role is not None and not role.allows(each, "*")]
    return f"role {role.name} does not allow {', '.join(denied)}" if role is not None and denied else None


RULE = rule("warning", check, __doc__)
