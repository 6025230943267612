"""One more service in an existing VPC, cluster and namespace, which calls a service outside the mesh.

It deploys with ids and an image of yours.
"""

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh import MeshNode, ServiceMesh


class ReportsStack(Stack):
    """A node in an existing network. With credentials, ``ec2.Vpc.from_lookup`` needs only the id of the VPC."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id="vpc-0123456789abcdef0",
            availability_zones=["eu-west-1a", "eu-west-1b"],
            private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            private_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
        )
        cluster = ecs.Cluster.from_cluster_attributes(self, "Cluster", cluster_name="office", vpc=vpc)
        namespace = servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
            self,
            "Namespace",
            namespace_name="tasks.office.local",
            namespace_id="ns-0123456789abcdef",
            namespace_arn="arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-0123456789abcdef",
        )

        mesh = ServiceMesh(self, "Mesh", vpc=vpc, namespace=namespace)
        ledger = MeshNode(
            self, "Ledger", mesh=mesh, name="ledger", port=8080, protocol="grpc", hostname="ledger.example.com"
        )
        reports = MeshNode(self, "Reports", mesh=mesh, name="reports", protocol="grpc", backends=[ledger])
        reports.implement(
            self,
            "ReportsTask",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry("example/reports:1"),
            execute_command=True,
        )


if __name__ == "__main__":
    app = App()
    ReportsStack(app, "ReportsStack")
    app.synth()
