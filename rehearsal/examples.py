"""Steps of the rehearsal with the example of services that exist."""

from pathlib import Path

from rehearsal.command_line import Cdk
from rehearsal.emulated_aws import ROOT, emulated_aws
from rehearsal.inventory import check_nothing_left
from rehearsal.steps import check_changes, deploy, step

EXAMPLE = ROOT / "examples" / "existing_service"
# What `attach` changes of a service that exists. Everything else is added.
CHANGED = frozenset(
    {
        "[~] AWS::ECS::Service",
        "[~] AWS::ECS::TaskDefinition",
        "[~] AWS::IAM::Policy",
        # Only in what they depend on: the CDK lets everything of a service wait for the policy of its task role.
        "[~] AWS::ApplicationAutoScaling::ScalableTarget",
        "[~] AWS::ApplicationAutoScaling::ScalingPolicy",
        "[~] AWS::EC2::SecurityGroup",
        "[~] AWS::EC2::SecurityGroupIngress",
    }
)


def rehearse_example(folder: Path) -> None:
    """Deploy the example without a mesh, then with it, and destroy it."""
    with emulated_aws(folder) as aws:
        cdk = Cdk(aws=aws, app=EXAMPLE)
        before, after = folder / "before", folder / "after"
        with step("cdk synth"):
            cdk.synth(before, {"mesh": "false"}, validate=False)
            cdk.synth(after, {}, validate=False)
        with step("cdk bootstrap"):
            cdk.bootstrap(before)
        with step("cdk deploy: services without a mesh"):
            deploy(cdk, before)
        with step("cdk diff: the mesh changes the tasks and services only"):
            changes = cdk.diff(after)
            check_changes({change for change in changes if not change.startswith("[+]")}, CHANGED)
        with step("cdk deploy: the services are in the mesh"):
            retained = deploy(cdk, after).retained_ids()
        with step("cdk destroy: only what the templates retain remains"):
            cdk.destroy(after)
            check_nothing_left(aws, retained)
