"""Nodes and gateways whose tasks the constructs do not create."""

from aws_cdk import Stack

from color_mesh import MeshGateway, MeshNode


def use_nodes(stack: Stack) -> None:
    """Use what each node and gateway of an app has for its tasks, as one does who creates them by hand."""
    for construct in stack.node.root.node.find_all():
        if isinstance(construct, MeshNode):
            _ = construct.cloud_map_service
        if isinstance(construct, MeshNode | MeshGateway):
            _ = construct.security_group
