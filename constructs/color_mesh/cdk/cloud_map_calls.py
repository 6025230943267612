"""Calls of Cloud Map by the Envoys of a mesh: their permissions and their number."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import jsii
from aws_cdk import Annotations, IAspect, Token
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct, IValidation

from color_mesh.cdk.task import acknowledge, service_resource
from color_mesh.envoy.aws.cloud_map import called_services
from color_mesh.envoy.typed import Json
from color_mesh.model.errors import problem

# AWS Cloud Map Developer Guide, *AWS Cloud Map service quotas*: calls of DiscoverInstances a second in an account, and
# instances of a service. AWS increases the first on request.
_MAX_CALLS, _MAX_INSTANCES = 1000, 1000


@jsii.implements(IAspect)
class DiscoverPermission:
    """Permission of a task role to discover the services that its Envoy calls, known at synthesis only."""

    def __init__(self, role: iam.IRole, bootstrap: Callable[[], Json | None]) -> None:
        """Give a role the permission at synthesis.

        Args:
            role: The task role.
            bootstrap: Returns the configuration of the Envoy; ``None`` if it cannot be compiled.
        """
        self._role = role
        self._bootstrap = bootstrap

    def visit(self, node: IConstruct) -> None:
        """Add the statements when the role itself is visited."""
        if node.node.path != self._role.node.path:
            return
        services: dict[str, dict[str, None]] = {}
        for namespace, service in called_services(self._bootstrap() or {}):
            services.setdefault(namespace, {})[service] = None
        for namespace, names in services.items():
            # Some versions of the Service Authorization Reference know the conditions only, and no resources.
            conditions = {
                "StringEquals": {
                    "servicediscovery:NamespaceName": namespace,
                    "servicediscovery:ServiceName": sorted(names),
                }
            }
            self._role.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=["servicediscovery:DiscoverInstances"], resources=["*"], conditions=conditions
                )
            )


def allow_discovery(task_definition: ecs.TaskDefinition, bootstrap: Callable[[], Json | None]) -> DiscoverPermission:
    """Allow the tasks of a task definition to discover the services that their Envoy calls, and return the aspect."""
    acknowledge(
        task_definition.task_role,
        "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
        "servicediscovery:DiscoverInstances is allowed for the services that the Envoy calls, by the conditions "
        "servicediscovery:NamespaceName and servicediscovery:ServiceName. They hold whether or not the action takes "
        "resources other than '*'.",
    )
    return DiscoverPermission(task_definition.task_role, bootstrap)


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
