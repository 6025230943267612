"""Settings of the tutorial's stacks that depend on the data plane."""

from collections.abc import Mapping
from dataclasses import dataclass

from color_mesh.model.deployment import AppAddress, DataPlaneName

COLOR_APP = "forsakenidol/colorapp"

# The tutorial's image listens on 0.0.0.0, which includes the loopback addresses at which Envoy listens for the
# application's calls. nginx replaces it, configured to give the same two answers. Its image also has curl and nslookup.
_NGINX = (
    "public.ecr.aws/docker/library/nginx:1.28.0-alpine"
    "@sha256:30f1c0d78e0ad60901648be663a710bdadf19e4c10ac6782c235200619158284"
)
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
    """Settings of the tutorial's stacks for one data plane.

    Attributes:
        namespace_name: Name of the Cloud Map namespace in which tasks are registered.
        dns_ttl_seconds: TTL of the tasks' DNS records.
        shared_group: One security group for all tasks, as in the tutorial. Without it each node has its own, which
            admits only the node's callers.
        app_image: Image of the color application.
        app_command: Command of the color application's container. ``None``: the image's own.
        app_address: Address at which the color application listens.
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
