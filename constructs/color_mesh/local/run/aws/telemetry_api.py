"""The OTLP endpoints of AWS X-Ray and Amazon CloudWatch (Amazon CloudWatch User Guide, *OTLP Endpoints*)."""

import re

from color_mesh.local.plan.authorization import authorize_resource
from color_mesh.local.run.aws.access import AccessControl
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.http_server import HttpRequest
from color_mesh.local.run.aws.telemetry import TelemetryStore
from color_mesh.local.run.http_connection import HttpResponse

_HOST = re.compile(r"(xray|monitoring)\.([a-z0-9-]+)\.amazonaws\.com(:443)?")
# By signing name: the path of the endpoint, and the permission that it takes.
_ENDPOINTS = {
    "xray": ("/v1/traces", "xray:PutTraceSegments"),
    "monitoring": ("/v1/metrics", "cloudwatch:PutMetricData"),
}


class TelemetryApi:
    """The OTLP endpoints.

    Args:
        store: Spans and metrics of the run.
        access: Access control.
    """

    def __init__(self, store: TelemetryStore, access: AccessControl) -> None:
        self._receive = {"xray": store.receive_traces, "monitoring": store.receive_metrics}
        self._access = access

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Return the response to a request, whose body is empty: all is accepted."""
        host = _HOST.fullmatch(request.header("host") or "")
        if host is None:
            return HttpResponse(status=404, body=b"no endpoint has the name of the header Host")
        service, region = host[1], host[2]
        path, action = _ENDPOINTS[service]
        try:
            credentials = self._access.authenticate(request, region, service, action)
            if request.method != "POST" or request.target != path:
                raise ApiError(404, "UnknownOperationException", f"only POST {path} is emulated")
            self._access.authorize(credentials, lambda role: authorize_resource(role, action, ("*",), region))
            self._receive[service](credentials.task, request.body)
        except ApiError as error:
            return HttpResponse(status=error.status, body=str(error).encode())
        except ValueError as error:
            return HttpResponse(status=400, body=f"the body is no OTLP request: {error}".encode())
        return HttpResponse(status=200, headers={"content-type": "application/x-protobuf"})
