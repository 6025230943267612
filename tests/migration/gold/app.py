"""The mesh 'bookshop-prod' on Envoys of its own: its network, the mesh, and the tasks that run it."""

import os

from aws_cdk import App, Environment
from mesh_stack import MeshStack
from network_stack import NetworkStack
from services_stack import ServicesStack


def build() -> App:
    """Build the app. ``-c vpcId=vpc-...`` has it in a VPC that is there, ``-c clusterName=...`` in such a cluster."""
    app = App()
    vpc_id, cluster_name = (app.node.try_get_context(name) for name in ("vpcId", "clusterName"))
    # A VPC is looked up in the account and region of the credentials.
    account, region = os.environ.get("CDK_DEFAULT_ACCOUNT"), os.environ.get("CDK_DEFAULT_REGION")
    env = Environment(account=account, region=region) if vpc_id else None
    network = NetworkStack(app, "BookshopProdNetworkStack", vpc_id=vpc_id, cluster_name=cluster_name, env=env)
    mesh = MeshStack(app, "BookshopProdMeshStack", vpc=network.vpc, namespace=network.namespace, env=env)
    ServicesStack(
        app, "BookshopProdServicesStack", cluster=network.cluster, nodes=mesh.nodes, gateways=mesh.gateways, env=env
    )
    return app


if __name__ == "__main__":
    build().synth()
