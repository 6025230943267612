"""A mesh of as many nodes as the first argument says, each with its task, validated like the tutorial's."""

import sys

from aws_cdk import App, Stack, Validations
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from cdk_nag import AwsSolutionsChecks

from color_mesh import MeshNode, ServiceMesh
from stacks.network_stack import NetworkStack
from stacks.settings import Settings


def main() -> None:
    """Synthesize a chain of nodes, each a backend of the next."""
    app = App()
    network = NetworkStack(app, "NetworkStack", settings=Settings(), env=None)
    mesh_stack = Stack(app, "MeshStack")
    ecs_stack = Stack(app, "EcsStack")
    log_group = logs.LogGroup(ecs_stack, "LogGroup", retention=logs.RetentionDays.ONE_WEEK)
    mesh = ServiceMesh(
        mesh_stack,
        "Mesh",
        vpc=network.vpc,
        namespace=network.namespace,
        security_group=network.colorapp_security_group,
        data_plane="app-mesh",
    )
    nodes: list[MeshNode] = []
    for number in range(int(sys.argv[1])):
        node = MeshNode(mesh_stack, f"N{number}", mesh=mesh, name=f"n{number}", backends=nodes[-1:])
        node.implement(
            ecs_stack,
            f"N{number}",
            cluster=network.cluster,
            image=ecs.ContainerImage.from_registry("forsakenidol/colorapp"),
            execute_command=True,
            log_group=log_group,
        )
        nodes.append(node)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    main()
