"""Two services in one stack: a shop that calls its stock, and a gateway in front of the shop.

It deploys with images of yours.
"""

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from color_mesh import MeshGateway, MeshNode, ServiceMesh


class ShopStack(Stack):
    """A mesh and its tasks. The CDK chooses the names, the mesh creates the security groups."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc)

        mesh = ServiceMesh(self, "Mesh", vpc=vpc, domain="shop.local")
        stock = MeshNode(self, "Stock", mesh=mesh, name="stock", port=8080)
        shop = MeshNode(self, "Shop", mesh=mesh, name="shop", port=80, backends=[stock])
        gateway = MeshGateway(self, "Gateway", mesh=mesh)
        gateway.add_route("ShopRoute", to=shop)

        stock.implement(
            self,
            "StockTask",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry("example/stock:1"),
            container_health_check=health_check(8080),
            cpu_architecture=ecs.CpuArchitecture.ARM64,
        )
        shop.implement(
            self,
            "ShopTask",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry("example/shop:1"),
            environment={"STOCK_URL": f"http://{stock.virtual_service_name}:8080"},
            container_health_check=health_check(80),
            cpu=512,
            memory_mib=1024,
            desired_count=2,
        )
        gateway.implement(self, "GatewayTask", cluster=cluster)


def health_check(port: int) -> ecs.HealthCheck:
    """Return the health check of an application that answers ``/health``."""
    return ecs.HealthCheck(command=["CMD-SHELL", f"curl -fs http://localhost:{port}/health || exit 1"])


if __name__ == "__main__":
    app = App()
    ShopStack(app, "ShopStack")
    app.synth()
