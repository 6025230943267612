"""Descriptions of the resources of a VPC by the EC2 API."""

from collections.abc import Callable
from typing import Any

from rehearsal.emulated_aws import EmulatedAws

Description = dict[str, Any]


def _described(operation: str, key: str, parameter: str) -> Callable[[EmulatedAws, str, Description], Description]:
    """Return a function that describes the resource with an id."""

    def describe(aws: EmulatedAws, id: str, _: Description) -> Description:
        (response,) = getattr(aws.client("ec2"), operation)(**{parameter: [id]})[key]
        description: Description = response
        return description

    return describe


def _vpc(aws: EmulatedAws, id: str, _: Description) -> Description:
    response = _described("describe_vpcs", "Vpcs", "VpcIds")(aws, id, {})
    for attribute in ("EnableDnsHostnames", "EnableDnsSupport"):
        attributes = aws.client("ec2").describe_vpc_attribute(VpcId=id, Attribute=f"e{attribute[1:]}")
        response[attribute] = attributes[attribute]["Value"]
    return response


def _security_group(aws: EmulatedAws, id: str, _: Description) -> Description:
    response = _described("describe_security_groups", "SecurityGroups", "GroupIds")(aws, id, {})
    return {
        **response,
        "GroupDescription": response["Description"],
        "SecurityGroupIngress": _rules(response["IpPermissions"]),
        "SecurityGroupEgress": _rules(response["IpPermissionsEgress"]),
    }


def _rules(permissions: list[Description]) -> list[Description]:
    """Return one rule for each source of the permissions, which EC2 groups by ports."""
    return [
        {**permission, **source}
        for permission in permissions
        for source in [*permission["IpRanges"], *permission["UserIdGroupPairs"]]
    ]


def _rule(direction: str, peer: str) -> Callable[[EmulatedAws, str, Description], Description]:
    """Return a function that describes a separate rule, by its group and its peer."""

    def describe(aws: EmulatedAws, _: str, properties: Description) -> Description:
        group = _security_group(aws, properties["GroupId"], {})
        key = (properties.get(peer), properties.get("CidrIp"), properties.get("FromPort"))
        rules = [
            {**rule, "GroupId": group["GroupId"], peer: rule.get("GroupId")}
            for rule in group[f"SecurityGroup{direction}"]
            if (rule.get("GroupId"), rule.get("CidrIp"), rule.get("FromPort")) == key
        ]
        (response,) = rules
        return response

    return describe


def _route(aws: EmulatedAws, _: str, properties: Description) -> Description:
    table = _described("describe_route_tables", "RouteTables", "RouteTableIds")(aws, properties["RouteTableId"], {})
    destination = properties["DestinationCidrBlock"]
    (route,) = (route for route in table["Routes"] if route.get("DestinationCidrBlock") == destination)
    return {**route, "RouteTableId": table["RouteTableId"]}


def _association(aws: EmulatedAws, id: str, properties: Description) -> Description:
    table = _described("describe_route_tables", "RouteTables", "RouteTableIds")(aws, properties["RouteTableId"], {})
    (response,) = (each for each in table["Associations"] if each["RouteTableAssociationId"] == id)
    description: Description = response
    return description


def _attachment(aws: EmulatedAws, _: str, properties: Description) -> Description:
    describe = _described("describe_internet_gateways", "InternetGateways", "InternetGatewayIds")
    gateway = describe(aws, properties["InternetGatewayId"], {})
    return {**gateway, "VpcId": gateway["Attachments"][0]["VpcId"]}


def _nat_gateway(aws: EmulatedAws, id: str, _: Description) -> Description:
    response = _described("describe_nat_gateways", "NatGateways", "NatGatewayIds")(aws, id, {})
    return {**response, "AllocationId": response["NatGatewayAddresses"][0]["AllocationId"]}


def _flow_log(aws: EmulatedAws, id: str, _: Description) -> Description:
    response = _described("describe_flow_logs", "FlowLogs", "FlowLogIds")(aws, id, {})
    # The API returns the type as part of the id only.
    return {**response, "ResourceType": "VPC" if response["ResourceId"].startswith("vpc-") else None}


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
