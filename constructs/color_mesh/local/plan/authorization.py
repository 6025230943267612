"""Authorization of calls of AWS APIs by the roles of tasks."""

from collections.abc import Sequence

from color_mesh.ecs.policy_conditions import RequestContext
from color_mesh.ecs.roles import Decision, Role
from color_mesh.local.plan.assembly import ACCOUNT


def authorize_resource(
    role: Role,
    action: str,
    resource: Sequence[str],
    region: str,
    context: RequestContext | None = None,
) -> Decision:
    """Decide whether a role allows a call about one resource.

    A denial is a message with the action, the resource and the missing permission.

    Args:
        role: Role of the task.
        action: Action, such as ``acm:ExportCertificate``.
        resource: ARNs of the resource; ``*`` if the action is about none.
        region: Region of the API.
        context: Condition keys of the action. Default: none.
    """
    decision = role.decide(action, resource, {**global_context(region), **(context or {})})
    if decision.denial is None:
        return decision
    fix = f"allow {action} on {resource[0]}"
    return Decision(denial=f"{action} on {resource[0]}: {decision.denial}, got role {role.name} ({fix})")


def global_context(region: str) -> RequestContext:
    """Return the global condition keys of a call (IAM User Guide, *AWS global condition context keys*)."""
    return {
        "aws:requestedregion": region,
        "aws:securetransport": "true",
        "aws:principaltype": "AssumedRole",
        "aws:principalaccount": ACCOUNT,
        "aws:resourceaccount": ACCOUNT,
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
        "aws:multifactorauthpresent": None,
        "aws:calledvia": None,
        "aws:username": None,
    }
