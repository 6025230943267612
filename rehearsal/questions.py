"""What to ask the APIs of a resource, a question a type; the answer has CloudFormation's words for what it names."""

from collections.abc import Callable
from typing import Any

from rehearsal.emulated_aws import EmulatedAws
from rehearsal.network_questions import NETWORK

Question = Callable[[EmulatedAws, str, dict[str, Any]], dict[str, Any]]


def ask(aws: EmulatedAws, type: str, id: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Ask for a resource; one that is not there is an error, and so is a type that nobody asks for."""
    if type.startswith("AWS::AppMesh::"):
        return _mesh_resource(aws, type.rpartition("::")[2], properties)
    return QUESTIONS[type](aws, id, properties)


def _cluster(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    cluster = aws.client("ecs").describe_clusters(clusters=[id], include=["SETTINGS"])["clusters"][0]
    return {**cluster, "ClusterSettings": cluster["settings"]}


def _task_definition(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    answer = aws.client("ecs").describe_task_definition(taskDefinition=id)["taskDefinition"]
    if proxy := answer.get("proxyConfiguration"):
        proxy["ProxyConfigurationProperties"] = proxy.pop("properties")
    return _active(answer)


def _service(aws: EmulatedAws, id: str, properties: dict[str, Any]) -> dict[str, Any]:
    answer = aws.client("ecs").describe_services(cluster=properties["Cluster"], services=[id])["services"][0]
    return {**_active(answer), "Cluster": answer["clusterArn"].rpartition("/")[2]}


def _active(answer: dict[str, Any]) -> dict[str, Any]:
    if answer["status"] != "ACTIVE":
        raise LookupError(f"it is {answer['status']}")
    return answer


def _load_balancer(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    api = aws.client("elbv2")
    answer = api.describe_load_balancers(LoadBalancerArns=[id])["LoadBalancers"][0]
    attributes = api.describe_load_balancer_attributes(LoadBalancerArn=id)["Attributes"]
    return {
        **answer,
        "Name": answer["LoadBalancerName"],
        "Subnets": [zone["SubnetId"] for zone in answer["AvailabilityZones"]],
        "LoadBalancerAttributes": attributes,
    }


def _target_group(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    api = aws.client("elbv2")
    answer = api.describe_target_groups(TargetGroupArns=[id])["TargetGroups"][0]
    attributes = api.describe_target_group_attributes(TargetGroupArn=id)["Attributes"]
    return {**answer, "Name": answer["TargetGroupName"], "TargetGroupAttributes": attributes}


def _listener(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = aws.client("elbv2").describe_listeners(ListenerArns=[id])["Listeners"][0]
    return answer


def _role(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    api = aws.client("iam")
    attached = api.list_attached_role_policies(RoleName=id)["AttachedPolicies"]
    return {**api.get_role(RoleName=id)["Role"], "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached]}


def _policy(aws: EmulatedAws, _: str, properties: dict[str, Any]) -> dict[str, Any]:
    api, name = aws.client("iam"), properties["PolicyName"]
    answers = [api.get_role_policy(RoleName=role, PolicyName=name) for role in properties["Roles"]]
    return {**answers[0], "Roles": [answer["RoleName"] for answer in answers]}


def _log_group(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=id)["logGroups"]
    (answer,) = (group for group in groups if group["logGroupName"] == id)
    found: dict[str, Any] = answer
    return found


def _namespace(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = aws.client("servicediscovery").get_namespace(Id=id)["Namespace"]
    zone = answer["Properties"]["DnsProperties"]["HostedZoneId"]
    vpcs = aws.client("route53").get_hosted_zone(Id=zone)["VPCs"]
    return {**answer, "Vpc": vpcs[0]["VPCId"], "HostedZoneId": zone}


def _cloud_map_service(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = aws.client("servicediscovery").get_service(Id=id)["Service"]
    return answer


def _zone(aws: EmulatedAws, id: str, _: dict[str, Any]) -> dict[str, Any]:
    answer = aws.client("route53").get_hosted_zone(Id=id)
    return {**answer["HostedZone"], "VPCs": answer.get("VPCs", []), "HostedZoneConfig": answer["HostedZone"]["Config"]}


def _record(aws: EmulatedAws, _: str, properties: dict[str, Any]) -> dict[str, Any]:
    zone = properties["HostedZoneId"]
    records = aws.listed("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
    wanted = (f"{properties['Name'].rstrip('.')}.", properties["Type"])
    (answer,) = (record for record in records if (record["Name"], record["Type"]) == wanted)
    values = [record["Value"] for record in answer.get("ResourceRecords", [])]
    return {**answer, "Name": properties["Name"], "HostedZoneId": zone, "ResourceRecords": values}


def _mesh_resource(aws: EmulatedAws, noun: str, properties: dict[str, Any]) -> dict[str, Any]:
    names = {f"{name[0].lower()}{name[1:]}": value for name, value in properties.items() if name.endswith("Name")}
    operation = "describe" + "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in noun)
    answer = getattr(aws.client("appmesh"), operation)(**names)[f"{noun[0].lower()}{noun[1:]}"]
    return {**answer, "Arn": answer["metadata"]["arn"]}


QUESTIONS: dict[str, Question] = {
    **NETWORK,
    "AWS::ECS::Cluster": _cluster,
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
    "AWS::ServiceDiscovery::PrivateDnsNamespace": _namespace,
    "AWS::ServiceDiscovery::Service": _cloud_map_service,
}
