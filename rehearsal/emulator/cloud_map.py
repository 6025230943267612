"""Cloud Map, which moto's CloudFormation does not have."""

from rehearsal.emulator.apis import Properties, call, client
from rehearsal.emulator.kinds import Kind, Made


def _create_namespace(properties: Properties) -> Made:
    operation = call("servicediscovery", "CreatePrivateDnsNamespace", properties)["OperationId"]
    targets = client("servicediscovery").get_operation(OperationId=operation)["Operation"]["Targets"]
    namespace = client("servicediscovery").get_namespace(Id=targets["NAMESPACE"])["Namespace"]
    zone = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
    # moto makes the zone, and leaves it out of the VPC.
    vpc = {"VPCId": properties["Vpc"], "VPCRegion": client("ec2").meta.region_name}
    client("route53").associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=vpc)
    return Made(id=namespace["Id"], attributes={"Id": namespace["Id"], "Arn": namespace["Arn"], "HostedZoneId": zone})


def delete_namespace(id: str, properties: Properties) -> None:
    """Delete a namespace and its hosted zone, which moto leaves, unless services are left, which moto does not mind."""
    api = client("servicediscovery")
    left = [service["Name"] for service in api.list_services()["Services"] if _namespace(service["Id"]) == id]
    if left:
        raise ValueError(f"Namespace {id} has services left: {', '.join(left)}")
    zone = api.get_namespace(Id=id)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
    api.delete_namespace(Id=id)
    client("route53").delete_hosted_zone(Id=zone)


def _create_service(properties: Properties) -> Made:
    api = client("servicediscovery")
    for service in api.list_services()["Services"]:
        # moto takes a name twice.
        if (service["Name"], _namespace(service["Id"])) == (properties["Name"], properties["NamespaceId"]):
            raise ValueError(f"Service {properties['Name']} already exists")
    service = call("servicediscovery", "CreateService", properties)["Service"]
    return Made(id=service["Id"], attributes={"Id": service["Id"], "Arn": service["Arn"], "Name": service["Name"]})


def _update_service(id: str, properties: Properties) -> None:
    changes = {"Description": properties.get("Description", ""), "DnsConfig": dict(properties["DnsConfig"])}
    # These two cannot change, and the API does not take them.
    changes["DnsConfig"].pop("NamespaceId", None)
    changes["DnsConfig"].pop("RoutingPolicy", None)
    call("servicediscovery", "UpdateService", {"Id": id, "Service": changes})


def _namespace(service_id: str) -> object:
    """Ask for a service's namespace, which moto leaves out of its lists."""
    return client("servicediscovery").get_service(Id=service_id)["Service"]["NamespaceId"]


KINDS = (
    Kind(type="AWS::ServiceDiscovery::PrivateDnsNamespace", create=_create_namespace, delete=delete_namespace),
    Kind(
        type="AWS::ServiceDiscovery::Service",
        name_property="Name",
        create=_create_service,
        update=_update_service,
        delete=lambda id, _: client("servicediscovery").delete_service(Id=id),
    ),
)
