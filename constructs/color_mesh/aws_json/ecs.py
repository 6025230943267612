"""ECS resources in the JSON of the AWS CLI: container definitions, task definitions and services."""

from typing import Any

from color_mesh.aws_json.resource import Converted, Object, capitalized, label_of, only, texts

_SPELLINGS = {
    "efsVolumeConfiguration": "EFSVolumeConfiguration",
    "fileSystemId": "FilesystemId",
    "fsxWindowsFileServerVolumeConfiguration": "FSxWindowsFileServerVolumeConfiguration",
    "iam": "IAM",
}
_MAPS = ("dockerLabels", "options", "driverOpts", "labels")
_TASK_DEFINITION = (
    *("family", "containerDefinitions", "cpu", "memory", "networkMode", "taskRoleArn", "executionRoleArn", "volumes"),
    *("placementConstraints", "requiresCompatibilities", "proxyConfiguration", "runtimePlatform", "ephemeralStorage"),
    *("pidMode", "ipcMode", "tags", "enableFaultInjection"),
)
_SERVICE = (
    *("serviceName", "cluster", "taskDefinition", "desiredCount", "launchType", "platformVersion", "loadBalancers"),
    *("serviceRegistries", "networkConfiguration", "deploymentConfiguration", "deploymentController"),
    *("healthCheckGracePeriodSeconds", "schedulingStrategy", "enableECSManagedTags", "enableExecuteCommand", "tags"),
    *("propagateTags", "capacityProviderStrategy", "placementConstraints", "placementStrategy"),
    "availabilityZoneRebalancing",
)
# One of these is in the definition of a container, and not in other objects with a name and an image.
_CONTAINER = {
    *("portMappings", "environment", "essential", "logConfiguration", "mountPoints", "entryPoint", "dependsOn"),
    *("healthCheck", "memoryReservation", "user", "secrets"),
}
CONTAINERS = "containerDefinitions"


def ecs_resources(value: Object, file_name: str) -> list[Converted] | None:
    """Return the task definition or service that an object declares."""
    if isinstance(value.get(CONTAINERS), list):
        return [task_definition(value, file_name)]
    if is_container(value):
        return [task_definition({CONTAINERS: [value]}, file_name)]
    if "serviceName" in value and ("taskDefinition" in value or "serviceArn" in value):
        return [service(value)]
    return None


def is_container(value: Any) -> bool:
    """Return whether a value is the definition of a container."""
    return isinstance(value, dict) and {"name", "image"} <= value.keys() and not _CONTAINER.isdisjoint(value)


def task_definition(value: Object, default_family: str, label: str | None = None) -> Converted:
    """Return a task definition with keys of the AWS CLI."""
    declared = only(value, _TASK_DEFINITION)
    declared.setdefault("family", default_family)
    properties = capitalized(declared, _SPELLINGS, _MAPS)
    proxy = properties.get("ProxyConfiguration")
    if isinstance(proxy, dict) and "Properties" in proxy:
        proxy["ProxyConfigurationProperties"] = proxy.pop("Properties")
    family, revision = str(declared["family"]), value.get("revision")
    arn = value.get("taskDefinitionArn")
    return Converted(
        type="AWS::ECS::TaskDefinition",
        label=label or label_of("taskDefinition", family),
        properties=properties,
        key=(family,),
        ids=texts(arn, f"{family}:{revision}" if revision else None),
    )


def service(value: Object, label: str | None = None) -> Converted:
    """Return a service with keys of the AWS CLI: ``clusterArn`` and ``tags`` are those of a description."""
    declared = only(value, _SERVICE)
    if "clusterArn" in value:
        declared.setdefault("cluster", value["clusterArn"])
    cluster = str(declared.get("cluster") or "default").rsplit("/", 1)[-1]
    name = str(declared.get("serviceName"))
    return Converted(
        type="AWS::ECS::Service",
        label=label or label_of(f"service/{cluster}", name),
        properties=capitalized(declared, _SPELLINGS),
        key=(cluster, name),
        ids=texts(value.get("serviceArn")),
    )
