"""Code of the generated app and of the stack with its network."""

from color_mesh.migration.conversion import ConvertedMesh
from color_mesh.migration.python import Code, Identifiers, call, prose, value

_NETWORK = '''\
"""Network of the mesh '{name}': VPC, ECS cluster, and the Cloud Map namespace of the tasks."""

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
        # Virtual services have names in the private hosted zone {domain}; the tasks register below it.
        self.namespace = servicediscovery.PrivateDnsNamespace(self, "Namespace", name={namespace}, vpc=self.vpc)
'''

_APP = '''\
"""CDK app of the mesh '{name}' on self-managed Envoy."""

import os

from aws_cdk import App, Environment

from mesh_stack import MeshStack
from network_stack import NetworkStack
from services_stack import ServicesStack


def build() -> App:
    """Build the app. The context values ``vpcId`` and ``clusterName`` select an existing VPC and cluster."""
    app = App()
    vpc_id, cluster_name = (app.node.try_get_context(name) for name in ("vpcId", "clusterName"))
    # Looking up a VPC needs an account and a region: those of the AWS credentials.
    account, region = os.environ.get("CDK_DEFAULT_ACCOUNT"), os.environ.get("CDK_DEFAULT_REGION")
    env = Environment(account=account, region=region) if vpc_id else None
{stacks}
    return app


if __name__ == "__main__":
    build().synth()
'''


def network_module(converted: ConvertedMesh) -> str:
    """Render the module with the stack of the network."""
    domain = converted.domain
    names = {"name": prose(converted.mesh.name), "domain": prose(domain.name)}
    return _NETWORK.format(**names, namespace=value(domain.namespace))


def app_module(converted: ConvertedMesh, *, with_services: bool) -> str:
    """Render the module with the app."""
    statements = _stacks(converted.mesh.name, with_services)
    return _APP.format(name=prose(converted.mesh.name), stacks="\n".join(f"    {each}" for each in statements))


def _stacks(mesh_name: str, with_services: bool) -> list[Code]:
    prefix = Identifiers(()).construct_id(mesh_name, "Mesh").removesuffix("Mesh")
    # CloudFormation User Guide, CreateStack: the name of a stack begins with a letter.
    prefix = f"Mesh{prefix}" if prefix[:1].isdigit() else prefix

    def stack(kind: str, **arguments: str) -> Code:
        variables = {name: Code(variable) for name, variable in arguments.items()}
        return call(kind, Code("app"), value(f"{prefix}{kind}"), **variables, env=Code("env"))

    network = stack("NetworkStack", vpc_id="vpc_id", cluster_name="cluster_name")
    mesh = stack("MeshStack", vpc="network.vpc", namespace="network.namespace")
    services = stack("ServicesStack", cluster="network.cluster", nodes="mesh.nodes", gateways="mesh.gateways")
    if with_services:
        return [Code(f"network = {network}"), Code(f"mesh = {mesh}"), services]
    return [Code(f"network = {network}"), mesh]
