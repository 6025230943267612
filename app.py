"""The tutorial's mesh as a CDK app: read the settings, make the three stacks, check them."""

import gc
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from color_mesh import MeshError
from stacks.process import finish_early, meanwhile
from stacks.settings import RETENTION_DAYS, read_settings

if TYPE_CHECKING:
    from aws_cdk import App, IPolicyValidationPlugin


def build(
    *,
    context: Mapping[str, object] | None = None,
    outdir: str | None = None,
    account_and_region: tuple[str, str] | None = None,
    validate: bool = True,
) -> "App":
    """Build the app, ready for ``synth()``; a `MeshError` when a setting cannot be.

    ``context`` goes before cdk.json's, like ``cdk synth -c``. Looking up a VPC needs ``account_and_region``; without a
    VPC to look up, the templates fit every account and region. ``validate`` runs cdk-nag and the CDK's own validation.
    """
    from aws_cdk import App, CloudFormationValidatePlugin, Environment, Validations
    from cdk_nag import AwsSolutionsChecks

    defaults = json.loads(Path(__file__).with_name("cdk.json").read_text())["context"]
    app = App(context={**defaults, **(context or {})}, outdir=outdir, builtin_cloud_formation_validation=False)
    settings = read_settings(app.node.get_all_context(), can_look_up=account_and_region is not None)
    plugins: list[IPolicyValidationPlugin] = []
    # The validation's rules take a second to load; what is imported meanwhile does not call Node.
    with meanwhile(lambda: plugins.extend([CloudFormationValidatePlugin()] if validate else [])):
        from aws_cdk.aws_logs import RetentionDays

        from stacks.ecs_stack import EcsStack
        from stacks.mesh_stack import MeshStack
        from stacks.network_stack import NetworkStack
        from stacks.planes import PLANES
    if validate:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app), *plugins)
    log_retention = RetentionDays[RETENTION_DAYS[settings.log_retention_days]]
    plane = PLANES[settings.data_plane]
    env: Environment | None = None
    if settings.vpc_id and account_and_region:
        env = Environment(account=account_and_region[0], region=account_and_region[1])
    network = NetworkStack(
        app,
        "NetworkStack",
        vpc_id=settings.vpc_id,
        cluster_name=settings.cluster_name,
        log_retention=log_retention,
        namespace_name=plane.namespace_name,
        shared_group=plane.shared_group,
        env=env,
    )
    mesh = MeshStack(
        app,
        "MeshStack",
        vpc=network.vpc,
        namespace=network.namespace,
        security_group=network.colorapp_security_group,
        gateway_security_group=network.gateway_task_security_group,
        chapter=settings.chapter,
        weights=dict(settings.weights),
        red_backends=settings.red_backends,
        envoy_image=settings.envoy_image,
        data_plane=settings.data_plane,
        dns_ttl_seconds=plane.dns_ttl_seconds,
        env=env,
    )
    EcsStack(
        app,
        "EcsStack",
        cluster=network.cluster,
        nodes=mesh.nodes,
        gateway=mesh.gateway,
        gateway_security_group=network.gateway_security_group,
        exposure=settings.gateway,
        app_image=settings.app_image,
        # Another image has its own command.
        app_command=plane.app_command if settings.app_image == plane.app_image else None,
        app_address=plane.app_address,
        desired_count=settings.desired_count,
        gateway_count=settings.gateway_count,
        log_retention=log_retention,
        env=env,
    )
    return app


def main() -> int:
    """Synthesize for the CDK CLI, which gives context, output folder, account and region in the environment."""
    gc.disable()  # Everything that is made here is needed until the end.
    account, region = os.environ.get("CDK_DEFAULT_ACCOUNT"), os.environ.get("CDK_DEFAULT_REGION")
    try:
        build(
            account_and_region=(account, region) if account and region else None,
            validate=os.environ.get("CDK_VALIDATION") != "false",
        ).synth()
    except MeshError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return 1
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
        print(str(error).removeprefix("ValidationFailed: "), file=sys.stderr)
        return 1
    gc.freeze()  # Nor is there anything to collect on the way out.
    return 0


if __name__ == "__main__":
    sys.exit(finish_early(main))
