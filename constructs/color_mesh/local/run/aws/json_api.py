"""APIs of AWS with the protocol JSON 1.1 over TLS, for calls that are signed with the credentials of a task."""

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from color_mesh.ecs.roles import Decision, Role
from color_mesh.local.run.aws.access import AccessControl
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.http_server import HttpRequest
from color_mesh.local.run.aws.outage import Outage
from color_mesh.local.run.http_connection import HttpResponse


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiCall:
    """Call of an API, with a valid signature.

    Attributes:
        action: Action, such as ``DiscoverInstances``.
        document: The request.
        region: Region of the API.
    """

    action: str
    document: Mapping[str, Any] = field(repr=False)
    region: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """API of AWS.

    Attributes:
        signing_name: Name of the API in signatures, and in the actions of policies.
        target_prefix: First part of the header ``X-Amz-Target``.
        host_prefix: Returns the first part of the host name of an action.
        authorize: Decides whether a role allows a call.
        answer: Returns the answer to a call.
    """

    signing_name: str
    target_prefix: str
    host_prefix: Callable[[str], str]
    authorize: Callable[[ApiCall, Role], Decision]
    answer: Callable[[ApiCall], Awaitable[dict[str, Any]]]


class JsonApi:
    """Server of an API.

    Args:
        api: The API.
        access: Access control.
        outage: Outage that is emulated.
        write_log: Writes a line to the log of the API.
    """

    def __init__(self, api: Api, access: AccessControl, outage: Outage, write_log: Callable[[str], None]) -> None:
        self._api = api
        self._access = access
        self._outage = outage
        self._write_log = write_log
        self._target = re.compile(rf"{re.escape(api.target_prefix)}\.([A-Za-z]{{1,64}})")

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Return the response to a call."""
        target = self._target.fullmatch(request.header("x-amz-target") or "")
        action = target[1] if target is not None else None
        try:
            response, status = await self._call(request, action), 200
        except ApiError as error:
            response = {"__type": error.code, "Message": error.message}
            # Smithy, *AWS JSON 1.1 protocol*: 400 for each error of a client whose model has no other status. In these
            # APIs none has one, also when access is denied or calls are throttled.
            status = 400 if error.status < 500 else error.status
        body = json.dumps(response).encode()
        error_code = f" {response['__type']}" if status != 200 else ""
        # Other headers are not logged: they may have control characters, and be as long as many lines.
        self._write_log(f"{request.client} {action or '-'} {status}{error_code} {len(body)}")
        headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": str(uuid.uuid4())}
        return HttpResponse(status=status, headers=headers, body=body)

    async def _call(self, request: HttpRequest, action: str | None) -> dict[str, Any]:
        await self._outage.apply()
        if request.method != "POST" or request.target != "/" or action is None:
            raise ApiError(400, "UnknownOperationException", "only JSON 1.1 is emulated: POST / with X-Amz-Target")
        name, region = f"{self._api.signing_name}:{action}", self._region(request, action)
        credentials = self._access.authenticate(request, region, self._api.signing_name, name)
        call = ApiCall(action=action, document=_document(request), region=region)
        self._access.authorize(credentials, lambda role: self._api.authorize(call, role))
        try:
            return await self._api.answer(call)
        except ApiError as error:
            self._access.report(credentials.task, f"{name}: {error}")
            raise

    def _region(self, request: HttpRequest, action: str) -> str:
        prefix, host = re.escape(self._api.host_prefix(action)), request.header("host") or ""
        match = re.fullmatch(rf"{prefix}\.([a-z0-9-]+)\.amazonaws\.com(:443)?", host)
        if match is None:
            raise ApiError(400, "UnknownOperationException", f"{host} does not have {action}")
        return match[1]


def _document(request: HttpRequest) -> Mapping[str, Any]:
    try:
        document = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ApiError(400, "SerializationException", "the body is not a JSON object")
    return document
