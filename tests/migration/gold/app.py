"""CDK app of the mesh 'bookshop-prod' on self-managed Envoy."""

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
    network = NetworkStack(app, "BookshopProdNetworkStack", vpc_id=vpc_id, cluster_name=cluster_name, env=env)
    mesh = MeshStack(app, "BookshopProdMeshStack", vpc=network.vpc, namespace=network.namespace, env=env)
    ServicesStack(
        app, "BookshopProdServicesStack", cluster=network.cluster, nodes=mesh.nodes, gateways=mesh.gateways, env=env
    )
    return app


if __name__ == "__main__":
    build().synth()
