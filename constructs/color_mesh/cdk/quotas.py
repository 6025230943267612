"""Quotas of AWS that the Envoys of a mesh could exceed: of Cloud Map and of AWS Certificate Manager."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import jsii
from aws_cdk import Annotations, Token
from aws_cdk import aws_ecs as ecs
from constructs import Construct, IValidation

from color_mesh.cdk.ecs_service import service_resource
from color_mesh.envoy.aws.certificates import ACM, CertificateApi
from color_mesh.envoy.aws.cloud_map import called_services
from color_mesh.envoy.typed import Json
from color_mesh.model.errors import problem

# AWS Cloud Map Developer Guide, *AWS Cloud Map service quotas*: calls of DiscoverInstances a second in an account, and
# instances of a service. AWS increases the first on request.
_MAX_CALLS, _MAX_INSTANCES = 1000, 1000
# AWS Certificate Manager User Guide, *Quotas*, API rate quotas: calls of ExportCertificate a second in an account.
_MAX_EXPORTS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """ECS service whose Envoys call AWS.

    Attributes:
        subject: Beginning of messages, such as ``virtual node 'red'``.
        service: The ECS service.
        bootstrap: Returns the configuration of the Envoys; ``None`` if it cannot be compiled.
        certificates: Returns the APIs that the Envoys call for certificates, with the ARNs.
    """

    subject: str
    service: ecs.BaseService
    bootstrap: Callable[[], Json | None]
    certificates: Callable[[], Iterable[tuple[CertificateApi, str]]]

    @property
    def tasks(self) -> int:
        """Desired count of the service. 1: it is not known."""
        count = service_resource(self.service).desired_count
        return 1 if count is None or Token.is_unresolved(count) else int(count)


@jsii.implements(IValidation)
class Quotas:
    """Warnings at synthesis, if the tasks of a mesh would exceed quotas of AWS."""

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
        calls = exports = 0.0
        # Envoy waits for the interval, and for a random time that is as long at most. Until it has a certificate, it
        # asks ACM as often.
        seconds = 1.5 * self._refresh_seconds
        for caller in self.callers:
            tasks = caller.tasks
            calls += tasks * len(list(called_services(caller.bootstrap() or {}))) / seconds
            exports += tasks * len({arn for api, arn in caller.certificates() if api is ACM}) / seconds
            if 2 * tasks > _MAX_INSTANCES:
                fix = f"at most {_MAX_INSTANCES // 2}: a deployment doubles them, and a Cloud Map service has 1,000"
                yield "color-mesh:tasks-of-a-node", problem(caller.subject, "too many tasks for Cloud Map", tasks, fix)
        if calls > _MAX_CALLS:
            wrong = "Envoys exceed the account's quota of calls of DiscoverInstances"
            fix = f"at most {_MAX_CALLS} a second: a longer refresh_interval, or a higher quota"
            yield "color-mesh:discover-instances", problem(self._subject, wrong, f"{calls:.0f} a second", fix)
        if exports > _MAX_EXPORTS:
            wrong = "Envoys exceed the account's quota of calls of ExportCertificate when all tasks start"
            fix = f"at most {_MAX_EXPORTS} a second: a longer refresh_interval, or a higher quota"
            yield "color-mesh:export-certificate", problem(self._subject, wrong, f"{exports:.1f} a second", fix)
