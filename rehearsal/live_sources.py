"""Steps of the rehearsal with live sources: a real Envoy reads endpoints and weights from the emulator's Cloud Map.

The emulator verifies the signatures of Envoy's calls with botocore, and asks the policies of the task's role.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from rehearsal.command_line import Cdk, RehearsalError
from rehearsal.deployed import Deployed
from rehearsal.emulated_aws import EmulatedAws, emulated_aws
from rehearsal.inventory import check_nothing_left
from rehearsal.running_envoy import running_envoy
from rehearsal.steps import deploy, step

TASKS = {"stock-2": ("10.0.0.1", "10.0.0.2"), "canary-2": ("10.0.0.3",)}
CALLER, OTHER = "orders", "stock"
APPLICATION = f"{CALLER}-app"


def rehearse_live_sources(folder: Path) -> None:
    """Deploy a route with weights, and change its weights and tasks while Envoy asks for them."""
    with emulated_aws(folder) as aws:
        cdk, app = Cdk(aws=aws), folder / "app"
        cdk.run("synth", "--quiet", "--app", "python -m rehearsal.shop canary", "--output", str(app))
        with step("cdk bootstrap"):
            cdk.bootstrap(app)
        with step("cdk deploy: a caller of a route with weights"):
            deployed = deploy(cdk, app)
        services = _register_tasks(aws)
        own, other = (_assumed(deployed, node) for node in (CALLER, OTHER))
        with (
            step("Envoy: endpoints and weights, by signed calls with the task's role"),
            _verification(aws, on=True),
            running_envoy(deployed, APPLICATION, folder, own) as envoy,
        ):
            envoy.check(lambda each: each.addresses() == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}, "the tasks")
            envoy.check(lambda each: each.weights() == [1, 9], "the weights of the template")
            with _verification(aws, on=False):
                _set_weights(aws, services, {"stock": "1", "canary": "3"})
                aws.client("servicediscovery").deregister_instance(ServiceId=services["stock-2"], InstanceId="10.0.0.1")
            envoy.check(lambda each: each.weights() == [1, 3], "the new weights")
            envoy.check(lambda each: each.addresses() == {"10.0.0.2", "10.0.0.3"}, "the remaining tasks")
        wrong_secret = {**own, "SecretAccessKey": "wrong"}
        for title, credentials in (("another role", other), ("a wrong secret", wrong_secret)):
            with (
                step(f"Envoy: {title} is refused, and the log says so"),
                _verification(aws, on=True),
                running_envoy(deployed, APPLICATION, folder, credentials) as envoy,
            ):
                envoy.check(lambda each: ": 403" in each.log.read_text(), "an answer with 403")
                if envoy.addresses():
                    raise RehearsalError(f"Envoy has {envoy.addresses()} with {title}")
        with step("cdk destroy: no resources remain"):
            _deregister_tasks(aws, services)
            cdk.destroy(app)
            check_nothing_left(aws)


def _register_tasks(aws: EmulatedAws) -> dict[str, str]:
    """Register tasks, as ECS would, and return the ids of the Cloud Map services by name."""
    api = aws.client("servicediscovery")
    services = {each["Name"]: each["Id"] for each in api.list_services()["Services"]}
    for name, addresses in TASKS.items():
        for address in addresses:
            attributes = {"AWS_INSTANCE_IPV4": address}
            api.register_instance(ServiceId=services[name], InstanceId=address, Attributes=attributes)
    return services


def _deregister_tasks(aws: EmulatedAws, services: dict[str, str]) -> None:
    api = aws.client("servicediscovery")
    for name in TASKS:
        for instance in api.list_instances(ServiceId=services[name])["Instances"]:
            api.deregister_instance(ServiceId=services[name], InstanceId=instance["Id"])


def _set_weights(aws: EmulatedAws, services: dict[str, str], weights: dict[str, str]) -> None:
    """Set the weights as an operator does."""
    api = aws.client("servicediscovery")
    for name in services.keys() - TASKS.keys():
        for instance in api.list_instances(ServiceId=services[name])["Instances"]:
            if instance["Attributes"].keys() == weights.keys():
                api.register_instance(ServiceId=services[name], InstanceId=instance["Id"], Attributes=weights)


def _assumed(deployed: Deployed, node: str) -> dict[str, str]:
    """Assume the role of a node's tasks, as ECS does."""
    (name,) = (id for id in deployed.ids_of("AWS::IAM::Role") if f"-{node.title()}TaskTaskRole" in id)
    (role,) = (each for each in deployed.aws.listed("iam", "list_roles", "Roles") if each["RoleName"] == name)
    response = deployed.aws.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="task")["Credentials"]
    return {
        "AccessKeyId": response["AccessKeyId"],
        "SecretAccessKey": response["SecretAccessKey"],
        "Token": response["SessionToken"],
        "Expiration": "2099-01-01T00:00:00Z",
    }


@contextmanager
def _verification(aws: EmulatedAws, *, on: bool) -> Iterator[None]:
    """Let the emulator verify the signature and the permission of each call, or of none, and then the opposite."""
    _verify(aws, on=on)
    try:
        yield
    finally:
        _verify(aws, on=not on)


def _verify(aws: EmulatedAws, *, on: bool) -> None:
    url = f"{aws.environment['AWS_ENDPOINT_URL']}/moto-api/reset-auth"
    # The number of calls before the first that is verified. As a form, the body would not be a number.
    request = Request(url, data=b"0" if on else b"inf", headers={"Content-Type": "text/plain"})
    with urlopen(request, timeout=10):
        return
