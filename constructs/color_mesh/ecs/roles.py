"""IAM roles, and the actions that their policies allow.

The rules are those of the AWS IAM User Guide, *Policy evaluation logic*: an action that no statement allows is denied,
and a statement that denies it wins. The conditions of statements are assumed to hold.
"""

import re
from dataclasses import dataclass
from typing import Any

from color_mesh.cloudformation import Attribute, Resource
from color_mesh.ecs.mesh_resources import MESH_RESOURCE_TYPES, MeshResource, mesh_resource
from color_mesh.ecs.reading import Reader, resource_key

MAX_ARN_LENGTH = 2048  # IAM API Reference, arnType.
# AWS managed policies for Envoys of App Mesh and for logs (AWS Managed Policy Reference), and the actions they allow.
_MANAGED = {
    "AWSAppMeshEnvoyAccess": ("appmesh:StreamAggregatedResources",),
    "AdministratorAccess": ("*",),
    "CloudWatchLogsFullAccess": ("logs:*",),
    "CloudWatchFullAccess": ("logs:*",),
    "AmazonECSTaskExecutionRolePolicy": ("logs:CreateLogStream", "logs:PutLogEvents", "ecr:*"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """Statement of a policy.

    Attributes:
        effect: ``Allow`` or ``Deny``.
        actions: Patterns of actions; with ``NotAction``, of those that the statement is not about.
        resources: Patterns of ARNs; with ``NotResource``, of those that the statement is not about.
        except_actions: The statement has ``NotAction``.
        except_resources: The statement has ``NotResource``.
    """

    effect: str
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    except_actions: bool = False
    except_resources: bool = False

    def matches(self, action: str, resource: str) -> bool:
        """Return whether the statement is about an action on a resource."""
        return (
            any(_matches(each, action) for each in self.actions) is not self.except_actions
            and any(_matches(each, resource) for each in self.resources) is not self.except_resources
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """IAM role.

    Attributes:
        name: Logical id.
        statements: Statements of its policies.
        trusts_tasks: ECS tasks may assume it.
        known: The statements of all its policies are known.
    """

    name: str
    statements: tuple[Statement, ...] = ()
    trusts_tasks: bool = False
    known: bool = True

    def allows(self, action: str, resource: str) -> bool:
        """Return whether the role allows an action on a resource, given by its ARN or its key.

        A role with unknown policies allows every action that no known statement denies.
        """
        effects = [each.effect for each in self.statements if each.matches(action, resource)]
        return "Deny" not in effects and (not self.known or "Allow" in effects)


def denial(role: Role | None, resource: MeshResource, region: str, account: str) -> str | None:
    """Return the reason why App Mesh denies an Envoy with this task role the configuration of a node or gateway."""
    action = "appmesh:StreamAggregatedResources"
    if role is None:
        return f"the task has no role, which must allow {action} on {resource}"
    if not role.trusts_tasks:
        return f"role {role.name} does not trust ecs-tasks.amazonaws.com"
    arn = f"arn:aws:appmesh:{region}:{account}:{resource}"
    return None if role.allows(action, arn) else f"role {role.name} does not allow {action} on {resource}"


def read_roles(reader: Reader) -> dict[str, Role]:
    """Read the roles, by place."""
    attached: dict[str, list[Statement]] = {}
    for resource in reader.resources("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        properties = reader.properties(resource)
        for role in _list(properties.get("Roles")):
            attached.setdefault(resource_key(role) or "", []).extend(statements(properties.get("PolicyDocument")))
    return {
        resource.place: _role(resource, reader, attached.get(resource.place, []))
        for resource in reader.resources("AWS::IAM::Role")
    }


def statements(document: Any) -> tuple[Statement, ...]:
    """Return the statements of a policy document."""
    declared = document.get("Statement") if isinstance(document, dict) else None
    return tuple(
        Statement(
            effect=str(each.get("Effect")),
            actions=tuple(map(str, _list(each.get("NotAction", each.get("Action"))))),
            resources=tuple(map(_resource_text, _list(each.get("NotResource", each.get("Resource"))))),
            except_actions="NotAction" in each,
            except_resources="NotResource" in each,
        )
        for each in _list(declared)
        if isinstance(each, dict)
    )


def _role(resource: Resource, reader: Reader, attached: list[Statement]) -> Role:
    properties = reader.properties(resource)
    policies = [
        policy.get("PolicyDocument") for policy in _list(properties.get("Policies")) if isinstance(policy, dict)
    ]
    own = [each for document in policies for each in statements(document)]
    known = True
    for arn in _list(properties.get("ManagedPolicyArns")):
        if isinstance(arn, Attribute):
            own += statements(reader.properties(arn.resource).get("PolicyDocument"))
        else:
            name = str(arn).rsplit("/", 1)[-1]
            known = known and name in _MANAGED
            own.append(Statement(effect="Allow", actions=_MANAGED.get(name, ()), resources=("*",)))
    return Role(
        name=resource.logical_id,
        statements=(*attached, *own),
        trusts_tasks=_trusts_tasks(properties.get("AssumeRolePolicyDocument")),
        known=known,
    )


def _trusts_tasks(document: Any) -> bool:
    """Return whether a trust policy lets ECS tasks assume its role."""
    for statement in _list(document.get("Statement")) if isinstance(document, dict) else ():
        if not isinstance(statement, dict):
            continue
        principal = statement.get("Principal")
        services = _list(principal.get("Service")) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and "ecs-tasks.amazonaws.com" in services:
            return True
    return False


def _resource_text(resource: Any) -> str:
    """Return the resource of a statement as text: an ARN, or the key of a resource that it refers to."""
    if isinstance(resource, Attribute) and resource.resource.type in MESH_RESOURCE_TYPES:
        return f"arn:*:{mesh_resource(resource)}"
    return resource_key(resource) or str(resource)


def _matches(pattern: str, text: str) -> bool:
    """Return whether text matches an IAM pattern: ``*`` is any characters, ``?`` is one. Actions ignore case.

    Accounts and regions of ARNs are not compared: the templates may leave them open.
    """
    if max(len(pattern), len(text)) > MAX_ARN_LENGTH:
        return False
    flags = re.DOTALL if text.startswith("arn:") else re.DOTALL | re.IGNORECASE
    first, *others = (
        re.compile(re.escape(part).replace(r"\?", "."), flags) for part in _without_account(pattern).split("*")
    )
    text = _without_account(text)
    if not others:
        return first.fullmatch(text) is not None
    # Each part matches as early as it can. One expression with several wildcards would backtrack.
    match = first.match(text)
    for part in others[:-1]:
        match = match and part.search(text, match.end())
    length = len(_without_account(pattern).rsplit("*", 1)[1])
    return match is not None and others[-1].fullmatch(text, max(match.end(), len(text) - length)) is not None


def _without_account(text: str) -> str:
    fields = text.split(":", 5)
    return ":".join((*fields[:3], "", "", fields[5])) if len(fields) == 6 and fields[0] == "arn" else text


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
