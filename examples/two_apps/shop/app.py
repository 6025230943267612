"""The app of the team that has the mesh. It exports what another app needs to join it.

It deploys with images of yours.
"""

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from color_mesh import MeshNode, ServiceMesh


class ShopStack(Stack):
    """The mesh, and a service that both apps use."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        mesh = ServiceMesh(self, "Mesh", vpc=vpc, domain="shop.local", mesh_name="shop")
        stock = MeshNode(self, "Stock", mesh=mesh, name="stock", port=8080)
        stock.implement(
            self,
            "StockTask",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry("example/stock:1"),
            app_address="127.0.0.1",
            desired_count=2,
        )
        self._export_mesh(mesh)
        assert stock.security_group is not None
        self._export("stock-security-group", stock.security_group.security_group_id)

    def _export_mesh(self, mesh: ServiceMesh) -> None:
        """Export what `ServiceMesh.from_attributes` takes."""
        assert mesh.zone is not None
        assert mesh.network.security_group is not None
        self._export("vpc", mesh.vpc.vpc_id)
        for kind, subnets in (("public", mesh.vpc.public_subnets), ("private", mesh.vpc.private_subnets)):
            for number, subnet in enumerate(subnets, 1):
                self._export(f"{kind}-subnet-{number}", subnet.subnet_id)
        self._export("namespace", mesh.namespace.namespace_id)
        self._export("namespace-arn", mesh.namespace.namespace_arn)
        self._export("zone", mesh.zone.hosted_zone_id)
        self._export("mesh-security-group", mesh.network.security_group.security_group_id)

    def _export(self, name: str, value: str) -> None:
        CfnOutput(self, f"Export-{name}", value=value, export_name=f"shop-{name}")


if __name__ == "__main__":
    app = App()
    ShopStack(app, "Shop")
    app.synth()
