"""Calls of Cloud Map by the Envoys of a mesh: their permissions."""

from collections.abc import Callable

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from color_mesh.cdk.synthesis import at_synthesis
from color_mesh.cdk.task import acknowledge
from color_mesh.envoy.aws.cloud_map import called_services
from color_mesh.envoy.typed import Json


def allow_discovery(task_definition: ecs.TaskDefinition, bootstrap: Callable[[], Json | None]) -> None:
    """Let the tasks of a task definition discover the services that their Envoy calls, known at synthesis only.

    Args:
        task_definition: The task definition.
        bootstrap: Returns the configuration of the Envoy; ``None`` if it cannot be compiled.
    """
    role = task_definition.task_role
    acknowledge(
        role,
        "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
        "servicediscovery:DiscoverInstances is allowed for the services that the Envoy calls, by the conditions "
        "servicediscovery:NamespaceName and servicediscovery:ServiceName. They hold whether or not the action takes "
        "resources other than '*'.",
    )
    at_synthesis(role, lambda: _allow(role, bootstrap() or {}))


def _allow(role: iam.IRole, bootstrap: Json) -> None:
    services: dict[str, dict[str, None]] = {}
    for namespace, service in called_services(bootstrap):
        services.setdefault(namespace, {})[service] = None
    for namespace, names in services.items():
        # Some versions of the Service Authorization Reference know the conditions only, and no resources.
        conditions = {
            "StringEquals": {
                "servicediscovery:NamespaceName": namespace,
                "servicediscovery:ServiceName": sorted(names),
            }
        }
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["servicediscovery:DiscoverInstances"], resources=["*"], conditions=conditions)
        )
