"""The tutorial's color application: nodes and router with its defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.backend import Backend
from color_mesh.cdk.durations import seconds
from color_mesh.cdk.kinds import checked
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.node import MeshNode
from color_mesh.cdk.node_implementation import NodeImplementation
from color_mesh.cdk.router import MeshRouter
from color_mesh.model import AccessLog
from color_mesh.model.deployment import AppAddress

# The image serves '/' and '/healthcheck' only. With the tutorial's '/health/' the check fails and ECS stops the task.
_HEALTH_CHECK = "curl -f http://localhost/healthcheck || exit 1"
_NGINX_SERVER = """\
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
class ColorApplication:
    """Image of the color application, and how its container runs.

    Attributes:
        image: Name of the image.
        command: Command of the container. ``None``: the image's own.
        address: Address that the application listens on.
        dns_ttl_seconds: TTL of the tasks' DNS records in seconds. ``None``: the default of the data plane.
    """

    image: str
    command: tuple[str, ...] | None
    address: AppAddress
    dns_ttl_seconds: int | None


TUTORIAL_APPLICATION = ColorApplication(
    image="forsakenidol/colorapp", command=None, address="0.0.0.0", dns_ttl_seconds=300
)
# The tutorial's image listens on 0.0.0.0, which includes the loopback addresses at which Envoy listens for the
# application's calls. nginx replaces it, configured to give the same two answers. Its image also has curl and nslookup.
LOOPBACK_APPLICATION = ColorApplication(
    image=(
        "public.ecr.aws/docker/library/nginx:1.28.0-alpine"
        "@sha256:30f1c0d78e0ad60901648be663a710bdadf19e4c10ac6782c235200619158284"
    ),
    command=("sh", "-c", _NGINX_SERVER),
    address="127.0.0.1",
    dns_ttl_seconds=None,
)


class MeshedColorNode(MeshNode):
    """Node of the tutorial: a `MeshNode` that listens on port 80 for HTTP, with the color application as its workload.

    Attributes:
        color: Color that the application answers with.
    """

    @checked(tokens=("cloud_map_description",))
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        color: str | None = None,
        backends: Sequence[Backend] = (),
        virtual_service: bool = True,
        access_log: AccessLog | None = AccessLog(),  # noqa: B008  (a frozen value)
        cloud_map_name: str | None = None,
        cloud_map_description: str | None = None,
    ) -> None:
        """Create the specification of the node.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            mesh: Mesh of the node.
            color: Name of the node, and color that the application answers with. Default: ``id`` in lower case.
            backends: Services that the node may call. Default: none.
            virtual_service: Create a virtual service that callers can name. Default: ``True``.
            access_log: Access log of Envoy. ``None``: no access log. Default: the container's standard output, in
                Envoy's default format.
            cloud_map_name: Name of the Cloud Map service. Default: ``color``.
            cloud_map_description: Description of the Cloud Map service. Default: ``<Color> color service.``

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        color = id.lower() if color is None else color
        self._application = TUTORIAL_APPLICATION if mesh.data_plane.follows_tutorial else LOOPBACK_APPLICATION
        ttl_seconds = self._application.dns_ttl_seconds
        super().__init__(
            scope,
            id,
            mesh=mesh,
            name=color,
            backends=backends,
            virtual_service=virtual_service,
            access_log=access_log,
            cloud_map_name=cloud_map_name,
            cloud_map_description=cloud_map_description or f"{color.capitalize()} color service.",
            dns_ttl=None if ttl_seconds is None else seconds(ttl_seconds),
        )
        self.color: str = color

    @checked()
    def implement_color_app(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ecs.ICluster,
        image: ecs.ContainerImage | None = None,
        desired_count: int | None = None,
        log_group: logs.ILogGroup | None = None,
    ) -> NodeImplementation:
        """Create the Fargate service that runs the color application, with the tutorial's names and ECS Exec.

        `implement` creates a service with another application.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            cluster: Cluster of the service.
            image: Image of the application, which answers ``/`` with the variable ``COLOR``, and ``/healthcheck``; it
                contains curl, and listens on port 80: at 127.0.0.1 with the data plane ``envoy``. Default: the
                tutorial's image with App Mesh, nginx with the data plane ``envoy``.
            desired_count: Number of tasks. Default: ECS starts one task, and a deployment keeps the number that
                autoscaling or an operator has set.
            log_group: Log group of the containers. Default: a new log group with a retention of one week.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        application = self._application
        return self.implement(
            scope,
            id,
            cluster=cluster,
            image=image or ecs.ContainerImage.from_registry(application.image),
            command=application.command if image is None else None,
            app_address=application.address,
            environment={"COLOR": self.color},
            port_name="color-port",
            container_health_check=ecs.HealthCheck(
                command=["CMD-SHELL", _HEALTH_CHECK], interval=seconds(5), timeout=seconds(5), retries=3
            ),
            desired_count=desired_count,
            execute_command=True,
            family=f"{self.color}_node",
            service_name=f"{self.color}-svc",
            log_group=log_group,
        )


class ColorRouter(MeshRouter):
    """Router of the tutorial: a `MeshRouter` on port 80 with one route, which distributes ``GET`` requests."""

    @checked()
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        targets: Mapping[MeshNode, int],
        virtual_service_name: str | None = None,
    ) -> None:
        """Create the router, named ``color-router``, and its route.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            mesh: Mesh of the router.
            targets: Weights by target node: 0 to 100, relative to each other, at least one of them not 0.
            virtual_service_name: Name that callers use. Default: ``router`` in the domain of the mesh.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems.
        """
        super().__init__(
            scope,
            id,
            mesh=mesh,
            name="color-router",
            virtual_service_name=virtual_service_name or f"router.{mesh.domain}",
        )
        self.add_route("ColorRoute", name="color-route", priority=1, method="GET", port=80, prefix="/", targets=targets)
