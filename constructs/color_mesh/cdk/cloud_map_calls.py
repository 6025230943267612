"""Calls of Cloud Map by the Envoys of a mesh: their permissions and their number."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import jsii
from aws_cdk import Annotations, Token
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct, IValidation

from color_mesh.cdk.synthesis import at_synthesis
from color_mesh.cdk.task import acknowledge, service_resource
from color_mesh.envoy.aws.cloud_map import called_services
from color_mesh.envoy.typed import Json
from color_mesh.model.errors import problem

# AWS Cloud Map Developer Guide, *AWS Cloud Map service quotas*: calls of DiscoverInstances a second in an account, and
# instances of a service. AWS increases the first on request.
_MAX_CALLS, _MAX_INSTANCES = 1000, 1000


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """ECS service whose Envoys call Cloud Map.

    Attributes:
        subject: Beginning of messages, such as ``virtual node 'red'``.
        service: The ECS service.
        bootstrap: Returns the configuration of the Envoys; ``None`` if it cannot be compiled.
    """

    subject: str
    service: ecs.BaseService
    bootstrap: Callable[[], Json | None]


@jsii.implements(IValidation)
class CloudMapQuotas:
    """Warnings at synthesis, if the tasks of a mesh would exceed quotas of Cloud Map."""

    def __init__(self, scope: Construct, subject: str, refresh_seconds: int) -> None:
        """Warn at a construct.

        Args:
            scope: Construct of the mesh.
            subject: Beginning of messages, such as ``mesh 'colors'``.
            refresh_seconds: Refresh interval of the mesh.
        """
        self.callers: list[Caller] = []
        self._scope = scope
        self._subject = subject
        self._refresh_seconds = refresh_seconds

    def validate(self) -> list[str]:
        """Add the warnings, which are no errors."""
        for id, warning in self._warnings():
            Annotations.of(self._scope).add_warning_v2(id, warning)
        return []

    def _warnings(self) -> Iterator[tuple[str, str]]:
        calls = 0.0
        for caller in self.callers:
            tasks = _desired_count(caller.service)
            # Envoy waits for the interval, and for a random time that is as long at most.
            calls += tasks * len(list(called_services(caller.bootstrap() or {}))) / (1.5 * self._refresh_seconds)
            if 2 * tasks > _MAX_INSTANCES:
                fix = f"at most {_MAX_INSTANCES // 2}: a deployment doubles them, and a Cloud Map service has 1,000"
                yield "color-mesh:tasks-of-a-node", problem(caller.subject, "too many tasks for Cloud Map", tasks, fix)
        if calls > _MAX_CALLS:
            wrong = "Envoys exceed the account's quota of calls of DiscoverInstances"
            fix = f"at most {_MAX_CALLS} a second: a longer refresh_interval, or a higher quota"
            yield "color-mesh:discover-instances", problem(self._subject, wrong, f"{calls:.0f} a second", fix)


def _desired_count(service: ecs.BaseService) -> int:
    count = service_resource(service).desired_count
    return 1 if count is None or Token.is_unresolved(count) else int(count)
