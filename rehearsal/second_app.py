"""App of another team in the mesh of `rehearsal.shop`. The context ``shop`` has the ids that it imports."""

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import MeshNode, MeshRouter, ServiceMesh


def build() -> App:
    """Return the app: a node that calls a router over the other app's node and a node of this app."""
    app = App(builtin_cloud_formation_validation=False)
    ids = dict(pair.split("=") for pair in str(app.node.get_context("shop")).split(","))
    stack = Stack(app, "Loans")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id=ids["vpc"],
        availability_zones=["us-east-1a", "us-east-1b"],
        private_subnet_ids=[ids["subnet1"], ids["subnet2"]],
    )
    mesh = ServiceMesh.from_attributes(
        stack,
        "Mesh",
        mesh_name="shop",
        vpc=vpc,
        namespace=servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
            stack,
            "Tasks",
            namespace_name="tasks.shop.local",
            namespace_id=ids["namespace"],
            namespace_arn=f"arn:aws:servicediscovery:us-east-1:123456789012:namespace/{ids['namespace']}",
        ),
        zone=route53.PrivateHostedZone.from_hosted_zone_attributes(
            stack, "Zone", hosted_zone_id=ids["zone"], zone_name="shop.local"
        ),
        security_group=ec2.SecurityGroup.from_security_group_id(stack, "MeshGroup", ids["meshGroup"]),
    )
    stock = MeshNode.from_attributes(
        stack,
        "Stock",
        mesh=mesh,
        name="stock",
        security_group=ec2.SecurityGroup.from_security_group_id(stack, "StockGroup", ids["stockGroup"]),
    )
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    image = ecs.ContainerImage.from_registry("example/loans:1")
    canary = MeshNode(stack, "Canary", mesh=mesh, name="canary")
    router = MeshRouter(stack, "Router", mesh=mesh, name="shelf", virtual_service_name="shelf.shop.local")
    router.add_route("All", targets={stock: 9, canary: 1})
    loans = MeshNode(stack, "LoansNode", mesh=mesh, name="loans", backends=[router, stock])
    for node in (canary, loans):
        node.implement(stack, f"{node.name.title()}Task", cluster=cluster, image=image, app_address="127.0.0.1")
    return app


if __name__ == "__main__":
    build().synth()
