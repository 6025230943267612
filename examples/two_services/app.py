"""Two ordinary services in one stack: a shop that may call its stock, and a gateway in front of the shop."""

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh import ContainerHealthCheck, MeshedColorNode, MeshGateway, ServiceMesh


class ShopStack(Stack):
    """Define the mesh and what runs in it. Names are left to the CDK, security groups to the mesh."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        namespace = servicediscovery.PrivateDnsNamespace(self, "Namespace", name="shop.local", vpc=vpc)

        mesh = ServiceMesh(self, "Mesh", vpc=vpc, namespace=namespace)
        stock = MeshedColorNode(self, "Stock", mesh=mesh, name="stock", port=8080)
        shop = MeshedColorNode(self, "Shop", mesh=mesh, name="shop", port=8080, backends=[stock])
        gateway = MeshGateway(self, "Gateway", mesh=mesh)
        gateway.add_route("ShopRoute", to=shop)

        healthy = ContainerHealthCheck(command=("CMD-SHELL", "wget -qO- http://localhost:8080/health || exit 1"))
        stock.implement(
            self,
            "StockTask",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry("example/stock:1"),
            container_health_check=healthy,
            cpu_architecture=ecs.CpuArchitecture.ARM64,
        )
        shop.implement(
            self,
            "ShopTask",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry("example/shop:1"),
            environment={"STOCK_URL": f"http://{stock.virtual_service_name}:8080"},
            container_health_check=healthy,
            cpu=512,
            memory_mib=1024,
            desired_count=2,
        )
        gateway.implement(self, "GatewayTask", cluster=cluster)


if __name__ == "__main__":
    app = App()
    ShopStack(app, "ShopStack")
    app.synth()
