"""ECS services of the tutorial's mesh: a Fargate service for each node and for the gateway."""

from aws_cdk import CfnOutput, Environment, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.images import container_image
from color_mesh.model.deployment import Exposure
from stacks.mesh_stack import MeshStack
from stacks.network_stack import NetworkStack
from stacks.settings import GatewayEntry, Settings

# Chapter 4 of the tutorial opens the gateway to the internet in both of its ways.
EXPOSURES: dict[GatewayEntry, Exposure] = {"load-balancer": "internet", "public-ip": "public-ip"}
GATEWAY_SERVICE_NAMES: dict[GatewayEntry, str] = {
    "load-balancer": "gateway-svc-load-balanced",
    "public-ip": "gateway-svc",
}


class EcsStack(Stack):
    """Stack with a Fargate service for each node of the mesh, and for its gateway if there is one."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        network: NetworkStack,
        mesh: MeshStack,
        env: Environment | None,
    ) -> None:
        super().__init__(scope, id, env=env)
        log_group = logs.LogGroup(
            self,
            "LogGroup",
            log_group_name="color-mesh",
            retention=logs.RetentionDays[settings.log_retention],
            removal_policy=RemovalPolicy.DESTROY,
        )
        image = container_image(self, "AppImage", settings.app_image) if settings.app_image else None
        for node in mesh.nodes:
            task = node.implement_color_app(
                self,
                node.color.capitalize(),
                cluster=network.cluster,
                image=image,
                desired_count=settings.desired_count,
                log_group=log_group,
            )
            CfnOutput(
                self,
                f"{node.color.capitalize()}Shell",
                value=task.execute_command_line,
                description=f"Opens a shell in the {node.color} application.",
            )
        if mesh.gateway:
            gateway = mesh.gateway.implement(
                self,
                "Gateway",
                cluster=network.cluster,
                exposure=EXPOSURES[settings.gateway],
                entry_security_group=network.gateway_security_group,
                port_name="gateway-port",
                desired_count=settings.gateway_count,
                family="gateway",
                service_name=GATEWAY_SERVICE_NAMES[settings.gateway],
                load_balancer_name="gateway-lb",
                target_group_name="gateway-tg",
                log_group=log_group,
            )
            CfnOutput(self, "GatewayUrl", value=gateway.url, description="What to curl: / and /router.")
