"""VPC resource types.

moto's CloudFormation lacks flow logs, ignores DNS hostnames and public addresses, and does not delete most resources.
"""

from collections.abc import Callable
from typing import Any

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.resource_types import Created, ResourceType

DNS = ("EnableDnsHostnames", "EnableDnsSupport")


def create(operation: str, tagged: str, properties: Properties) -> Any:
    """Call a create operation with the tags of a resource."""
    parameters = dict(properties)
    if tags := parameters.pop("Tags", []):
        parameters["TagSpecifications"] = [{"ResourceType": tagged, "Tags": tags}]
    return getattr(client("ec2"), operation)(**parameters)


def _create_vpc(properties: Properties) -> Created:
    parameters = {name: value for name, value in properties.items() if name not in DNS}
    id = create("create_vpc", "vpc", parameters)["Vpc"]["VpcId"]
    for name in DNS:
        if name in properties:
            # The API changes one attribute in each call.
            client("ec2").modify_vpc_attribute(VpcId=id, **{name: {"Value": properties[name]}})
    return Created(id=id, attributes={"VpcId": id, "CidrBlock": properties["CidrBlock"]})


def _create_subnet(properties: Properties) -> Created:
    parameters = {name: value for name, value in properties.items() if name != "MapPublicIpOnLaunch"}
    id = create("create_subnet", "subnet", parameters)["Subnet"]["SubnetId"]
    public = {"Value": properties.get("MapPublicIpOnLaunch", False)}
    client("ec2").modify_subnet_attribute(SubnetId=id, MapPublicIpOnLaunch=public)
    return Created(id=id, attributes={"SubnetId": id, "AvailabilityZone": properties["AvailabilityZone"]})


def _create_flow_log(properties: Properties) -> Created:
    parameters = {name: value for name, value in properties.items() if name != "ResourceId"}
    response = create("create_flow_logs", "vpc-flow-log", {**parameters, "ResourceIds": [properties["ResourceId"]]})
    if response["Unsuccessful"]:
        raise ValueError(response["Unsuccessful"][0]["Error"]["Message"])
    return Created(id=response["FlowLogIds"][0], attributes={"Id": response["FlowLogIds"][0]})


def _create_elastic_ip(properties: Properties) -> Created:
    response = create("allocate_address", "elastic-ip", properties)
    return Created(id=response["PublicIp"], attributes={name: response[name] for name in ("AllocationId", "PublicIp")})


def _delete_elastic_ip(address: str, _: Properties) -> None:
    description = client("ec2").describe_addresses(PublicIps=[address])["Addresses"][0]
    client("ec2").release_address(AllocationId=description["AllocationId"])


def _create_route(properties: Properties) -> Created:
    create("create_route", "", properties)
    return Created(id=f"{properties['RouteTableId']}|{properties['DestinationCidrBlock']}")


def _delete_route(_: str, properties: Properties) -> None:
    key = {name: properties[name] for name in ("RouteTableId", "DestinationCidrBlock")}
    client("ec2").delete_route(**key)


def _associate(properties: Properties) -> Created:
    return Created(id=create("associate_route_table", "", properties)["AssociationId"])


def _attach_gateway(properties: Properties) -> Created:
    create("attach_internet_gateway", "", properties)
    return Created(id=f"IGW|{properties['VpcId']}")


def type_with_id(
    type: str, create_operation: str, tagged: str, id_path: str, delete: Callable[[str], object]
) -> ResourceType:
    """Return the type of a resource with an id; ``id_path`` is the path of the id in the response of the API."""
    outer, inner = id_path.split(".")

    def create_with_id(properties: Properties) -> Created:
        id = create(create_operation, tagged, properties)[outer][inner]
        return Created(id=id, attributes={inner: id})

    return ResourceType(name=type, create=create_with_id, delete=lambda id, _: delete(id))


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::EC2::VPC",
        create=_create_vpc,
        delete=lambda id, _: client("ec2").delete_vpc(VpcId=id),
    ),
    ResourceType(
        name="AWS::EC2::Subnet",
        create=_create_subnet,
        delete=lambda id, _: client("ec2").delete_subnet(SubnetId=id),
    ),
    ResourceType(
        name="AWS::EC2::FlowLog",
        create=_create_flow_log,
        delete=lambda id, _: client("ec2").delete_flow_logs(FlowLogIds=[id]),
    ),
    type_with_id(
        "AWS::EC2::InternetGateway",
        "create_internet_gateway",
        "internet-gateway",
        "InternetGateway.InternetGatewayId",
        lambda id: client("ec2").delete_internet_gateway(InternetGatewayId=id),
    ),
    type_with_id(
        "AWS::EC2::NatGateway",
        "create_nat_gateway",
        "natgateway",
        "NatGateway.NatGatewayId",
        lambda id: client("ec2").delete_nat_gateway(NatGatewayId=id),
    ),
    type_with_id(
        "AWS::EC2::RouteTable",
        "create_route_table",
        "route-table",
        "RouteTable.RouteTableId",
        lambda id: client("ec2").delete_route_table(RouteTableId=id),
    ),
    ResourceType(
        name="AWS::EC2::SubnetRouteTableAssociation",
        create=_associate,
        delete=lambda id, _: client("ec2").disassociate_route_table(AssociationId=id),
    ),
    ResourceType(name="AWS::EC2::Route", create=_create_route, delete=_delete_route),
    ResourceType(name="AWS::EC2::EIP", create=_create_elastic_ip, delete=_delete_elastic_ip),
    ResourceType(
        name="AWS::EC2::VPCGatewayAttachment",
        create=_attach_gateway,
        delete=lambda _, properties: client("ec2").detach_internet_gateway(**properties),
    ),
)
