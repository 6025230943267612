"""The API of Cloud Map: JSON 1.1 over TLS, for calls that are signed with the credentials of a task."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from color_mesh.local.plan.cloud_map_authorization import DISCOVERY, authorize
from color_mesh.local.run.aws.access import AccessControl
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.cloud_map import CloudMap
from color_mesh.local.run.aws.http_server import HttpRequest
from color_mesh.local.run.aws.outage import Outage
from color_mesh.local.run.http_connection import HttpResponse

_TARGET = re.compile(r"Route53AutoNaming_v20170314\.([A-Za-z]{1,64})")
# Shorter than the time after which Envoys give up a call.
_FIRST_INSTANCE_SECONDS = 3.0
_HOST = re.compile(r"(data-)?servicediscovery\.([a-z0-9-]+)\.amazonaws\.com(:443)?")


def host_names(regions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the host names of the API (AWS General Reference, *AWS Cloud Map endpoints and quotas*)."""
    return tuple(f"{prefix}servicediscovery.{each}.amazonaws.com" for each in regions for prefix in ("data-", ""))


class CloudMapApi:
    """API of Cloud Map.

    Args:
        cloud_map: Cloud Map.
        access: Access control.
        outage: Outage that is emulated.
        write_log: Writes a line to the log of the API.
    """

    def __init__(
        self,
        cloud_map: CloudMap,
        access: AccessControl,
        outage: Outage,
        write_log: Callable[[str], None],
    ) -> None:
        self._cloud_map = cloud_map
        self._access = access
        self._outage = outage
        self._write_log = write_log

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Return the response to a call."""
        target = _TARGET.fullmatch(request.header("x-amz-target") or "")
        action = target[1] if target is not None else None
        try:
            response, status = await self._call(request, action), 200
        except ApiError as error:
            response, status = {"__type": error.code, "Message": error.message}, error.status
        body = json.dumps(response).encode()
        error_code = f" {response['__type']}" if status != 200 else ""
        # Other headers are not logged: they may have control characters, and be as long as many lines.
        self._write_log(f"{request.client} {action or '-'} {status}{error_code} {len(body)}")
        headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": str(uuid.uuid4())}
        return HttpResponse(status=status, headers=headers, body=body)

    async def _call(self, request: HttpRequest, action: str | None) -> dict[str, Any]:
        await self._outage.apply()
        if request.method != "POST" or request.target != "/" or action is None:
            raise ApiError(404, "UnknownOperationException", "only JSON 1.1 is emulated: POST / with X-Amz-Target")
        region = self._region(request, action)
        credentials = self._access.authenticate(request, region, "servicediscovery", f"servicediscovery:{action}")
        document = _document(request)
        services = self._cloud_map.services
        self._access.authorize(credentials, lambda role: authorize(role, action, document, services, region))
        if action == "DiscoverInstances":
            await self._cloud_map.wait_for_first_instance(document, _FIRST_INSTANCE_SECONDS)
        try:
            return self._cloud_map.call(action, document)
        except ApiError as error:
            self._access.report(credentials.task, f"servicediscovery:{action}: {error}")
            raise

    def _region(self, request: HttpRequest, action: str) -> str:
        host = _HOST.fullmatch(request.header("host") or "")
        if host is None or (host[1] is not None) is not (action in DISCOVERY):
            raise ApiError(404, "UnknownOperationException", f"{request.header('host')} does not have {action}")
        return host[2]


def _document(request: HttpRequest) -> Mapping[str, Any]:
    try:
        document = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ApiError(400, "SerializationException", "the body is not a JSON object")
    return document
