"""The tutorial's service mesh as a CDK app of three stacks: network, mesh and ECS services."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, Environment, Validations
from cdk_nag import AwsSolutionsChecks

from color_mesh import MeshError
from stacks.ecs_stack import EcsStack
from stacks.mesh_stack import MeshStack
from stacks.names import report_physical_names
from stacks.network_stack import NetworkStack
from stacks.settings import read_settings


def build(
    *,
    context: Mapping[str, object] | None = None,
    outdir: str | None = None,
    env: Environment | None = None,
    validate: bool = True,
) -> App:
    """Create the app, ready for ``synth()``.

    Args:
        context: Context that overrides ``cdk.json``, as ``cdk synth -c`` does. Default: none.
        outdir: Folder of the cloud assembly. Default: the CDK CLI's, else a temporary folder.
        env: Account and region of the VPC that the setting ``vpcId`` names. Without ``vpcId`` the stacks are
            environment-agnostic. Default: no account and region; ``vpcId`` is an error.
        validate: Run cdk-nag and the CDK's template validation. Default: ``True``.

    Raises:
        MeshError: When settings are invalid. Names every problem.
    """
    defaults = json.loads(Path(__file__).with_name("cdk.json").read_text())["context"]
    app = App(context={**defaults, **(context or {})}, outdir=outdir, builtin_cloud_formation_validation=validate)
    settings = read_settings(app.node.get_all_context(), can_look_up=env is not None)
    if settings.vpc_id is None:
        env = None
    network = NetworkStack(app, "NetworkStack", settings=settings, env=env)
    mesh = MeshStack(app, "MeshStack", settings=settings, network=network, env=env)
    services = EcsStack(app, "EcsStack", settings=settings, network=network, mesh=mesh, env=env)
    report_physical_names(network, services)
    if validate:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


if __name__ == "__main__":
    account, region = os.environ.get("CDK_DEFAULT_ACCOUNT"), os.environ.get("CDK_DEFAULT_REGION")
    env = Environment(account=account, region=region) if account and region else None
    try:
        build(env=env, validate=os.environ.get("CDK_VALIDATION") != "false").synth()
    except MeshError as error:
        sys.exit(f"\n{error}\n")
