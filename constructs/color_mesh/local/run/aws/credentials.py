"""Credentials of tasks, and the endpoint from which a task gets its own.

Amazon ECS Developer Guide, *Task IAM role*: the endpoint is 169.254.170.2, at a path that only the containers of the
task know, in the variable ``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI``.
"""

import json
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from color_mesh.local.run.aws.http_server import HttpRequest
from color_mesh.local.run.http_connection import HttpResponse

# ECS gives credentials for six hours, and new ones before these expire.
LIFETIME_SECONDS = 6 * 3600
_RENEWED_BEFORE_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Temporary credentials of a task.

    Attributes:
        task: Id of the task.
        access_key_id: Access key id.
        secret_access_key: Secret access key.
        token: Session token.
        expires: Time at which they expire, in seconds since 1970.
    """

    task: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    token: str = field(repr=False)
    expires: float


@dataclass(slots=True)
class _Task:
    path: str
    role: str
    address: Callable[[], IPv4Address | None]
    issued: list[Credentials] = field(default_factory=list)


class CredentialStore:
    """Credentials of the tasks of a run.

    Args:
        clock: Returns the time in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._tasks: dict[str, _Task] = {}

    def add(self, task: str, role: str, address: Callable[[], IPv4Address | None]) -> str:
        """Add a task, and return the path of its credentials.

        Args:
            task: Id of the task.
            role: ARN of its role.
            address: Returns its address; ``None`` before it has one.
        """
        path = f"/v2/credentials/{uuid.uuid4()}"
        self._tasks[task] = _Task(path, role, address)
        return path

    def remove(self, task: str) -> None:
        """Remove a task. Its credentials are invalid from then on."""
        self._tasks.pop(task, None)

    def look_up(self, access_key_id: str) -> Credentials | None:
        """Return the credentials with an access key id."""
        issued = (each for task in self._tasks.values() for each in task.issued)
        return next((each for each in issued if each.access_key_id == access_key_id), None)

    def task_at(self, address: IPv4Address) -> str | None:
        """Return the id of the task with an address; ``None`` if there is none with a role."""
        return next((name for name, task in self._tasks.items() if task.address() == address), None)

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Return the credentials of the task that sends a request."""
        for name, task in self._tasks.items():
            # The path is secret, but a program may send it to another task.
            if secrets.compare_digest(task.path.encode(), request.target.encode()) and request.client == task.address():
                return _json(200, _document(task.role, self._current(name, task)))
        return _json(
            404, {"code": "NoIdInRequest", "message": "no task with this address has credentials at this path"}
        )

    def _current(self, name: str, task: _Task) -> Credentials:
        now = self._clock()
        if not task.issued or task.issued[-1].expires - now < _RENEWED_BEFORE_SECONDS:
            credentials = Credentials(
                task=name,
                access_key_id=f"ASIA{secrets.token_hex(8).upper()}",
                secret_access_key=secrets.token_urlsafe(30),
                token=secrets.token_urlsafe(200),
                expires=now + LIFETIME_SECONDS,
            )
            # Requests that were signed with the credentials before are still on their way.
            task.issued = [*task.issued[-1:], credentials]
        return task.issued[-1]


def _document(role: str, credentials: Credentials) -> dict[str, str]:
    return {
        "RoleArn": role,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "Token": credentials.token,
        "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(credentials.expires)),
    }


def _json(status: int, document: dict[str, str]) -> HttpResponse:
    return HttpResponse(status=status, headers={"content-type": "application/json"}, body=json.dumps(document).encode())
