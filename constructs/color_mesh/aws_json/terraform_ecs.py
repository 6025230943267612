"""Task definitions and services of Terraform."""

import re
from typing import Any

from color_mesh.aws_json import ecs
from color_mesh.aws_json.resource import Converted, Object, Secret, embedded_json
from color_mesh.aws_json.terraform_blocks import block, blocks, pairs, renamed

_OF_ENVOY = ("APPMESH_", "ENVOY_", "ENABLE_ENVOY_")
# Words of a name, of which one says that the value is secret: DB_PASSWORD, PGPASSWORD, --requirepass, --api-key; not
# --max-tokens or keyspace.
_SECRET = re.compile(
    r"password|passwd|passphrase|secret|credential|pwd(?![a-z])"
    r"|(?<![a-z])(?:(?:require)?pass|pw|(?:access|api|auth)?token|(?:access|api|private)?key|(?:master)?auth"
    r"|authorization)(?![a-z])"
)
_CAMEL_CASE = re.compile("(?<=[a-z])(?=[A-Z])")
_NAME = re.compile("[A-Za-z0-9_.-]+")
_OPTION = re.compile("--?[A-Za-z0-9_-]+")
_URL_WITH_PASSWORD = re.compile("://[^/@:]*:[^/@]+@")
# Options of programs such as curl, with a user and a password.
_USER = ("-u", "--user")
_USER_WITH_PASSWORD = re.compile(r"(?:^|\s)(?:-u|--user)[\s=]*[^\s:]+:\S")
# Keys of a container that name things, such as the ARN of a secret in AWS Secrets Manager.
_NO_SECRETS = ("name", "image", "secrets", "repositoryCredentials", "dependsOn", "portMappings", "mountPoints")
_TASK_DEFINITION = {
    "family": "family",
    "cpu": "cpu",
    "memory": "memory",
    "network_mode": "networkMode",
    "task_role_arn": "taskRoleArn",
    "execution_role_arn": "executionRoleArn",
    "requires_compatibilities": "requiresCompatibilities",
    "pid_mode": "pidMode",
    "ipc_mode": "ipcMode",
    "arn": "taskDefinitionArn",
    "revision": "revision",
}
_SERVICE = {
    "name": "serviceName",
    "cluster": "cluster",
    "task_definition": "taskDefinition",
    "desired_count": "desiredCount",
    "launch_type": "launchType",
    "platform_version": "platformVersion",
    "scheduling_strategy": "schedulingStrategy",
    "health_check_grace_period_seconds": "healthCheckGracePeriodSeconds",
    "enable_execute_command": "enableExecuteCommand",
    "enable_ecs_managed_tags": "enableECSManagedTags",
    "propagate_tags": "propagateTags",
    "availability_zone_rebalancing": "availabilityZoneRebalancing",
    "id": "serviceArn",
}
_PERCENTS = {
    "deployment_minimum_healthy_percent": "minimumHealthyPercent",
    "deployment_maximum_percent": "maximumPercent",
}
_BALANCER = {"target_group_arn": "targetGroupArn", "container_name": "containerName", "elb_name": "loadBalancerName"}
_REGISTRY = {"registry_arn": "registryArn", "container_name": "containerName"}
_PORTS = {"container_port": "containerPort", "port": "port"}
_EFS = {
    "file_system_id": "fileSystemId",
    "root_directory": "rootDirectory",
    "transit_encryption": "transitEncryption",
    "transit_encryption_port": "transitEncryptionPort",
}
_CAPACITY = {"capacity_provider": "capacityProvider", "weight": "weight", "base": "base"}


def task_definition(values: Object, address: str) -> list[Converted]:
    """Return a task definition, whose containers are JSON in a text; none without containers."""
    containers = _containers(values.get("container_definitions"))
    if containers is None:
        return []
    declared: dict[str, Any] = {**renamed(values, _TASK_DEFINITION), ecs.CONTAINERS: containers}
    volumes = [_volume(each) for each in blocks(values, "volume")]
    platform = renamed(
        block(values, "runtime_platform"),
        {"operating_system_family": "operatingSystemFamily", "cpu_architecture": "cpuArchitecture"},
    )
    proxy = block(values, "proxy_configuration")
    if proxy:
        names = {"container_name": "containerName", "type": "type"}
        declared["proxyConfiguration"] = {
            **renamed(proxy, names),
            **pairs(proxy, "properties", "properties", ("name", "value")),
        }
    declared |= {"volumes": volumes} if volumes else {}
    declared |= {"runtimePlatform": platform} if platform else {}
    declared |= pairs(values, "tags", "tags", ("key", "value"))
    return [ecs.task_definition(declared, address, address)]


