"""The OTLP endpoints of AWS X-Ray and Amazon CloudWatch (Amazon CloudWatch User Guide, *OTLP Endpoints*)."""

import re
import time
from collections.abc import Callable

from color_mesh.ecs.roles import Role
from color_mesh.local.plan.cloud_map_authorization import global_context
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.credentials import Credentials, CredentialStore
from color_mesh.local.run.aws.http_server import HttpRequest, HttpResponse
from color_mesh.local.run.aws.signature import verify
from color_mesh.local.run.aws.telemetry import TelemetryStore

_HOST = re.compile(r"(xray|monitoring)\.([a-z0-9-]+)\.amazonaws\.com(:443)?")
# By signing name: the path of the endpoint, and the permission that it takes.
_ENDPOINTS = {
    "xray": ("/v1/traces", "xray:PutTraceSegments"),
    "monitoring": ("/v1/metrics", "cloudwatch:PutMetricData"),
}


def telemetry_hosts(regions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the host names of the endpoints."""
    return tuple(f"{service}.{region}.amazonaws.com" for region in regions for service in _ENDPOINTS)


class TelemetryApi:
    """The OTLP endpoints.

    Args:
        store: Spans and metrics of the run.
        credentials: Credentials of the tasks.
        role_of: Returns the role of a task.
        on_denial: Called with the id of a task and the reason why a call of it is denied or fails.
        on_assumption: Called with the id of a task and what of its role's policies cannot be evaluated.
    """

    def __init__(
        self,
        store: TelemetryStore,
        credentials: CredentialStore,
        role_of: Callable[[str], Role],
        on_denial: Callable[[str, str], None],
        on_assumption: Callable[[str, str], None],
    ) -> None:
        self._receive = {"xray": store.receive_traces, "monitoring": store.receive_metrics}
        self._credentials = credentials
        self._role_of = role_of
        self._on_denial = on_denial
        self._on_assumption = on_assumption

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Return the response to a request, whose body is empty: all is accepted."""
        host = _HOST.fullmatch(request.header("host") or "")
        if host is None:
            return HttpResponse(status=404, body=b"no endpoint has the name of the header Host")
        service, region = host[1], host[2]
        path, action = _ENDPOINTS[service]
        try:
            credentials = self._verified(request, region, service, action)
            if request.method != "POST" or request.target != path:
                raise ApiError(404, "UnknownOperationException", f"only POST {path} is emulated")
            self._authorize(credentials, region, action)
            self._receive[service](request.body)
        except ApiError as error:
            return HttpResponse(status=error.status, body=str(error).encode())
        except ValueError as error:
            return HttpResponse(status=400, body=f"the body is no OTLP request: {error}".encode())
        return HttpResponse(status=200, headers={"content-type": "application/x-protobuf"})

    def _verified(self, request: HttpRequest, region: str, service: str, action: str) -> Credentials:
        try:
            return verify(request, region, service, self._credentials.look_up, time.time())
        except ApiError as error:
            task = self._credentials.task_at(request.client)
            if task is not None:
                self._on_denial(task, f"{action}: {error}")
            raise

    def _authorize(self, credentials: Credentials, region: str, action: str) -> None:
        role = self._role_of(credentials.task)
        decision = role.decide(action, ("*",), global_context(region))
        for each in decision.assumptions:
            self._on_assumption(credentials.task, f"role {role.name}: cannot evaluate {each}; calls are allowed")
        if decision.denial is not None:
            denial = f"{action} on *: {decision.denial}, got role {role.name} (allow {action} on *)"
            self._on_denial(credentials.task, denial)
            raise ApiError(403, "AccessDeniedException", denial)
