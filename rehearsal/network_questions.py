"""What to ask EC2 of what is in a VPC."""

from collections.abc import Callable
from typing import Any

from rehearsal.emulated_aws import EmulatedAws

Answer = dict[str, Any]


def _described(operation: str, key: str, parameter: str) -> Callable[[EmulatedAws, str, Answer], Answer]:
    """Ask for the one thing with an id."""

    def question(aws: EmulatedAws, id: str, _: Answer) -> Answer:
        (answer,) = getattr(aws.client("ec2"), operation)(**{parameter: [id]})[key]
        found: Answer = answer
        return found

    return question


def _vpc(aws: EmulatedAws, id: str, _: Answer) -> Answer:
    answer = _described("describe_vpcs", "Vpcs", "VpcIds")(aws, id, {})
    for attribute in ("EnableDnsHostnames", "EnableDnsSupport"):
        told = aws.client("ec2").describe_vpc_attribute(VpcId=id, Attribute=f"e{attribute[1:]}")
        answer[attribute] = told[attribute]["Value"]
    return answer


def _security_group(aws: EmulatedAws, id: str, _: Answer) -> Answer:
    answer = _described("describe_security_groups", "SecurityGroups", "GroupIds")(aws, id, {})
    return {
        **answer,
        "GroupDescription": answer["Description"],
        "SecurityGroupIngress": _rules(answer["IpPermissions"]),
        "SecurityGroupEgress": _rules(answer["IpPermissionsEgress"]),
    }


def _rules(permissions: list[Answer]) -> list[Answer]:
    """Tell permissions, which group sources by ports, a source at a time."""
    return [
        {**permission, **source}
        for permission in permissions
        for source in [*permission["IpRanges"], *permission["UserIdGroupPairs"]]
    ]


def _rule(direction: str, peer: str) -> Callable[[EmulatedAws, str, Answer], Answer]:
    """Ask for a rule that is a resource of its own, by its group and its peer."""

    def question(aws: EmulatedAws, _: str, properties: Answer) -> Answer:
        group = _security_group(aws, properties["GroupId"], {})
        wanted = (properties.get(peer), properties.get("CidrIp"), properties.get("FromPort"))
        rules = [
            {**rule, "GroupId": group["GroupId"], peer: rule.get("GroupId")}
            for rule in group[f"SecurityGroup{direction}"]
            if (rule.get("GroupId"), rule.get("CidrIp"), rule.get("FromPort")) == wanted
        ]
        (answer,) = rules
        return answer

    return question


def _route(aws: EmulatedAws, _: str, properties: Answer) -> Answer:
    table = _described("describe_route_tables", "RouteTables", "RouteTableIds")(aws, properties["RouteTableId"], {})
    wanted = properties["DestinationCidrBlock"]
    (route,) = (route for route in table["Routes"] if route.get("DestinationCidrBlock") == wanted)
    return {**route, "RouteTableId": table["RouteTableId"]}


def _association(aws: EmulatedAws, id: str, properties: Answer) -> Answer:
    table = _described("describe_route_tables", "RouteTables", "RouteTableIds")(aws, properties["RouteTableId"], {})
    (answer,) = (found for found in table["Associations"] if found["RouteTableAssociationId"] == id)
    found: Answer = answer
    return found


def _attachment(aws: EmulatedAws, _: str, properties: Answer) -> Answer:
    ask = _described("describe_internet_gateways", "InternetGateways", "InternetGatewayIds")
    gateway = ask(aws, properties["InternetGatewayId"], {})
    return {**gateway, "VpcId": gateway["Attachments"][0]["VpcId"]}


def _nat_gateway(aws: EmulatedAws, id: str, _: Answer) -> Answer:
    answer = _described("describe_nat_gateways", "NatGateways", "NatGatewayIds")(aws, id, {})
    return {**answer, "AllocationId": answer["NatGatewayAddresses"][0]["AllocationId"]}


def _flow_log(aws: EmulatedAws, id: str, _: Answer) -> Answer:
    answer = _described("describe_flow_logs", "FlowLogs", "FlowLogIds")(aws, id, {})
    # The API tells the type by the id only.
    return {**answer, "ResourceType": "VPC" if answer["ResourceId"].startswith("vpc-") else None}


NETWORK = {
    "AWS::EC2::EIP": _described("describe_addresses", "Addresses", "PublicIps"),
    "AWS::EC2::FlowLog": _flow_log,
    "AWS::EC2::InternetGateway": _described("describe_internet_gateways", "InternetGateways", "InternetGatewayIds"),
    "AWS::EC2::NatGateway": _nat_gateway,
    "AWS::EC2::Route": _route,
    "AWS::EC2::RouteTable": _described("describe_route_tables", "RouteTables", "RouteTableIds"),
    "AWS::EC2::SecurityGroup": _security_group,
    "AWS::EC2::SecurityGroupEgress": _rule("Egress", "DestinationSecurityGroupId"),
    "AWS::EC2::SecurityGroupIngress": _rule("Ingress", "SourceSecurityGroupId"),
    "AWS::EC2::Subnet": _described("describe_subnets", "Subnets", "SubnetIds"),
    "AWS::EC2::SubnetRouteTableAssociation": _association,
    "AWS::EC2::VPC": _vpc,
    "AWS::EC2::VPCGatewayAttachment": _attachment,
}