def service(values: Object, address: str) -> list[Converted]:
    """Return a service."""
    declared = {**renamed(values, _SERVICE), **pairs(values, "tags", "tags", ("key", "value"))}
    network = block(values, "network_configuration")
    if network:
        public = {"assignPublicIp": "ENABLED" if network.get("assign_public_ip") else "DISABLED"}
        names = {"subnets": "subnets", "security_groups": "securityGroups"}
        declared["networkConfiguration"] = {"awsvpcConfiguration": {**renamed(network, names), **public}}
    balancers = [{**renamed(each, _BALANCER), **_ports(each)} for each in blocks(values, "load_balancer")]
    registries = [{**renamed(each, _REGISTRY), **_ports(each)} for each in blocks(values, "service_registries")]
    capacity = [renamed(each, _CAPACITY) for each in blocks(values, "capacity_provider_strategy")]
    controller = renamed(block(values, "deployment_controller"), {"type": "type"})
    # Without a maximum, the service runs one task on each instance of its cluster.
    daemon = declared.get("schedulingStrategy") == "DAEMON"
    for key, found in (
        ("loadBalancers", balancers),
        ("serviceRegistries", registries),
        ("capacityProviderStrategy", capacity),
        ("deploymentController", controller),
        ("deploymentConfiguration", {} if daemon else renamed(values, _PERCENTS)),
    ):
        if found:
            declared[key] = found
    return [ecs.service(declared, address)]


def _containers(text: Any) -> list[Any] | None:
    containers = embedded_json(text)
    if not isinstance(containers, list):
        return None
    # Terraform marks the whole text as secret if one of its values is.
    return [_without_secrets(each) for each in containers] if isinstance(text, Secret) else containers


def _without_secrets(container: Any) -> Any:
    """Return a container whose values of variables are secrets, and words that seem to be one.

    The names of variables with which App Mesh configures Envoy are known, and their values are no secrets.
    """
    if not isinstance(container, dict):
        return container
    hidden = {key: each if key in _NO_SECRETS else _secret_words(each) for key, each in container.items()}
    variables = container.get("environment")
    if isinstance(variables, list):
        hidden["environment"] = [_secret_variable(each) for each in variables]
    return hidden


def _secret_variable(variable: Any) -> Any:
    if not isinstance(variable, dict) or str(variable.get("name")).startswith(_OF_ENVOY):
        return variable
    value = variable.get("value")
    return {**variable, "value": Secret(value)} if isinstance(value, str) and value else variable


def _secret_words(value: Any, before: str = "") -> Any:
    """Return a value whose texts are secrets if they, or the key or the option before them, name a secret.

    URLs and users with a password are secrets, too. Options by themselves are none.
    """
    if isinstance(value, dict):
        return {key: _secret_words(each, key) for key, each in value.items()}
    if isinstance(value, list):
        words = [before, *value]
        return [_secret_words(each, str(word)) for word, each in zip(words, value, strict=False)]
    if not isinstance(value, str):
        return value
    named = (_NAME.fullmatch(before) and _names_secret(before)) or (
        _names_secret(value) and not _OPTION.fullmatch(value)
    )
    has_password = _URL_WITH_PASSWORD.search(value) or _USER_WITH_PASSWORD.search(value)
    return Secret(value) if named or has_password or (before in _USER and ":" in value) else value


def _names_secret(text: str) -> bool:
    return _SECRET.search(_CAMEL_CASE.sub("-", text).lower()) is not None


def _volume(values: Object) -> dict[str, Any]:
    volume = renamed(values, {"name": "name"})
    if values.get("host_path"):
        volume["host"] = {"sourcePath": values["host_path"]}
    efs = block(values, "efs_volume_configuration")
    if efs:
        access = renamed(block(efs, "authorization_config"), {"access_point_id": "accessPointId", "iam": "iam"})
        volume["efsVolumeConfiguration"] = renamed(efs, _EFS) | ({"authorizationConfig": access} if access else {})
    return volume


def _ports(values: Object) -> dict[str, Any]:
    # A port that is not set is 0.
    return {name: each for name, each in renamed(values, _PORTS).items() if each != 0}
