"""Inventory of the account by resource type, without resources that exist before the first deployment."""

from collections.abc import Callable, Collection

from rehearsal.command_line import RehearsalError
from rehearsal.deployed import Deployed
from rehearsal.emulated_aws import EmulatedAws

BOOTSTRAPPED = "cdk-hnb659fds-"
MESH = "color-mesh"


def _clusters(aws: EmulatedAws) -> list[str]:
    arns = aws.listed("ecs", "list_clusters", "clusterArns")
    clusters = aws.client("ecs").describe_clusters(clusters=arns)["clusters"] if arns else []
    # ECS lists deleted clusters for a while.
    return [cluster["clusterName"] for cluster in clusters if cluster["status"] != "INACTIVE"]


def _authorities(aws: EmulatedAws) -> list[str]:
    authorities = aws.listed("acm-pca", "list_certificate_authorities", "CertificateAuthorities")
    # A deleted authority can be restored for 30 days.
    return [each["Arn"] for each in authorities if each["Status"] != "DELETED"]


def _services(aws: EmulatedAws) -> list[str]:
    ecs = aws.client("ecs")
    named = {cluster: aws.listed("ecs", "list_services", "serviceArns", cluster=cluster) for cluster in _clusters(aws)}
    described = [
        service
        for cluster, arns in named.items()
        if arns
        for service in ecs.describe_services(cluster=cluster, services=arns)["services"]
    ]
    return [service["serviceArn"] for service in described if service["status"] != "INACTIVE"]


def _task_definitions(aws: EmulatedAws) -> list[str]:
    arns: list[str] = aws.listed("ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE")
    return arns


def _roles(aws: EmulatedAws) -> list[str]:
    names = [role["RoleName"] for role in aws.listed("iam", "list_roles", "Roles")]
    return [name for name in names if not name.startswith(BOOTSTRAPPED)]


def _zones(aws: EmulatedAws) -> list[str]:
    zones = [zone["Id"].rpartition("/")[2] for zone in aws.listed("route53", "list_hosted_zones", "HostedZones")]
    cloud_map = aws.client("servicediscovery")
    namespaces = [cloud_map.get_namespace(Id=id)["Namespace"] for id in _namespaces(aws)]
    namespace_zones = {namespace["Properties"]["DnsProperties"]["HostedZoneId"] for namespace in namespaces}
    return [zone for zone in zones if zone not in {id.rpartition("/")[2] for id in namespace_zones}]


def _namespaces(aws: EmulatedAws) -> list[str]:
    return [namespace["Id"] for namespace in aws.client("servicediscovery").list_namespaces()["Namespaces"]]


def _cloud_map_services(aws: EmulatedAws) -> list[str]:
    return [service["Id"] for service in aws.client("servicediscovery").list_services()["Services"]]


def _in_ec2(operation: str, key: str, id: str, **parameters: object) -> Callable[[EmulatedAws], list[str]]:
    return lambda aws: [item[id] for item in aws.listed("ec2", operation, key, **parameters)]


def _of_mesh(operation: str, key: str) -> Callable[[EmulatedAws], list[str]]:
    def arns(aws: EmulatedAws) -> list[str]:
        if not aws.listed("appmesh", "list_meshes", "meshes"):
            return []
        return [item["arn"] for item in aws.listed("appmesh", operation, key, meshName=MESH)]

    return arns


