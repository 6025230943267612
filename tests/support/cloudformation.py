"""Find things in templates: copies, for the templates are shared by tests."""

from copy import deepcopy
from typing import Any

Template = dict[str, Any]
Properties = dict[str, Any]


def properties(template: Template, type: str) -> list[Properties]:
    """The properties of every resource of a type, in the template's order."""
    resources = (resource for resource in template["Resources"].values() if resource["Type"] == type)
    return [deepcopy(resource.get("Properties", {})) for resource in resources]


def only(template: Template, type: str, **wanted: object) -> Properties:
    """The properties of the one resource of a type that has the ``wanted`` ones."""
    (found,) = (
        found for found in properties(template, type) if all(found.get(key) == value for key, value in wanted.items())
    )
    return found


def container(task_definition: Properties, name: str) -> Properties:
    """A container of a task definition."""
    containers: list[Properties] = task_definition["ContainerDefinitions"]
    (found,) = (found for found in containers if found["Name"] == name)
    return found


def statements(template: Template, role: str) -> list[Properties]:
    """Every statement of the policies of the role whose logical id begins with ``role``."""
    return [
        statement
        for policy in properties(template, "AWS::IAM::Policy")
        if policy["Roles"][0]["Ref"].startswith(role)
        for statement in policy["PolicyDocument"]["Statement"]
    ]
