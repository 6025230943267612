"""The app of another team, whose pipeline deploys it into the mesh of the app `shop`.

It deploys with images of yours.
"""

from aws_cdk import Annotations, App, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh import MeshGateway, MeshNode, MeshRouter, ServiceMesh


class ReservationsStack(Stack):
    """A service that calls the stock of the other app, a successor of the stock, and a router over both."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        mesh = self._import_mesh()
        stock = MeshNode.from_attributes(
            self,
            "Stock",
            mesh=mesh,
            name="stock",
            port=8080,
            security_group=self._import_security_group("StockSecurityGroup", "stock-security-group"),
        )
        next_stock = MeshNode(self, "NextStock", mesh=mesh, name="next-stock", port=8080, virtual_service=False)
        router = MeshRouter(self, "Items", mesh=mesh, virtual_service_name="items.shop.local", port=8080)
        router.add_route("All", targets={stock: 3, next_stock: 1})
        reservations = MeshNode(self, "Reservations", mesh=mesh, name="reservations", port=8081, backends=[router])
        gateway = MeshGateway(self, "Gateway", mesh=mesh)
        gateway.add_route("Reservations", to=reservations)

        cluster = ecs.Cluster(self, "Cluster", vpc=mesh.vpc)
        next_stock.implement(
            self,
            "NextStockTask",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry("example/stock:2"),
            app_address="127.0.0.1",
        )
        reservations.implement(
            self,
            "ReservationsTask",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry("example/reservations:1"),
            app_address="127.0.0.1",
            environment={"ITEMS_URL": f"http://{router.virtual_service_name}:8080"},
        )
        gateway.implement(self, "GatewayTask", cluster=cluster, exposure="internet")

    def _import_mesh(self) -> ServiceMesh:
        """Import the mesh, with what the other app exports."""
        namespace = servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
            self,
            "Namespace",
            namespace_name="tasks.shop.local",
            namespace_id=exported("namespace"),
            namespace_arn=exported("namespace-arn"),
        )
        zone = route53.PrivateHostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=exported("zone"), zone_name="shop.local"
        )
        vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=exported("vpc"),
            availability_zones=[Fn.select(number, Fn.get_azs()) for number in range(2)],
            public_subnet_ids=[exported(f"public-subnet-{number}") for number in (1, 2)],
            private_subnet_ids=[exported(f"private-subnet-{number}") for number in (1, 2)],
        )
        reason = "This app adds no routes to the subnets."
        Annotations.of(vpc).acknowledge_warning("@aws-cdk/aws-ec2:noSubnetRouteTableId", reason)
        return ServiceMesh.from_attributes(
            self,
            "Mesh",
            mesh_name="shop",
            vpc=vpc,
            namespace=namespace,
            zone=zone,
            security_group=self._import_security_group("MeshSecurityGroup", "mesh-security-group"),
        )

    def _import_security_group(self, id: str, name: str) -> ec2.ISecurityGroup:
        return ec2.SecurityGroup.from_security_group_id(self, id, exported(name))


def exported(name: str) -> str:
    """Return the reference to an export of the app `shop`."""
    return Fn.import_value(f"shop-{name}")


if __name__ == "__main__":
    app = App()
    ReservationsStack(app, "Reservations")
    app.synth()
