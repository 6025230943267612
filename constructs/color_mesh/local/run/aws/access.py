"""Authentication and authorization of the calls of tasks."""

import time
from collections.abc import Callable

from color_mesh.ecs.roles import Decision, Role
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.credentials import Credentials, CredentialStore
from color_mesh.local.run.aws.http_server import HttpRequest
from color_mesh.local.run.aws.signature import verify


class AccessControl:
    """Access control of the APIs that tasks call.

    Args:
        credentials: Credentials of the tasks.
        role_of: Returns the role of a task.
        report: Called with the id of a task, and with a message about a call that is denied, fails, or is allowed
            because a policy cannot be evaluated.

    Attributes:
        report: See the argument.
    """

    def __init__(
        self,
        credentials: CredentialStore,
        role_of: Callable[[str], Role],
        report: Callable[[str, str], None],
    ) -> None:
        self._credentials = credentials
        self._role_of = role_of
        self.report = report

    def authenticate(self, request: HttpRequest, region: str, service: str, action: str) -> Credentials:
        """Verify the signature of a request, and return the credentials with which it is signed.

        Args:
            request: The request.
            region: Region of the API.
            service: Signing name of the API.
            action: The action, such as ``servicediscovery:DiscoverInstances``.

        Raises:
            ApiError: With the error that AWS answers.
        """
        try:
            return verify(request, region, service, self._credentials.look_up, time.time())
        except ApiError as error:
            task = self._credentials.task_at(request.client)
            if task is not None:
                self.report(task, f"{action}: {error}")
            raise

    def authorize(self, credentials: Credentials, decide: Callable[[Role], Decision]) -> None:
        """Raise an error unless the role of a task allows a call.

        Args:
            credentials: Credentials of the task.
            decide: Returns the decision about the call by a role.

        Raises:
            ApiError: If the call is denied.
        """
        role = self._role_of(credentials.task)
        decision = decide(role)
        for each in decision.assumptions:
            self.report(credentials.task, f"role {role.name}: cannot evaluate {each}; calls are allowed")
        if decision.denial is not None:
            self.report(credentials.task, decision.denial)
            raise ApiError(403, "AccessDeniedException", decision.denial)
