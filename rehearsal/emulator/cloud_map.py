"""Cloud Map resource types, which moto's CloudFormation lacks."""

from typing import Any

from moto.servicediscovery.models import ServiceDiscoveryBackend

from rehearsal.emulator.apis import Properties, call, client
from rehearsal.emulator.resource_types import Created, ResourceType


def _create_namespace(properties: Properties) -> Created:
    operation = call("servicediscovery", "CreatePrivateDnsNamespace", properties)["OperationId"]
    targets = client("servicediscovery").get_operation(OperationId=operation)["Operation"]["Targets"]
    namespace = client("servicediscovery").get_namespace(Id=targets["NAMESPACE"])["Namespace"]
    zone = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
    # moto creates the hosted zone without its association with the VPC.
    vpc = {"VPCId": properties["Vpc"], "VPCRegion": client("ec2").meta.region_name}
    client("route53").associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=vpc)
    return Created(
        id=namespace["Id"], attributes={"Id": namespace["Id"], "Arn": namespace["Arn"], "HostedZoneId": zone}
    )


def delete_namespace(id: str, properties: Properties) -> None:
    """Delete a namespace and its hosted zone, which moto would keep.

    Raises:
        ValueError: When the namespace has services, which moto ignores.
    """
    api = client("servicediscovery")
    services = [service["Name"] for service in api.list_services()["Services"] if _namespace(service["Id"]) == id]
    if services:
        raise ValueError(f"Namespace {id} still has services: {', '.join(services)}")
    zone = api.get_namespace(Id=id)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
    api.delete_namespace(Id=id)
    client("route53").delete_hosted_zone(Id=zone)


def _create_service(properties: Properties) -> Created:
    api = client("servicediscovery")
    for service in api.list_services()["Services"]:
        # moto accepts duplicate names.
        if (service["Name"], _namespace(service["Id"])) == (properties["Name"], properties["NamespaceId"]):
            raise ValueError(f"Service {properties['Name']} already exists")
    service = call("servicediscovery", "CreateService", properties)["Service"]
    return Created(id=service["Id"], attributes={"Id": service["Id"], "Arn": service["Arn"], "Name": service["Name"]})


def _update_service(id: str, properties: Properties) -> None:
    changes = {"Description": properties.get("Description", ""), "DnsConfig": dict(properties["DnsConfig"])}
    # The API does not accept these two, which cannot change.
    changes["DnsConfig"].pop("NamespaceId", None)
    changes["DnsConfig"].pop("RoutingPolicy", None)
    call("servicediscovery", "UpdateService", {"Id": id, "Service": changes})


def _delete_service(id: str, _: Properties) -> None:
    """Delete a service, unless tasks of an ECS service are registered in it; moto has no tasks."""
    ecs = client("ecs")
    for cluster in ecs.list_clusters()["clusterArns"]:
        arns = ecs.list_services(cluster=cluster, maxResults=100)["serviceArns"]
        for service in ecs.describe_services(cluster=cluster, services=arns)["services"] if arns else ():
            registries = [each["registryArn"] for each in service.get("serviceRegistries", [])]
            if service["status"] == "ACTIVE" and any(arn.endswith(f"/{id}") for arn in registries):
                raise ValueError(f"Service {id} contains registered instances: tasks of {service['serviceName']}")
    client("servicediscovery").delete_service(Id=id)


def _register_instance(properties: Properties) -> Created:
    id, attributes = properties["InstanceId"], properties["InstanceAttributes"]
    client("servicediscovery").register_instance(
        ServiceId=properties["ServiceId"], InstanceId=id, Attributes=attributes
    )
    return Created(id=id)


def _deregister_instance(id: str, properties: Properties) -> None:
    client("servicediscovery").deregister_instance(ServiceId=properties["ServiceId"], InstanceId=id)


def install() -> None:
    """Let RegisterInstance replace an instance with the same id; moto keeps both, and returns the old one."""
    register = ServiceDiscoveryBackend.register_instance

    def replace(self: Any, service_id: str, instance_id: str, **parameters: Any) -> Any:
        service = self.get_service(service_id)
        service.instances = [each for each in service.instances if each.instance_id != instance_id]
        return register(self, service_id=service_id, instance_id=instance_id, **parameters)

    ServiceDiscoveryBackend.register_instance = replace


def _namespace(service_id: str) -> object:
    """Return the namespace of a service, which moto omits from lists."""
    return client("servicediscovery").get_service(Id=service_id)["Service"]["NamespaceId"]


RESOURCE_TYPES = (
    ResourceType(name="AWS::ServiceDiscovery::PrivateDnsNamespace", create=_create_namespace, delete=delete_namespace),
    ResourceType(
        name="AWS::ServiceDiscovery::Service",
        name_property="Name",
        create=_create_service,
        update=_update_service,
        delete=_delete_service,
    ),
    ResourceType(
        name="AWS::ServiceDiscovery::Instance",
        create=_register_instance,
        update=lambda _, properties: _register_instance(properties),
        delete=_deregister_instance,
    ),
)
