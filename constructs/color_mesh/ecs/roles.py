"""IAM roles, and the actions that their policies allow.

The rules are those of the AWS IAM User Guide, *Policy evaluation logic*: an action that no statement allows is denied,
and a statement that denies it wins.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from color_mesh.cloudformation import Attribute, Resource
from color_mesh.ecs.mesh_resources import MESH_RESOURCE_TYPES, MeshResource, mesh_resource
from color_mesh.ecs.patterns import matches
from color_mesh.ecs.policy_conditions import Condition, RequestContext, read_conditions
from color_mesh.ecs.reading import Reader, resource_key

# AWS managed policies for Envoys of App Mesh and for logs (AWS Managed Policy Reference), and the actions they allow.
_MANAGED = {
    "AWSAppMeshEnvoyAccess": ("appmesh:StreamAggregatedResources",),
    "AdministratorAccess": ("*",),
    "CloudWatchLogsFullAccess": ("logs:*",),
    "CloudWatchFullAccess": ("logs:*",),
    "AWSCloudMapDiscoverInstanceAccess": ("servicediscovery:DiscoverInstances*",),
    "AWSCloudMapReadOnlyAccess": tuple(f"servicediscovery:{name}" for name in ("Get*", "List*", "DiscoverInstances*")),
    "AWSCloudMapFullAccess": ("servicediscovery:*",),
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
        conditions: Conditions, all of which have to hold.
    """

    effect: str
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    except_actions: bool = False
    except_resources: bool = False
    conditions: tuple[Condition, ...] = ()

    def matches(self, action: str, *resource: str) -> bool:
        """Return whether the statement is about an action on a resource, which may have several names.

        Its conditions are not evaluated.
        """
        return (
            any(matches(each, action, ignore_case=True) for each in self.actions) is not self.except_actions
            and any(matches(each, name) for each in self.resources for name in resource) is not self.except_resources
        )

    def holds(self, context: RequestContext) -> bool | None:
        """Return whether its conditions hold for a request; ``None`` if that cannot be evaluated."""
        results = [each.holds(context) for each in self.conditions]
        return False if False in results else None if None in results else True


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Decision about a request.

    Attributes:
        denial: Reason of a denial; ``None`` if the request is allowed.
        assumptions: Parts of the policies that cannot be evaluated. Statements that allow are taken to hold, and
            those that deny are not.
    """

    denial: str | None = None
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """IAM role.

    Attributes:
        name: Logical id.
        statements: Statements of its policies.
        trusts_tasks: ECS tasks may assume it.
        known: The statements of all its policies are known.
        boundary: Statements of its permissions boundary. Default: none.
        boundary_known: The statements of its permissions boundary are known.
    """

    name: str
    statements: tuple[Statement, ...] = ()
    trusts_tasks: bool = False
    known: bool = True
    boundary: tuple[Statement, ...] | None = None
    boundary_known: bool = True

    def allows(self, action: str, resource: str) -> bool:
        """Return whether the role allows an action on a resource, given by its ARN or its key.

        A role with unknown policies allows every action that no known statement denies. Conditions are taken to hold.
        """
        effects = [each.effect for each in self.statements if each.matches(action, resource)]
        return "Deny" not in effects and (not self.known or "Allow" in effects)

    def decide(self, action: str, resource: Sequence[str], context: RequestContext) -> Decision:
        """Decide about a request.

        Args:
            action: The action, such as ``servicediscovery:DiscoverInstances``.
            resource: Names of the resource: its ARN, and its key.
            context: Values of the condition keys of the request.
        """
        policies = [("policy", self.statements, self.known)]
        if self.boundary is not None:
            policies.append(("permissions boundary", self.boundary, self.boundary_known))
        assumptions: list[str] = []
        for kind, statements_of_policy, known in policies:
            about = [each for each in statements_of_policy if each.matches(action, *resource)]
            allowing = [each for each in about if each.effect == "Allow"]
            denying = [each for each in about if each.effect == "Deny"]
            if any(each.holds(context) for each in denying):
                return Decision(denial=f"a statement of a {kind} denies it")
            if not any(each.holds(context) for each in allowing):
                uncertain = [each for each in allowing if each.holds(context) is None]
                if known and not uncertain:
                    return Decision(denial=f"no {kind} allows it")
                assumptions += () if known else ("policies that no template declares",)
                assumptions += _unevaluated(uncertain, context)
            assumptions += _unevaluated((each for each in denying if each.holds(context) is None), context)
        return Decision(assumptions=tuple(dict.fromkeys(assumptions)))


def _unevaluated(uncertain: Iterable[Statement], context: RequestContext) -> Iterator[str]:
    """Yield the conditions of statements that cannot be evaluated."""
    for statement in uncertain:
        yield from (f"condition {each}" for each in statement.conditions if each.holds(context) is None)


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
            conditions=read_conditions(each.get("Condition")),
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
    managed = [_managed_policy(each, reader) for each in _list(properties.get("ManagedPolicyArns"))]
    has_boundary = "PermissionsBoundary" in properties
    boundary = _managed_policy(properties["PermissionsBoundary"], reader) if has_boundary else None
    return Role(
        name=resource.logical_id,
        statements=(*attached, *own, *(each for policy in managed for each in policy or ())),
        trusts_tasks=_trusts_tasks(properties.get("AssumeRolePolicyDocument")),
        known=None not in managed,
        boundary=(boundary or ()) if has_boundary else None,
        boundary_known=not has_boundary or boundary is not None,
    )


def _managed_policy(arn: Any, reader: Reader) -> tuple[Statement, ...] | None:
    """Return the statements of a managed policy; ``None`` if they are unknown."""
    if isinstance(arn, Attribute):
        return statements(reader.properties(arn.resource).get("PolicyDocument"))
    actions = _MANAGED.get(str(arn).rsplit("/", 1)[-1])
    return None if actions is None else (Statement(effect="Allow", actions=actions, resources=("*",)),)


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


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
