"""What the tutorial's stacks do differently from one data plane to the other."""

from collections.abc import Mapping
from dataclasses import dataclass

from color_mesh.model.deployment import AppAddress, DataPlaneName

COLOR_APP = "forsakenidol/colorapp"

# The tutorial's image listens on every address, its loopback addresses too, which are where callers' Envoys listen. So
# nginx stands in for it, with its two answers, its curl and its nslookup.
_NGINX = "public.ecr.aws/docker/library/nginx:1.28.0-alpine"
_COLOR_SERVER = """\
cat > /etc/nginx/conf.d/default.conf << END
server {
  listen 127.0.0.1:80;
  default_type text/plain;
  location = / { return 200 "$COLOR"; }
  location = /healthcheck { return 200 "hi"; }
}
END
exec nginx -g 'daemon off;'
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plane:
    """Say what a data plane takes of the tutorial's stacks.

    Attributes:
        namespace_name: The Cloud Map namespace in which tasks are found.
        dns_ttl_seconds: How long resolvers keep their addresses.
        shared_group: Whether one security group has every task, as in the tutorial. Without it each node has its own:
            where nothing is redirected, they are what keeps a node from what is no backend of its.
        app_image: The color application.
        app_command: What its container is told; ``None`` is what the image says.
        app_address: Where it listens.
    """

    namespace_name: str
    dns_ttl_seconds: int
    shared_group: bool
    app_image: str
    app_command: tuple[str, ...] | None
    app_address: AppAddress


PLANES: Mapping[DataPlaneName, Plane] = {
    "app-mesh": Plane(
        namespace_name="colors.local",
        dns_ttl_seconds=300,
        shared_group=True,
        app_image=COLOR_APP,
        app_command=None,
        app_address="0.0.0.0",
    ),
    "envoy": Plane(
        namespace_name="tasks.colors.local",
        dns_ttl_seconds=5,
        shared_group=False,
        app_image=_NGINX,
        app_command=("sh", "-c", _COLOR_SERVER),
        app_address="127.0.0.1",
    ),
}
