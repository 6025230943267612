"""ECS resource types: moto's CloudFormation drops all properties of a service but name, count and task definition."""

import json

from rehearsal.emulator.apis import Properties, call, client, known
from rehearsal.emulator.resource_types import Created, ResourceType

# Limit of ECS, which moto lacks.
MAXIMUM_SIZE = 64 * 1024


def _create_cluster(properties: Properties) -> Created:
    cluster = call("ecs", "CreateCluster", properties)["cluster"]
    return Created(id=cluster["clusterName"], attributes={"Arn": cluster["clusterArn"]})


def _create_task_definition(properties: Properties) -> Created:
    size = len(json.dumps(properties))
    if size > MAXIMUM_SIZE:
        raise ValueError(f"Actual size {size}, maximum size {MAXIMUM_SIZE} (bytes of a task definition)")
    arn = call("ecs", "RegisterTaskDefinition", properties)["taskDefinition"]["taskDefinitionArn"]
    return Created(id=arn, attributes={"TaskDefinitionArn": arn})


def _create_service(properties: Properties) -> Created:
    _check_name(properties)
    _check_target_groups(properties)
    service = call("ecs", "CreateService", properties)["service"]
    # moto's CreateService ignores some parameters, its UpdateService none.
    _update_service(service["serviceArn"], properties)
    return Created(
        id=service["serviceArn"], attributes={"Name": service["serviceName"], "ServiceArn": service["serviceArn"]}
    )


def _update_service(arn: str, properties: Properties) -> None:
    changeable = known("ecs", "UpdateService", properties)
    call("ecs", "UpdateService", {**changeable, "Service": arn})


def _delete_service(arn: str, properties: Properties) -> None:
    client("ecs").delete_service(cluster=properties["Cluster"], service=arn, force=True)


def _check_name(properties: Properties) -> None:
    """Raise an error for a duplicate service name, with which moto would replace the first service."""
    response = client("ecs").describe_services(cluster=properties["Cluster"], services=[properties["ServiceName"]])
    if any(service["status"] == "ACTIVE" for service in response["services"]):
        raise ValueError(f"Creation of service {properties['ServiceName']} was not idempotent.")


def _check_target_groups(properties: Properties) -> None:
    """Raise an error for a target group without a load balancer, as ECS does."""
    arns = [entry["TargetGroupArn"] for entry in properties.get("LoadBalancers", [])]
    groups = client("elbv2").describe_target_groups(TargetGroupArns=arns)["TargetGroups"] if arns else []
    for group in groups:
        if not group["LoadBalancerArns"]:
            raise ValueError(f"The target group {group['TargetGroupArn']} does not have an associated load balancer.")


def _put_capacity_providers(properties: Properties) -> Created:
    call("ecs", "PutClusterCapacityProviders", properties)
    return Created(id=properties["Cluster"])


def _remove_capacity_providers(cluster: str, _: Properties) -> None:
    client("ecs").put_cluster_capacity_providers(
        cluster=cluster, capacityProviders=[], defaultCapacityProviderStrategy=[]
    )


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::ECS::Cluster",
        name_property="ClusterName",
        create=_create_cluster,
        delete=lambda name, _: client("ecs").delete_cluster(cluster=name),
    ),
    ResourceType(
        name="AWS::ECS::ClusterCapacityProviderAssociations",
        create=_put_capacity_providers,
        delete=_remove_capacity_providers,
    ),
    ResourceType(
        name="AWS::ECS::TaskDefinition",
        name_property="Family",
        create=_create_task_definition,
        delete=lambda arn, _: client("ecs").deregister_task_definition(taskDefinition=arn),
    ),
    ResourceType(
        name="AWS::ECS::Service",
        name_property="ServiceName",
        create=_create_service,
        update=_update_service,
        delete=_delete_service,
    ),
)
