"""A mesh of as many nodes as the first argument says, each with its task, checked like the tutorial's."""

import gc
import sys
from typing import TYPE_CHECKING

from stacks.process import finish_early, meanwhile

if TYPE_CHECKING:
    from aws_cdk import IPolicyValidationPlugin


def main() -> int:
    """Synthesize a chain of nodes, each of which may call the one before it."""
    gc.disable()
    from aws_cdk import App, CloudFormationValidatePlugin, Stack, Validations
    from cdk_nag import AwsSolutionsChecks

    app = App(builtin_cloud_formation_validation=False)
    plugins: list[IPolicyValidationPlugin] = [AwsSolutionsChecks(app)]
    with meanwhile(lambda: plugins.append(CloudFormationValidatePlugin())):
        from aws_cdk import aws_ecs as ecs
        from aws_cdk import aws_logs as logs

        from color_mesh import MeshedColorNode, ServiceMesh
        from stacks.network_stack import NetworkStack
    Validations.of(app).add_plugins(*plugins)
    network = NetworkStack(
        app,
        "NetworkStack",
        vpc_id=None,
        cluster_name=None,
        log_retention=logs.RetentionDays.ONE_WEEK,
        namespace_name="colors.local",
        shared_group=True,
        env=None,
    )
    mesh_stack = Stack(app, "MeshStack")
    ecs_stack = Stack(app, "EcsStack")
    log_group = logs.LogGroup(ecs_stack, "LogGroup", retention=logs.RetentionDays.ONE_WEEK)
    mesh = ServiceMesh(
        mesh_stack,
        "Mesh",
        vpc=network.vpc,
        namespace=network.namespace,
        security_group=network.colorapp_security_group,
    )
    nodes: list[MeshedColorNode] = []
    for number in range(int(sys.argv[1])):
        node = MeshedColorNode(mesh_stack, f"N{number}", mesh=mesh, name=f"n{number}", backends=nodes[-1:])
        node.implement(
            ecs_stack,
            f"N{number}",
            cluster=network.cluster,
            image=ecs.ContainerImage.from_registry("forsakenidol/colorapp"),
            execute_command=True,
            log_group=log_group,
        )
        nodes.append(node)
    app.synth()
    gc.freeze()
    return 0


if __name__ == "__main__":
    sys.exit(finish_early(main))
