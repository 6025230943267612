"""Network of the mesh 'bookshop-prod': VPC, ECS cluster, and the Cloud Map namespace of the tasks."""

from aws_cdk import Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct


class NetworkStack(Stack):
    """Create or import the VPC and the cluster, and create the namespace."""

    def __init__(
        self, scope: Construct, id: str, *, vpc_id: str | None, cluster_name: str | None, env: Environment | None
    ) -> None:
        super().__init__(scope, id, env=env)
        self.vpc: ec2.IVpc = (
            ec2.Vpc.from_lookup(self, "Vpc", vpc_id=vpc_id) if vpc_id else ec2.Vpc(self, "Vpc", max_azs=2)
        )
        self.cluster: ecs.ICluster = (
            ecs.Cluster.from_cluster_attributes(self, "Cluster", cluster_name=cluster_name, vpc=self.vpc)
            if cluster_name
            else ecs.Cluster(self, "Cluster", vpc=self.vpc)
        )
        # Virtual services have names in the private hosted zone prod.bookshop.local; the tasks register below it.
        self.namespace = servicediscovery.PrivateDnsNamespace(
            self, "Namespace", name="tasks.prod.bookshop.local", vpc=self.vpc
        )
