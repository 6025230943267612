"""Services that a team runs already, put into a mesh.

`ShopStack` is the app as it was; nothing in it changes. It deploys with images of yours.
"""

from aws_cdk import App, Duration, RemovalPolicy, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_efs as efs
from aws_cdk import aws_rds as rds
from constructs import Construct

from color_mesh import MeshNode, ServiceMesh

WEBSITE_PORT, ORDERS_PORT, CATALOGUE_PORT = 3000, 8080, 8081


class ShopStack(Stack):
    """Three services in one cluster.

    Attributes:
        vpc: VPC of the services.
        website: A website behind an application load balancer, by a pattern of the CDK.
        orders: A service on Fargate Spot that scales with its load and has a database.
        catalogue: A service with files on EFS, whose logs FireLens routes.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        self._cluster = ecs.Cluster(self, "Cluster", vpc=self.vpc, enable_fargate_capacity_providers=True)
        self.website = self._website()
        self.orders = self._orders()
        self.catalogue = self._catalogue()

    def _website(self) -> ecs_patterns.ApplicationLoadBalancedFargateService:
        website = ecs_patterns.ApplicationLoadBalancedFargateService(
            self,
            "Website",
            cluster=self._cluster,
            cpu=512,
            memory_limit_mib=1024,
            min_healthy_percent=100,
            task_image_options=ecs_patterns.ApplicationLoadBalancedTaskImageOptions(
                image=ecs.ContainerImage.from_registry("example/website:1"), container_port=WEBSITE_PORT
            ),
        )
        website.target_group.configure_health_check(path="/health", interval=Duration.seconds(10))
        return website

    def _orders(self) -> ecs.FargateService:
        database = rds.DatabaseInstance(
            self,
            "Database",
            vpc=self.vpc,
            engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17),
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
            storage_encrypted=True,
            credentials=rds.Credentials.from_generated_secret("orders"),
            removal_policy=RemovalPolicy.SNAPSHOT,
        )
        assert database.secret is not None
        tasks = ecs.FargateTaskDefinition(self, "OrdersTasks", cpu=512, memory_limit_mib=1024)
        tasks.add_container(
            "App",
            image=ecs.ContainerImage.from_registry("example/orders:1"),
            port_mappings=[ecs.PortMapping(container_port=ORDERS_PORT)],
            environment={"DATABASE_HOST": database.instance_endpoint.hostname},
            secrets={"DATABASE_PASSWORD": ecs.Secret.from_secrets_manager(database.secret, "password")},
            logging=ecs.LogDrivers.aws_logs(stream_prefix="orders"),
        )
        orders = ecs.FargateService(
            self,
            "Orders",
            cluster=self._cluster,
            task_definition=tasks,
            capacity_provider_strategies=[
                ecs.CapacityProviderStrategy(capacity_provider="FARGATE", base=1, weight=1),
                ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=3),
            ],
            min_healthy_percent=100,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        )
        scaling = orders.auto_scale_task_count(min_capacity=2, max_capacity=20)
        scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
        database.connections.allow_default_port_from(orders)
        Tags.of(orders).add("team", "orders")
        return orders

    def _catalogue(self) -> ecs.FargateService:
        files = efs.FileSystem(self, "Files", vpc=self.vpc, encrypted=True)
        tasks = ecs.FargateTaskDefinition(
            self,
            "CatalogueTasks",
            cpu=512,
            memory_limit_mib=1024,
            ephemeral_storage_gib=40,
            volumes=[
                ecs.Volume(
                    name="pictures",
                    efs_volume_configuration=ecs.EfsVolumeConfiguration(
                        file_system_id=files.file_system_id, transit_encryption="ENABLED"
                    ),
                )
            ],
        )
        app = tasks.add_container(
            "App",
            image=ecs.ContainerImage.from_registry("example/catalogue:1"),
            port_mappings=[ecs.PortMapping(container_port=CATALOGUE_PORT)],
            logging=ecs.LogDrivers.firelens(
                options={"Name": "cloudwatch", "log_group_name": "catalogue", "log_stream_prefix": "app-"}
            ),
        )
        app.add_mount_points(ecs.MountPoint(source_volume="pictures", container_path="/var/pictures", read_only=True))
        tasks.add_firelens_log_router(
            "LogRouter",
            image=ecs.ContainerImage.from_registry("public.ecr.aws/aws-observability/aws-for-fluent-bit:stable"),
            firelens_config=ecs.FirelensConfig(type=ecs.FirelensLogRouterType.FLUENTBIT),
            logging=ecs.LogDrivers.aws_logs(stream_prefix="log-router"),
        )
        catalogue = ecs.FargateService(
            self,
            "Catalogue",
            cluster=self._cluster,
            task_definition=tasks,
            min_healthy_percent=50,
            max_healthy_percent=150,
        )
        files.connections.allow_default_port_from(catalogue)
        return catalogue


def add_mesh(shop: ShopStack) -> None:
    """Put the services of the shop into a mesh."""
    mesh = ServiceMesh(shop, "Mesh", vpc=shop.vpc, domain="shop.local")
    catalogue = MeshNode(shop, "CatalogueNode", mesh=mesh, name="catalogue", port=CATALOGUE_PORT)
    orders = MeshNode(shop, "OrdersNode", mesh=mesh, name="orders", port=ORDERS_PORT, backends=[catalogue])
    # The load balancer goes on sending requests to the website. The mesh carries what the website sends.
    website = MeshNode(
        shop,
        "WebsiteNode",
        mesh=mesh,
        name="website",
        listeners=[],
        virtual_service=False,
        backends=[orders, catalogue],
    )
    catalogue.attach(shop.catalogue)
    orders.attach(shop.orders).app_container.add_environment(
        "CATALOGUE_URL", f"http://{catalogue.virtual_service_name}:{CATALOGUE_PORT}"
    )
    app = website.attach(shop.website.service).app_container
    app.add_environment("ORDERS_URL", f"http://{orders.virtual_service_name}:{ORDERS_PORT}")
    app.add_environment("CATALOGUE_URL", f"http://{catalogue.virtual_service_name}:{CATALOGUE_PORT}")


if __name__ == "__main__":
    app = App()
    shop = ShopStack(app, "ShopStack")
    if app.node.try_get_context("mesh") != "false":
        add_mesh(shop)
    app.synth()
