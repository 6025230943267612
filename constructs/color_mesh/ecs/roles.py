"""What roles may do: IAM policies of the templates, as far as these decide what runs.

The rules are those of the AWS IAM User Guide, *Policy evaluation logic*: what no statement allows is denied, and a
statement that denies wins. Statements with conditions are taken to hold.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from color_mesh.cloudformation import Attribute, Resource, Templates
from color_mesh.ecs.reading import MESH_RESOURCES, Reader, key, mesh_resource
from color_mesh.model import MeshError

_ALL = {"Effect": "Allow", "Resource": "*"}
# The policies of AWS that matter here (AWS Managed Policy Reference).
_MANAGED = {
    "AWSAppMeshEnvoyAccess": ("appmesh:StreamAggregatedResources",),
    "AdministratorAccess": ("*",),
    "CloudWatchLogsFullAccess": ("logs:*",),
    "CloudWatchFullAccess": ("logs:*",),
    "AmazonECSTaskExecutionRolePolicy": ("logs:CreateLogStream", "logs:PutLogEvents", "ecr:*"),
}


@dataclass(frozen=True, slots=True)
class Role:
    """Define a role.

    Attributes:
        name: What it is called in messages.
        statements: Of its policies.
        trusts_tasks: Whether ECS tasks may take it on.
        known: Whether all of its policies are at hand.
    """

    name: str
    statements: tuple[Mapping[str, Any], ...]
    trusts_tasks: bool
    known: bool = True

    def allows(self, action: str, resource: str) -> bool:
        """Tell whether the role may do something with a resource, by its ARN or by what tells it from others.

        A role with policies that are not at hand may.
        """
        matching = [each for each in self.statements if _matches(each, action, resource)]
        if any(each.get("Effect") == "Deny" for each in matching):
            return False
        return not self.known or any(each.get("Effect") == "Allow" for each in matching)


def read_roles(templates: Templates, reader: Reader) -> dict[str, Role]:
    """Read the roles that templates declare."""
    attached: dict[str, list[Mapping[str, Any]]] = {}
    for resource in templates.resources("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        properties = _properties(resource, reader)
        for role in _list(properties.get("Roles")):
            attached.setdefault(key(role) or "", []).extend(_statements(properties.get("PolicyDocument")))
    return {
        resource.place: _role(resource, _properties(resource, reader), attached.get(resource.place, []))
        for resource in templates.resources("AWS::IAM::Role")
    }


def _properties(resource: Resource, reader: Reader) -> dict[str, Any]:
    try:
        return resource.properties()
    except MeshError as error:
        reader.problems += error.problems
        return {}


def _role(resource: Resource, properties: Mapping[str, Any], attached: list[Mapping[str, Any]]) -> Role:
    statements = list(attached)
    for policy in _list(properties.get("Policies")):
        statements += _statements(policy.get("PolicyDocument") if isinstance(policy, dict) else None)
    known = True
    for arn in _list(properties.get("ManagedPolicyArns")):
        if isinstance(arn, Attribute):
            statements += _statements(arn.resource.property("PolicyDocument"))
        else:
            name = str(arn).rsplit("/", 1)[-1]
            known = known and name in _MANAGED
            statements += [{**_ALL, "Action": action} for action in _MANAGED.get(name, ())]
    trust = _statements(properties.get("AssumeRolePolicyDocument"))
    return Role(resource.logical_id, tuple(statements), any(_trusts_tasks(each) for each in trust), known)


def _statements(document: Any) -> list[Mapping[str, Any]]:
    statements = document.get("Statement", []) if isinstance(document, dict) else []
    return [
        {
            name: [_text(value) for value in _list(values)] if name.endswith("Resource") else values
            for name, values in each.items()
        }
        for each in _list(statements)
        if isinstance(each, dict)
    ]


def _text(resource: Any) -> str:
    """Write what a statement is about: the ARN of a reference stands for what it refers to."""
    if isinstance(resource, Attribute) and resource.resource.type in MESH_RESOURCES:
        return f"arn:*:{mesh_resource(resource)}"
    return key(resource) or str(resource)


def _trusts_tasks(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = _list(principal.get("Service")) if isinstance(principal, dict) else []
    return statement.get("Effect") == "Allow" and "ecs-tasks.amazonaws.com" in services


def _matches(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    if "NotAction" in statement:
        acts = not any(_like(each, action) for each in _list(statement["NotAction"]))
    else:
        acts = any(_like(each, action) for each in _list(statement.get("Action")))
    if "NotResource" in statement:
        return acts and not any(_like(each, resource) for each in _list(statement["NotResource"]))
    return acts and any(_like(each, resource) for each in _list(statement.get("Resource")))


def _like(pattern: Any, text: str) -> bool:
    """Compare as IAM does: without regard to case in actions, ``*`` for any characters, ``?`` for one.

    Accounts and regions of ARNs are not compared: the templates may leave them open.
    """
    wanted = re.escape(_anywhere(str(pattern))).replace(r"\*", ".*").replace(r"\?", ".")
    flags = 0 if text.startswith("arn:") else re.IGNORECASE
    return re.fullmatch(wanted, _anywhere(text), flags | re.DOTALL) is not None


def _anywhere(text: str) -> str:
    fields = text.split(":", 5)
    return ":".join((*fields[:3], "", "", fields[5])) if len(fields) == 6 and fields[0] == "arn" else text


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
