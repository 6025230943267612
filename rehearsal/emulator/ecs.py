"""ECS: moto's CloudFormation keeps a service's name, count and task definition, and drops the rest."""

import json

from rehearsal.emulator.apis import Properties, call, client, known
from rehearsal.emulator.kinds import Kind, Made

# ECS refuses more; moto does not.
MAXIMUM_SIZE = 64 * 1024


def _create_cluster(properties: Properties) -> Made:
    cluster = call("ecs", "CreateCluster", properties)["cluster"]
    return Made(id=cluster["clusterName"], attributes={"Arn": cluster["clusterArn"]})


def _create_task_definition(properties: Properties) -> Made:
    size = len(json.dumps(properties))
    if size > MAXIMUM_SIZE:
        raise ValueError(f"Actual size {size}, maximum size {MAXIMUM_SIZE} (bytes of a task definition)")
    arn = call("ecs", "RegisterTaskDefinition", properties)["taskDefinition"]["taskDefinitionArn"]
    return Made(id=arn, attributes={"TaskDefinitionArn": arn})


def _create_service(properties: Properties) -> Made:
    _check_name(properties)
    _check_target_groups(properties)
    service = call("ecs", "CreateService", properties)["service"]
    # moto's CreateService forgets some of its parameters, its UpdateService none.
    _update_service(service["serviceArn"], properties)
    return Made(
        id=service["serviceArn"], attributes={"Name": service["serviceName"], "ServiceArn": service["serviceArn"]}
    )


def _update_service(arn: str, properties: Properties) -> None:
    changeable = known("ecs", "UpdateService", properties)
    call("ecs", "UpdateService", {**changeable, "Service": arn})


def _delete_service(arn: str, properties: Properties) -> None:
    client("ecs").delete_service(cluster=properties["Cluster"], service=arn, force=True)


def _check_name(properties: Properties) -> None:
    """Refuse a second service of one name, which moto would put in the first one's place."""
    named = client("ecs").describe_services(cluster=properties["Cluster"], services=[properties["ServiceName"]])
    if any(service["status"] == "ACTIVE" for service in named["services"]):
        raise ValueError(f"Creation of service {properties['ServiceName']} was not idempotent.")


def _check_target_groups(properties: Properties) -> None:
    """Refuse a target group that no listener forwards to yet, as ECS does."""
    arns = [entry["TargetGroupArn"] for entry in properties.get("LoadBalancers", [])]
    groups = client("elbv2").describe_target_groups(TargetGroupArns=arns)["TargetGroups"] if arns else []
    for group in groups:
        if not group["LoadBalancerArns"]:
            raise ValueError(f"The target group {group['TargetGroupArn']} does not have an associated load balancer.")


KINDS = (
    Kind(
        type="AWS::ECS::Cluster",
        name_property="ClusterName",
        create=_create_cluster,
        delete=lambda name, _: client("ecs").delete_cluster(cluster=name),
    ),
    Kind(
        type="AWS::ECS::TaskDefinition",
        name_property="Family",
        create=_create_task_definition,
        delete=lambda arn, _: client("ecs").deregister_task_definition(taskDefinition=arn),
    ),
    Kind(
        type="AWS::ECS::Service",
        name_property="ServiceName",
        create=_create_service,
        update=_update_service,
        delete=_delete_service,
    ),
)
