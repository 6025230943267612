"""Steps of the rehearsal with the examples."""

from pathlib import Path

from rehearsal.command_line import Cdk
from rehearsal.comparison import check_resources
from rehearsal.deployed import Deployed
from rehearsal.emulated_aws import ROOT, emulated_aws
from rehearsal.inventory import check_nothing_else, check_nothing_left
from rehearsal.steps import check_changes, deploy, step

EXAMPLES = ROOT / "examples"
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


def rehearse_existing_service(folder: Path) -> None:
    """Deploy the services without a mesh, then with it, and destroy it."""
    with emulated_aws(folder) as aws:
        cdk = Cdk(aws=aws, app=EXAMPLES / "existing_service")
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


def rehearse_two_apps(folder: Path) -> None:
    """Deploy the app with the mesh, then the one that joins it, and destroy them in the opposite order."""
    with emulated_aws(folder) as aws:
        shop, reservations = (Cdk(aws=aws, app=EXAMPLES / "two_apps" / name) for name in ("shop", "reservations"))
        first, second = folder / "shop", folder / "reservations"
        with step("cdk synth: each app by itself"):
            shop.synth(first, {}, validate=False)
            reservations.synth(second, {}, validate=False)
        with step("cdk bootstrap"):
            shop.bootstrap(first)
        with step("cdk deploy: the app with the mesh"):
            deployed = deploy(shop, first)
        with step("cdk deploy: the app that joins it"):
            reservations.deploy(second)
            check_resources(Deployed(aws=aws, app=second))
        with step("cdk diff: the first app stays as it was"):
            check_changes(shop.diff(first), frozenset())
            check_resources(deployed)
        with step("cdk destroy: the mesh is as before the second app"):
            reservations.destroy(second)
            check_resources(deployed)
            check_nothing_else(deployed)
        with step("cdk destroy: no resources remain"):
            shop.destroy(first)
            check_nothing_left(aws)
