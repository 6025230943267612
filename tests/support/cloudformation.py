"""Look up resources in templates. Tests share templates, so lookups return copies unless they say otherwise."""

from copy import deepcopy
from typing import Any

Template = dict[str, Any]
Properties = dict[str, Any]
# Templates by the names of their stacks.
Assembly = dict[str, Template]


def properties(template: Template, type: str) -> list[Properties]:
    """Return the properties of every resource of a type, in the order of the template."""
    resources = (resource for resource in template["Resources"].values() if resource["Type"] == type)
    return [deepcopy(resource.get("Properties", {})) for resource in resources]


def only(template: Template, type: str, **expected: object) -> Properties:
    """Return the properties of the only resource of a type that has the ``expected`` properties."""
    return deepcopy(editable(template, type, **expected))


def editable(template: Template, type: str, **expected: object) -> Properties:
    """Return the properties of the only such resource, not as a copy: changing them changes the template."""
    matches: list[Properties] = [
        resource.get("Properties", {}) for resource in template["Resources"].values() if resource["Type"] == type
    ]
    (match,) = (each for each in matches if all(each.get(key) == value for key, value in expected.items()))
    return match


def task_definition(template: Template, family: str = "red_node") -> Properties:
    """Return the properties of a task definition; changing them changes the template."""
    return editable(template, "AWS::ECS::TaskDefinition", Family=family)


def ecs_service(template: Template, name: str = "red-svc") -> Properties:
    """Return the properties of an ECS service; changing them changes the template."""
    return editable(template, "AWS::ECS::Service", ServiceName=name)


def container(task_definition: Properties, name: str) -> Properties:
    """Return a container of a task definition."""
    containers: list[Properties] = task_definition["ContainerDefinitions"]
    (match,) = (each for each in containers if each["Name"] == name)
    return match


def statements(template: Template, role: str) -> list[Properties]:
    """Return every statement of the policies of the role whose logical id begins with ``role``."""
    return [
        statement
        for policy in properties(template, "AWS::IAM::Policy")
        if policy["Roles"][0]["Ref"].startswith(role)
        for statement in policy["PolicyDocument"]["Statement"]
    ]
