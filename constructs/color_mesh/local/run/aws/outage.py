"""Outages of APIs of AWS, which ``color-mesh fail`` causes and ``color-mesh heal`` ends."""

import asyncio

from color_mesh.local.run.aws.api_error import ApiError

_SLOW_SECONDS = 30.0


class Outage:
    """Outage of an API.

    Attributes:
        kind: Key of `apis.OUTAGES`; ``None`` without an outage.
    """

    def __init__(self) -> None:
        self.kind: str | None = None

    async def apply(self) -> None:
        """Delay or refuse a call as the outage does.

        Raises:
            ApiError: If the call is refused.
        """
        match self.kind:
            case "slow":
                await asyncio.sleep(_SLOW_SECONDS)
            case "throttle":
                raise ApiError(400, "RequestLimitExceeded", "rate exceeded (color-mesh fail)")
            case "deny":
                raise ApiError(400, "AccessDeniedException", "access denied (color-mesh fail)")
            case "down":
                raise ApiError(503, "ServiceUnavailable", "no connection (color-mesh fail)")
