"""The app around the stacks, and the network that they are in, as Python."""

from collections.abc import Iterator

from color_mesh.migration.carry import CarriedMesh
from color_mesh.migration.python import Identifiers, call, lines, text

_NETWORK = '''\
"""Where the mesh {name!r} is: VPC, cluster, and the names of its tasks."""

from aws_cdk import Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct


class NetworkStack(Stack):
    """Define a VPC and a cluster, or use those that are named, and the namespace of the tasks."""

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
        # Services are in {domain}, a zone that the mesh makes; tasks are in this namespace below it.
        self.namespace = servicediscovery.PrivateDnsNamespace(
            self, "Namespace", name={namespace}, vpc=self.vpc
        )
'''

_APP = '''\
"""The mesh {name!r} on Envoys of its own: its network, the mesh, and the tasks that run it."""

import os

from aws_cdk import App, Environment
from mesh_stack import MeshStack
from network_stack import NetworkStack
{services_import}

def build() -> App:
    """Build the app. ``-c vpcId=vpc-...`` has it in a VPC that is there, ``-c clusterName=...`` in such a cluster."""
    app = App()
    vpc_id, cluster_name = (app.node.try_get_context(name) for name in ("vpcId", "clusterName"))
    # A VPC is looked up in the account and region of the credentials.
    account, region = os.environ.get("CDK_DEFAULT_ACCOUNT"), os.environ.get("CDK_DEFAULT_REGION")
    env = Environment(account=account, region=region) if vpc_id else None
{stacks}
    return app


if __name__ == "__main__":
    build().synth()
'''


def network_module(carried: CarriedMesh) -> str:
    """Write the module of the stack with the network."""
    names = carried.names
    return _NETWORK.format(name=carried.mesh.name, domain=names.domain, namespace=text(names.namespace))


def app_module(carried: CarriedMesh, *, with_services: bool) -> str:
    """Write the app."""
    return _APP.format(
        name=carried.mesh.name,
        services_import="from services_stack import ServicesStack\n" if with_services else "",
        stacks="\n".join(_stacks(carried.mesh.name, with_services)),
    )


def _stacks(mesh_name: str, with_services: bool) -> Iterator[str]:
    prefix = Identifiers(()).construct_id(mesh_name, "Mesh").removesuffix("Mesh")
    network = call(
        "NetworkStack", "app", text(f"{prefix}NetworkStack"), vpc_id="vpc_id", cluster_name="cluster_name", env="env"
    )
    yield from lines("network = ", network, 1)
    placed = {"vpc": "network.vpc", "namespace": "network.namespace", "env": "env"}
    mesh = call("MeshStack", "app", text(f"{prefix}MeshStack"), **placed)
    yield from lines("mesh = " if with_services else "", mesh, 1)
    if with_services:
        given = {"cluster": "network.cluster", "nodes": "mesh.nodes", "gateways": "mesh.gateways", "env": "env"}
        yield from lines("", call("ServicesStack", "app", text(f"{prefix}ServicesStack"), **given), 1)