NOT_DEFAULT = [{"Name": "is-default", "Values": ["false"]}]
AVAILABLE = [{"Name": "state", "Values": ["pending", "available"]}]
LISTS: dict[str, Callable[[EmulatedAws], list[str]]] = {
    "AWS::AppMesh::Mesh": lambda aws: [mesh["arn"] for mesh in aws.listed("appmesh", "list_meshes", "meshes")],
    "AWS::AppMesh::VirtualGateway": _of_mesh("list_virtual_gateways", "virtualGateways"),
    "AWS::AppMesh::VirtualNode": _of_mesh("list_virtual_nodes", "virtualNodes"),
    "AWS::AppMesh::VirtualRouter": _of_mesh("list_virtual_routers", "virtualRouters"),
    "AWS::AppMesh::VirtualService": _of_mesh("list_virtual_services", "virtualServices"),
    "AWS::ACMPCA::CertificateAuthority": _authorities,
    "AWS::CertificateManager::Certificate": lambda aws: [
        each["CertificateArn"] for each in aws.listed("acm", "list_certificates", "CertificateSummaryList")
    ],
    "AWS::EC2::EIP": lambda aws: [
        address["PublicIp"] for address in aws.client("ec2").describe_addresses()["Addresses"]
    ],
    "AWS::EC2::FlowLog": _in_ec2("describe_flow_logs", "FlowLogs", "FlowLogId"),
    "AWS::EC2::InternetGateway": _in_ec2("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "AWS::EC2::NatGateway": _in_ec2("describe_nat_gateways", "NatGateways", "NatGatewayId", Filter=AVAILABLE),
    "AWS::EC2::VPC": _in_ec2("describe_vpcs", "Vpcs", "VpcId", Filters=NOT_DEFAULT),
    "AWS::ECS::Cluster": _clusters,
    "AWS::ECS::Service": _services,
    "AWS::ECS::TaskDefinition": _task_definitions,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": lambda aws: [
        each["LoadBalancerArn"] for each in aws.listed("elbv2", "describe_load_balancers", "LoadBalancers")
    ],
    "AWS::ElasticLoadBalancingV2::TargetGroup": lambda aws: [
        each["TargetGroupArn"] for each in aws.listed("elbv2", "describe_target_groups", "TargetGroups")
    ],
    "AWS::IAM::Role": _roles,
    "AWS::Logs::LogGroup": lambda aws: [
        group["logGroupName"] for group in aws.listed("logs", "describe_log_groups", "logGroups")
    ],
    "AWS::Route53::HostedZone": _zones,
    "AWS::ServiceDiscovery::PrivateDnsNamespace": _namespaces,
    "AWS::ServiceDiscovery::Service": _cloud_map_services,
}


def check_nothing_else(deployed: Deployed) -> None:
    """Check that the account has the resources of the templates and no others."""
    _check({type: deployed.ids_of(type) for type in LISTS}, deployed.aws)
    groups = sorted(deployed.ids_of("AWS::EC2::SecurityGroup"))
    of_groups = [{"Name": "group-id", "Values": groups}]
    rules = deployed.aws.listed("ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=of_groups)
    if len(rules) != _count_rules(deployed):
        raise RehearsalError(f"security groups have {len(rules)} rules, expected {_count_rules(deployed)}")


def check_nothing_left(aws: EmulatedAws, retained: Collection[str] = ()) -> None:
    """Check that the account has no resources of the app but those that its templates retain."""
    _check({type: set(listed(aws)).intersection(retained) for type, listed in LISTS.items()}, aws)
    stacks = {stack["StackName"] for stack in aws.client("cloudformation").describe_stacks()["Stacks"]}
    if stacks != {"CDKToolkit"}:
        raise RehearsalError(f"remaining stacks: {', '.join(sorted(stacks))}")


def _count_rules(deployed: Deployed) -> int:
    """Return the number of rules in security groups and in separate resources."""
    resources = [resource for template in deployed.templates.values() for resource in template["Resources"].values()]
    groups = [resource["Properties"] for resource in resources if resource["Type"] == "AWS::EC2::SecurityGroup"]
    # EC2 creates a group with a rule that allows all outbound traffic, unless the template has rules for it.
    in_groups = [
        rules
        for group in groups
        for rules in (group.get("SecurityGroupIngress", []), group.get("SecurityGroupEgress", [{}]))
    ]
    alone = ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")
    return sum(map(len, in_groups)) + sum(resource["Type"] in alone for resource in resources)


def _check(expected: dict[str, set[str]], aws: EmulatedAws) -> None:
    actual = {type: set(listed(aws)) for type, listed in LISTS.items()}
    problems = [
        f"{type}: {sorted(actual[type])}, expected {sorted(expected[type])}"
        for type in LISTS
        if actual[type] != expected[type]
    ]
    if problems:
        raise RehearsalError("the account has other resources:\n" + "\n".join(problems))
