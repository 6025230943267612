"""VPCs and what is in them, through the API.

moto's CloudFormation has no flow logs, drops DNS hostnames and public addresses, and leaves most when stacks go.
"""

from collections.abc import Callable
from typing import Any

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.kinds import Kind, Made

DNS = ("EnableDnsHostnames", "EnableDnsSupport")


def create(operation: str, tagged: str, properties: Properties) -> Any:
    """Create something with tags."""
    parameters = dict(properties)
    if tags := parameters.pop("Tags", []):
        parameters["TagSpecifications"] = [{"ResourceType": tagged, "Tags": tags}]
    return getattr(client("ec2"), operation)(**parameters)


def _create_vpc(properties: Properties) -> Made:
    kept = {name: value for name, value in properties.items() if name not in DNS}
    id = create("create_vpc", "vpc", kept)["Vpc"]["VpcId"]
    for name in DNS:
        if name in properties:
            # The API changes one attribute a call.
            client("ec2").modify_vpc_attribute(VpcId=id, **{name: {"Value": properties[name]}})
    return Made(id=id, attributes={"VpcId": id, "CidrBlock": properties["CidrBlock"]})


def _create_subnet(properties: Properties) -> Made:
    kept = {name: value for name, value in properties.items() if name != "MapPublicIpOnLaunch"}
    id = create("create_subnet", "subnet", kept)["Subnet"]["SubnetId"]
    public = {"Value": properties.get("MapPublicIpOnLaunch", False)}
    client("ec2").modify_subnet_attribute(SubnetId=id, MapPublicIpOnLaunch=public)
    return Made(id=id, attributes={"SubnetId": id, "AvailabilityZone": properties["AvailabilityZone"]})


def _create_flow_log(properties: Properties) -> Made:
    parameters = {name: value for name, value in properties.items() if name != "ResourceId"}
    answer = create("create_flow_logs", "vpc-flow-log", {**parameters, "ResourceIds": [properties["ResourceId"]]})
    if answer["Unsuccessful"]:
        raise ValueError(answer["Unsuccessful"][0]["Error"]["Message"])
    return Made(id=answer["FlowLogIds"][0], attributes={"Id": answer["FlowLogIds"][0]})


def _create_elastic_ip(properties: Properties) -> Made:
    answer = create("allocate_address", "elastic-ip", properties)
    return Made(id=answer["PublicIp"], attributes={name: answer[name] for name in ("AllocationId", "PublicIp")})


def _delete_elastic_ip(address: str, _: Properties) -> None:
    found = client("ec2").describe_addresses(PublicIps=[address])["Addresses"][0]
    client("ec2").release_address(AllocationId=found["AllocationId"])


def _create_route(properties: Properties) -> Made:
    create("create_route", "", properties)
    return Made(id=f"{properties['RouteTableId']}|{properties['DestinationCidrBlock']}")


def _delete_route(_: str, properties: Properties) -> None:
    where = {name: properties[name] for name in ("RouteTableId", "DestinationCidrBlock")}
    client("ec2").delete_route(**where)


def _associate(properties: Properties) -> Made:
    return Made(id=create("associate_route_table", "", properties)["AssociationId"])


def _attach_gateway(properties: Properties) -> Made:
    create("attach_internet_gateway", "", properties)
    return Made(id=f"IGW|{properties['VpcId']}")


def simple(type: str, create_operation: str, tagged: str, answer: str, delete: Callable[[str], object]) -> Kind:
    """Make the type of something with an id of its own, ``answer`` its path in what the API answers."""
    outer, inner = answer.split(".")

    def made(properties: Properties) -> Made:
        id = create(create_operation, tagged, properties)[outer][inner]
        return Made(id=id, attributes={inner: id})

    return Kind(type=type, create=made, delete=lambda id, _: delete(id))


KINDS = (
    Kind(
        type="AWS::EC2::VPC",
        create=_create_vpc,
        delete=lambda id, _: client("ec2").delete_vpc(VpcId=id),
    ),
    Kind(
        type="AWS::EC2::Subnet",
        create=_create_subnet,
        delete=lambda id, _: client("ec2").delete_subnet(SubnetId=id),
    ),
    Kind(
        type="AWS::EC2::FlowLog",
        create=_create_flow_log,
        delete=lambda id, _: client("ec2").delete_flow_logs(FlowLogIds=[id]),
    ),
    simple(
        "AWS::EC2::InternetGateway",
        "create_internet_gateway",
        "internet-gateway",
        "InternetGateway.InternetGatewayId",
        lambda id: client("ec2").delete_internet_gateway(InternetGatewayId=id),
    ),
    simple(
        "AWS::EC2::NatGateway",
        "create_nat_gateway",
        "natgateway",
        "NatGateway.NatGatewayId",
        lambda id: client("ec2").delete_nat_gateway(NatGatewayId=id),
    ),
    simple(
        "AWS::EC2::RouteTable",
        "create_route_table",
        "route-table",
        "RouteTable.RouteTableId",
        lambda id: client("ec2").delete_route_table(RouteTableId=id),
    ),
    Kind(
        type="AWS::EC2::SubnetRouteTableAssociation",
        create=_associate,
        delete=lambda id, _: client("ec2").disassociate_route_table(AssociationId=id),
    ),
    Kind(type="AWS::EC2::Route", create=_create_route, delete=_delete_route),
    Kind(type="AWS::EC2::EIP", create=_create_elastic_ip, delete=_delete_elastic_ip),
    Kind(
        type="AWS::EC2::VPCGatewayAttachment",
        create=_attach_gateway,
        delete=lambda _, properties: client("ec2").detach_internet_gateway(**properties),
    ),
)
