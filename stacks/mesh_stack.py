"""The mesh of the tutorial, chapter by chapter."""

from collections.abc import Mapping, Sequence

from aws_cdk import Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh import AccessLog, ColorRouter, MeshedColorNode, MeshGateway, ServiceMesh
from color_mesh.cdk.images import container_image
from color_mesh.model.deployment import DataPlaneName

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
    """Define the mesh as far as ``chapter`` has it.

    Attributes:
        nodes: Its nodes.
        gateway: Its gateway, from chapter 4 on.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        namespace: servicediscovery.IPrivateDnsNamespace,
        security_group: ec2.ISecurityGroup | None,
        gateway_security_group: ec2.ISecurityGroup | None,
        chapter: int,
        weights: Mapping[str, int],
        red_backends: Sequence[str],
        envoy_image: str,
        data_plane: DataPlaneName,
        dns_ttl_seconds: int,
        env: Environment | None,
    ) -> None:
        super().__init__(scope, id, env=env)
        self.nodes: list[MeshedColorNode] = []
        self.gateway: MeshGateway | None = None
        self._mesh = ServiceMesh(
            self,
            "Mesh",
            mesh_name="color-mesh",
            vpc=vpc,
            namespace=namespace,
            security_group=security_group,
            envoy_image=container_image(self, "EnvoyImage", envoy_image),
            data_plane=data_plane,
        )
        self._dns_ttl_seconds = dns_ttl_seconds
        self._two_nodes()
        if chapter >= 3:
            self._virtual_router(weights)
        if chapter >= 4:
            self._virtual_gateway(gateway_security_group)
        self._red.connect_to(*(self._services[name] for name in red_backends))

    def _two_nodes(self) -> None:
        """Chapter 2: blue may call red, red may not call blue."""
        self._red = MeshedColorNode(
            self,
            "Red",
            mesh=self._mesh,
            name="red",
            cloud_map_description="Red color service.",
            dns_ttl_seconds=self._dns_ttl_seconds,
            access_log=RED_LOG,
        )
        self._blue = MeshedColorNode(
            self,
            "Blue",
            mesh=self._mesh,
            name="blue",
            cloud_map_description="Blue color service.",
            dns_ttl_seconds=self._dns_ttl_seconds,
            access_log=BLUE_LOG,
            backends=[self._red],
        )
        self._services: dict[str, MeshedColorNode | ColorRouter] = {"blue": self._blue}
        self.nodes += [self._red, self._blue]

    def _virtual_router(self, weights: Mapping[str, int]) -> None:
        """Chapter 3: a router in front of two nodes that callers cannot name themselves."""
        green = MeshedColorNode(
            self,
            "Green",
            mesh=self._mesh,
            name="green",
            virtual_service=False,
            # The router's name must resolve to something, and green's tasks are that something.
            cloud_map_name="router",
            cloud_map_description="Green color service, and DNS record for multiple colors.",
            dns_ttl_seconds=self._dns_ttl_seconds,
        )
        yellow = MeshedColorNode(
            self,
            "Yellow",
            mesh=self._mesh,
            name="yellow",
            virtual_service=False,
            cloud_map_description="Yellow color service.",
            dns_ttl_seconds=self._dns_ttl_seconds,
        )
        self.nodes += [green, yellow]
        colors = {node.name: node for node in self.nodes}
        router = ColorRouter(
            self, "Router", mesh=self._mesh, name="color-router", virtual_service_name="router.colors.local"
        )
        router.add_route(
            "ColorRoute",
            name="color-route",
            priority=1,
            method="GET",
            port=80,
            prefix="/",
            targets={colors[color]: weight for color, weight in weights.items()},
        )
        self._services["router"] = router

    def _virtual_gateway(self, security_group: ec2.ISecurityGroup | None) -> None:
        """Chapter 4: ``/router`` goes to the router, every other ``GET`` to blue."""
        self.gateway = MeshGateway(
            self, "Gateway", mesh=self._mesh, name="color-gateway", security_group=security_group
        )
        self.gateway.add_route(
            "RouterRoute", name="color-gateway-route-1", prefix="/router", to=self._services["router"]
        )
        self.gateway.add_route(
            "BlueRoute", name="color-gateway-route-2", method="GET", port=80, prefix="/", to=self._blue
        )
