"""Validation at synthesis that no other resource of the app has the physical name of one of a mesh."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from aws_cdk import CfnResource, Stack, Token
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import IConstruct

from color_mesh.model.errors import problem

# Kind of a name, what it is unique in, and the name.
_Name: TypeAlias = tuple[str, str, str]


def check_names(
    constructs: Iterable[IConstruct], namespace_id: str, is_of_mesh: Callable[[CfnResource], bool]
) -> Iterator[str]:
    """Validate the names of the Cloud Map services in the namespace of a mesh, and of the ECS services of its tasks.

    Args:
        constructs: All constructs of the app.
        namespace_id: Id of the namespace, which may be a token.
        is_of_mesh: Returns whether an ECS service is one of the mesh.
    """
    resources: dict[tuple[str, _Name], list[CfnResource]] = {}
    for each in constructs:
        key = _name(each)
        if key is not None:
            assert isinstance(each, CfnResource)
            resources.setdefault((Stack.of(each).environment, key), []).append(each)
    for (_, (kind, scope, name)), same in resources.items():
        if len(same) > 1 and (scope == namespace_id or any(map(is_of_mesh, same))):
            paths = " and ".join(each.node.path for each in same)
            argument = "cloud_map_name" if kind == "Cloud Map service" else "service_name"
            # AWS CloudFormation User Guide, *Update behaviors of stack resources*: creation comes before deletion.
            fix = f"another {argument}; for a move one of them, in a stack that add_dependency deploys after the other"
            yield problem(f"{kind} {name!r}", "two resources of the app have this name", paths, fix)


def _name(resource: IConstruct) -> _Name | None:
    """Return the name of a resource, if the app gives it one. CloudFormation generates names that are unique."""
    match resource:
        case servicediscovery.CfnService(namespace_id=str(namespace), name=str(name)):
            # Cloud Map API Reference, CreateService: names may not differ by case only.
            found = ("Cloud Map service", namespace, name.lower())
        case ecs.CfnService(cluster=str(cluster), service_name=str(name)):
            found = ("ECS service", cluster, name)
        case _:
            return None
    return None if Token.is_unresolved(found[2]) else found
