"""The tutorial's mesh: nodes, router and gateway, chapter by chapter."""

from collections.abc import Mapping

from aws_cdk import Annotations, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from color_mesh import AccessLog, ColorRouter, MeshedColorNode, MeshGateway, ServiceMesh
from color_mesh.cdk.images import container_image
from stacks.certificates import Certificates
from stacks.network_stack import NetworkStack
from stacks.settings import Settings

RED_LOG = AccessLog(
    text="[%START_TIME%] %REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL% %RESPONSE_CODE%\n"
)
BLUE_LOG = AccessLog(
    json=(
        ("start_time", "%START_TIME%"),
        ("method", "%REQ(:METHOD)%"),
        ("request_path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
        ("protocol", "%PROTOCOL%"),
        ("response_code", "%RESPONSE_CODE%"),
    )
)


class MeshStack(Stack):
    """Stack with the mesh as it is at the end of a tutorial chapter.

    Attributes:
        nodes: The nodes.
        gateway: The gateway. ``None`` before chapter 4.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, network: NetworkStack, env: Environment | None
    ) -> None:
        super().__init__(scope, id, env=env)
        self.nodes: list[MeshedColorNode] = []
        self.gateway: MeshGateway | None = None
        self._mesh = ServiceMesh(
            self,
            "Mesh",
            mesh_name="color-mesh",
            vpc=network.vpc,
            namespace=network.namespace,
            security_group=network.colorapp_security_group,
            envoy_image=container_image(self, "EnvoyImage", settings.envoy_image),
            data_plane=settings.data_plane,
            telemetry=settings.plane.telemetry if settings.chapter >= 6 else None,
            tls=Certificates(self, "Certificates", settings=settings).tls if settings.chapter == 5 else None,
        )
        if settings.certificate_arn is not None:
            reason = "The setting certificateArn is one certificate for all: anyone with it may call each node."
            Annotations.of(self._mesh).acknowledge_warning("color-mesh:shared-certificate", reason)
        self._add_red_and_blue()
        if settings.chapter >= 3:
            self._add_router(dict(settings.weights))
        if settings.chapter >= 4:
            self._add_gateway(network.gateway_task_security_group)
        self._red.connect_to(*(self._services[name] for name in settings.red_backends))

    def _add_red_and_blue(self) -> None:
        """Add the nodes of chapter 2: red is a backend of blue."""
        self._red = MeshedColorNode(self, "Red", mesh=self._mesh, access_log=RED_LOG)
        self._blue = MeshedColorNode(self, "Blue", mesh=self._mesh, access_log=BLUE_LOG, backends=[self._red])
        self._services: dict[str, MeshedColorNode | ColorRouter] = {"blue": self._blue}
        self.nodes += [self._red, self._blue]

    def _add_router(self, weights: Mapping[str, int]) -> None:
        """Add chapter 3: a router, and its targets green and yellow, which have no virtual services of their own."""
        green = MeshedColorNode(
            self,
            "Green",
            mesh=self._mesh,
            virtual_service=False,
            # The router's name must resolve to an address: green's tasks are registered under it.
            cloud_map_name="router",
            cloud_map_description="Green color service, and DNS record for multiple colors.",
        )
        yellow = MeshedColorNode(self, "Yellow", mesh=self._mesh, virtual_service=False)
        self.nodes += [green, yellow]
        colors = {node.name: node for node in self.nodes}
        self._services["router"] = ColorRouter(
            self, "Router", mesh=self._mesh, targets={colors[color]: weight for color, weight in weights.items()}
        )

    def _add_gateway(self, security_group: ec2.ISecurityGroup | None) -> None:
        """Add chapter 4: a gateway that routes ``/router`` to the router and every other ``GET`` to blue."""
        self.gateway = MeshGateway(
            self, "Gateway", mesh=self._mesh, name="color-gateway", security_group=security_group
        )
        self.gateway.add_route(
            "RouterRoute", name="color-gateway-route-1", prefix="/router", to=self._services["router"]
        )
        self.gateway.add_route(
            "BlueRoute", name="color-gateway-route-2", method="GET", port=80, prefix="/", to=self._blue
        )
