"""The tasks that implement the tutorial's mesh."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Environment, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh import ContainerHealthCheck, MeshedColorNode, MeshGateway
from color_mesh.cdk.images import container_image
from color_mesh.model.deployment import AppAddress, Exposure

# The image serves '/' and '/healthcheck' and nothing else: the tutorial's '/health/' would kill the task.
APP_HEALTH_CHECK = ContainerHealthCheck(
    command=("CMD-SHELL", "curl -f http://localhost/healthcheck || exit 1"),
    interval_seconds=5,
    timeout_seconds=5,
    retries=3,
)
GATEWAY_SERVICE_NAMES: dict[Exposure, str] = {
    "load-balancer": "gateway-svc-load-balanced",
    "public-ip": "gateway-svc",
}


class EcsStack(Stack):
    """Define a Fargate service for every node of the mesh, and for its gateway when it has one."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ecs.ICluster,
        nodes: Sequence[MeshedColorNode],
        gateway: MeshGateway | None,
        gateway_security_group: ec2.ISecurityGroup,
        exposure: Exposure,
        app_image: str,
        app_command: Sequence[str] | None,
        app_address: AppAddress,
        desired_count: int,
        gateway_count: int,
        log_retention: logs.RetentionDays,
        env: Environment | None,
    ) -> None:
        super().__init__(scope, id, env=env)
        log_group = logs.LogGroup(
            self,
            "LogGroup",
            log_group_name="color-mesh",
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        image = container_image(self, "AppImage", app_image)
        for node in nodes:
            color = node.name
            task = node.implement(
                self,
                color.capitalize(),
                cluster=cluster,
                image=image,
                command=app_command,
                app_address=app_address,
                environment={"COLOR": color},
                port_name="color-port",
                container_health_check=APP_HEALTH_CHECK,
                desired_count=desired_count,
                execute_command=True,
                family=f"{color}_node",
                service_name=f"{color}-svc",
                log_group=log_group,
            )
            CfnOutput(
                self,
                f"{color.capitalize()}Shell",
                value=task.execute_command_line,
                description=f"Opens a shell in the {color} application.",
            )
        if gateway:
            entry = gateway.implement(
                self,
                "Gateway",
                cluster=cluster,
                exposure=exposure,
                entry_security_group=gateway_security_group,
                port_name="gateway-port",
                desired_count=gateway_count,
                family="gateway",
                service_name=GATEWAY_SERVICE_NAMES[exposure],
                load_balancer_name="gateway-lb",
                target_group_name="gateway-tg",
                log_group=log_group,
            )
            CfnOutput(self, "GatewayUrl", value=entry.url, description="What to curl: / and /router.")
