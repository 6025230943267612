"""Steps of the rehearsal."""

import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rehearsal.command_line import Cdk, RehearsalError, context
from rehearsal.comparison import check_resources
from rehearsal.deployed import Deployed
from rehearsal.emulated_aws import EmulatedAws, emulated_aws
from rehearsal.inventory import check_nothing_else, check_nothing_left
from rehearsal.planes import SETTINGS, Plane

INVALID_IMAGE = "not an image"
BROKEN_APP = "python -m rehearsal.broken_rule"


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print the title of a step and its duration."""
    start = time.perf_counter()
    print(f"  {title:<66}", end="", flush=True)
    yield
    print(f"{time.perf_counter() - start:5.1f} s", flush=True)


def rehearse(plane: Plane, folder: Path) -> None:
    """Deploy a plane to an empty account, change its settings, and destroy it."""
    with emulated_aws(folder) as aws, ThreadPoolExecutor(1) as pool:
        cdk = Cdk(aws=aws)
        # The other settings are synthesized while the first is deployed.
        apps = {name: pool.submit(synthesize, cdk, plane, name, folder / name) for name in SETTINGS}
        with step("cdk synth"):
            default = apps["default"].result()
        with step("cdk bootstrap"):
            cdk.bootstrap(default)
            check_nothing_left(aws)
        with step("cdk deploy: all resources match the templates"):
            deploy(cdk, default)
        with step("a change by hand: the comparison reports it"):
            change_by_hand(aws, default)
        with step("cdk diff: no differences"):
            check_changes(cdk.diff(default), frozenset())
        change_weights(cdk, plane, default, apps["weights"].result())
        for name in ("chapter-3", "chapter-5", "chapter-6", "public-ip"):
            with step(f"cdk deploy: {name}"):
                deploy(cdk, apps[name].result())
        with step("cdk deploy: back to the first settings"):
            deploy(cdk, default)
        with step("cdk diff: no differences"):
            check_changes(cdk.diff(default), frozenset())
        if plane.refuses:
            refuse(cdk, plane, folder)
        with step("cdk destroy: no resources remain"):
            cdk.destroy(default)
            check_nothing_left(aws)


def synthesize(cdk: Cdk, plane: Plane, name: str, out: Path) -> Path:
    """Synthesize a setting, the default one with validation."""
    cdk.synth(out, settings({"dataPlane": plane.name, **SETTINGS[name]}), validate=name == "default")
    return out


def settings(values: Mapping[str, str]) -> dict[str, str]:
    """Return settings of the app as a CDK context."""
    return {f"color-mesh:{name}": value for name, value in values.items()}


def deploy(cdk: Cdk, app: Path) -> Deployed:
    """Deploy, and check that the account has the resources of the templates and no others."""
    cdk.deploy(app)
    deployed = Deployed(aws=cdk.aws, app=app)
    check_resources(deployed)
    check_nothing_else(deployed)
    return deployed


def change_by_hand(aws: EmulatedAws, app: Path) -> None:
    """Change a service without CloudFormation and back, to verify that the comparison reads the APIs."""
    deployed, ecs = Deployed(aws=aws, app=app), aws.client("ecs")
    (cluster,) = deployed.ids_of("AWS::ECS::Cluster")
    service = min(deployed.ids_of("AWS::ECS::Service"))
    (before,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
    count = before["desiredCount"] + 1
    ecs.update_service(cluster=cluster, service=service, desiredCount=count)
    try:
        check_resources(Deployed(aws=aws, app=app))
    except RehearsalError as error:
        if f"DesiredCount is {count}" not in str(error):
            raise
    else:
        raise RehearsalError(f"the comparison does not report that {service} has {count} tasks")
    ecs.update_service(cluster=cluster, service=service, desiredCount=before["desiredCount"])


def change_weights(cdk: Cdk, plane: Plane, first: Path, other: Path) -> None:
    """Change the weights and back, and check that ``cdk diff`` and ``cdk deploy`` change nothing else."""
    with step("cdk diff: new weights only"):
        check_changes(cdk.diff(other), plane.weights_change)
    ids = Deployed(aws=cdk.aws, app=first).ids
    with step("cdk deploy: new weights only"):
        after = deploy(cdk, other)
        replaced = {name for name, id in ids.items() if after.ids.get(name) != id}
        types = {after.templates[stack]["Resources"][logical_id]["Type"] for stack, logical_id in replaced}
        check_changes(types, plane.weights_replace)
    with step("cdk deploy: back to the first weights"):
        deploy(cdk, first)


def check_changes(changes: Collection[str], expected: frozenset[str]) -> None:
    """Compare changes with the expected ones."""
    if set(changes) != expected:
        raise RehearsalError(f"changes are {sorted(changes)}, expected {sorted(expected)}")


def refuse(cdk: Cdk, plane: Plane, folder: Path) -> None:
    """Deploy an invalid setting, and a broken rule: the app refuses both before the CLI sends a request."""
    common = ("deploy", "--all", "--require-approval", "never", *context(settings({"dataPlane": plane.name})))
    invalid = ("--output", str(folder / "bad"), *context(settings({"appImage": INVALID_IMAGE})))
    broken = ("--output", str(folder / "broken"), "--app", BROKEN_APP)
    before = requests(cdk.aws)
    for title, arguments, expected in (
        ("an invalid image", invalid, f"setting 'color-mesh:appImage': not an image name, got '{INVALID_IMAGE}'"),
        ("a broken rule", broken, "AwsSolutions-EC23"),
    ):
        with step(f"cdk deploy: {title} is refused, and nothing is sent"):
            output = cdk.run_refused(*common, *arguments)
            if expected not in output:
                raise RehearsalError(f"refused for another reason than {expected}:\n{output}")
            if requests(cdk.aws) != before:
                raise RehearsalError("the CLI has sent a request")


def requests(aws: EmulatedAws) -> set[str]:
    """Return the results of the CLI's requests: events of stacks and objects in buckets."""
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    events = [
        event["EventId"]
        for stack in cloudformation.describe_stacks()["Stacks"]
        for event in cloudformation.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
    ]
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    objects = [item["Key"] for name in buckets for item in s3.list_objects_v2(Bucket=name).get("Contents", [])]
    return {*events, *objects}
