"""Descriptions of deployed resources by their APIs, with the property names of CloudFormation."""

from collections.abc import Callable
from typing import Any

from rehearsal.certificate_descriptions import CERTIFICATES
from rehearsal.data_descriptions import DATA
from rehearsal.emulated_aws import EmulatedAws
from rehearsal.network_descriptions import NETWORK

Describe = Callable[[EmulatedAws, str, dict[str, Any]], dict[str, Any]]


def describe(aws: EmulatedAws, type: str, id: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the API's description of a resource; a missing resource and an unknown type are errors."""
    if type.startswith("AWS::AppMesh::"):
        return _mesh_resource(aws, type.rpartition("::")[2], properties)
    return DESCRIPTIONS[type](aws, id, properties)


def _cluster(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    cluster = aws.client("ecs").describe_clusters(clusters=[id], include=["SETTINGS"])["clusters"][0]
    return {**cluster, "ClusterSettings": cluster["settings"]}


def _task_definition(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    response = aws.client("ecs").describe_task_definition(taskDefinition=id)["taskDefinition"]
    if proxy := response.get("proxyConfiguration"):
        proxy["ProxyConfigurationProperties"] = proxy.pop("properties")
    return _active(response)


def _service(aws: EmulatedAws, id: str, properties: dict[str, Any]) -> dict[str, Any]:
    response = aws.client("ecs").describe_services(cluster=properties["Cluster"], services=[id], include=["TAGS"])[
        "services"
    ][0]
    tags = [{"Key": tag["key"], "Value": tag["value"]} for tag in response.get("tags", [])]
    return {**_active(response), "Cluster": response["clusterArn"].rpartition("/")[2], "Tags": tags}


def _active(response: dict[str, Any]) -> dict[str, Any]:
    if response["status"] != "ACTIVE":
        raise LookupError(f"its status is {response['status']}")
    return response


def _load_balancer(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    api = aws.client("elbv2")
    response = api.describe_load_balancers(LoadBalancerArns=[id])["LoadBalancers"][0]
    attributes = api.describe_load_balancer_attributes(LoadBalancerArn=id)["Attributes"]
    return {
        **response,
        "Name": response["LoadBalancerName"],
        "Subnets": [zone["SubnetId"] for zone in response["AvailabilityZones"]],
        "LoadBalancerAttributes": attributes,
    }


def _target_group(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    api = aws.client("elbv2")
    response = api.describe_target_groups(TargetGroupArns=[id])["TargetGroups"][0]
    attributes = api.describe_target_group_attributes(TargetGroupArn=id)["Attributes"]
    return {**response, "Name": response["TargetGroupName"], "TargetGroupAttributes": attributes}


def _listener(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = aws.client("elbv2").describe_listeners(ListenerArns=[id])["Listeners"][0]
    return response


def _role(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    api = aws.client("iam")
    attached = api.list_attached_role_policies(RoleName=id)["AttachedPolicies"]
    return {**api.get_role(RoleName=id)["Role"], "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached]}


def _policy(aws: EmulatedAws, _: str, properties: dict[str, Any]) -> dict[str, Any]:
    api, name = aws.client("iam"), properties["PolicyName"]
    responses = [api.get_role_policy(RoleName=role, PolicyName=name) for role in properties["Roles"]]
    return {**responses[0], "Roles": [response["RoleName"] for response in responses]}


def _log_group(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=id)["logGroups"]
    (response,) = (group for group in groups if group["logGroupName"] == id)
    description: dict[str, Any] = response
    return description


def _namespace(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = aws.client("servicediscovery").get_namespace(Id=id)["Namespace"]
    zone = response["Properties"]["DnsProperties"]["HostedZoneId"]
    vpcs = aws.client("route53").get_hosted_zone(Id=zone)["VPCs"]
    return {**response, "Vpc": vpcs[0]["VPCId"], "HostedZoneId": zone}


def _cloud_map_service(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = aws.client("servicediscovery").get_service(Id=id)["Service"]
    return response


def _cloud_map_instance(aws: EmulatedAws, id: str, properties: dict[str, Any]) -> dict[str, Any]:
    service = properties["ServiceId"]
    instance = aws.client("servicediscovery").get_instance(ServiceId=service, InstanceId=id)["Instance"]
    return {"InstanceId": instance["Id"], "ServiceId": service, "InstanceAttributes": instance["Attributes"]}


def _zone(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    response = aws.client("route53").get_hosted_zone(Id=id)
    return {
        **response["HostedZone"],
        "VPCs": response.get("VPCs", []),
        "HostedZoneConfig": response["HostedZone"]["Config"],
    }


def _record(aws: EmulatedAws, _: str, properties: dict[str, Any]) -> dict[str, Any]:
    zone = properties["HostedZoneId"]
    records = aws.listed("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
    key = (f"{properties['Name'].rstrip('.')}.", properties["Type"])
    identifier = properties.get("SetIdentifier")
    (response,) = (
        record
        for record in records
        if (record["Name"], record["Type"]) == key and record.get("SetIdentifier") == identifier
    )
    values = [record["Value"] for record in response.get("ResourceRecords", [])]
    return {**response, "Name": properties["Name"], "HostedZoneId": zone, "ResourceRecords": values}


def _alarm(aws: EmulatedAws, name: str, _: dict[str, Any]) -> dict[str, Any]:
    (response,) = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return {**response, "Arn": response["AlarmArn"]}


def _state_machine(aws: EmulatedAws, arn: str, properties: dict[str, Any]) -> dict[str, Any]:
    response = aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    # moto does not return all of it.
    logging = properties["LoggingConfiguration"]
    return {**response, "DefinitionString": response["definition"], "LoggingConfiguration": logging}


def _mesh_resource(aws: EmulatedAws, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    names = {f"{name[0].lower()}{name[1:]}": value for name, value in properties.items() if name.endswith("Name")}
    operation = "describe" + "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind)
    response = getattr(aws.client("appmesh"), operation)(**names)[f"{kind[0].lower()}{kind[1:]}"]
    return {**response, "Arn": response["metadata"]["arn"]}


DESCRIPTIONS: dict[str, Describe] = {
    **CERTIFICATES,
    **DATA,
    **NETWORK,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::ECS::Cluster": _cluster,
    "AWS::ECS::ClusterCapacityProviderAssociations": lambda aws, id, _: {**_cluster(aws, id, {}), "Cluster": id},
    "AWS::ECS::Service": _service,
    "AWS::ECS::TaskDefinition": _task_definition,
    "AWS::ElasticLoadBalancingV2::Listener": _listener,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _load_balancer,
    "AWS::ElasticLoadBalancingV2::TargetGroup": _target_group,
    "AWS::IAM::Policy": _policy,
    "AWS::IAM::Role": _role,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Route53::HostedZone": _zone,
    "AWS::Route53::RecordSet": _record,
    "AWS::StepFunctions::StateMachine": _state_machine,
    "AWS::ServiceDiscovery::PrivateDnsNamespace": _namespace,
    "AWS::ServiceDiscovery::Instance": _cloud_map_instance,
    "AWS::ServiceDiscovery::Service": _cloud_map_service,
}
