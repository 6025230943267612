"""The API of Cloud Map."""

from typing import Any

from color_mesh.ecs.roles import Decision, Role
from color_mesh.local.plan.cloud_map_authorization import DISCOVERY, authorize
from color_mesh.local.run.aws.cloud_map import CloudMap
from color_mesh.local.run.aws.json_api import Api, ApiCall

# AWS General Reference, *AWS Cloud Map endpoints and quotas*: that of DiscoverInstances, and that of other actions.
HOST_PREFIXES = ("data-servicediscovery", "servicediscovery")
# Shorter than the time after which Envoys give up a call.
_FIRST_INSTANCE_SECONDS = 3.0


def cloud_map_api(cloud_map: CloudMap) -> Api:
    """Return the API of Cloud Map."""

    def authorized(call: ApiCall, role: Role) -> Decision:
        return authorize(role, call.action, call.document, cloud_map.services, call.region)

    async def answer(call: ApiCall) -> dict[str, Any]:
        if call.action == "DiscoverInstances":
            await cloud_map.wait_for_first_instance(call.document, _FIRST_INSTANCE_SECONDS)
        return cloud_map.call(call.action, call.document)

    return Api(
        signing_name="servicediscovery",
        target_prefix="Route53AutoNaming_v20170314",
        host_prefix=lambda action: HOST_PREFIXES[action not in DISCOVERY],
        authorize=authorized,
        answer=answer,
    )
