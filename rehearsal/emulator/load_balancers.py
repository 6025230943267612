"""Load balancer resource types: moto's CloudFormation ignores types, schemes and attributes, and cannot update."""

from rehearsal.emulator.apis import Properties, call, client
from rehearsal.emulator.resource_types import Created, ResourceType


def _create_load_balancer(properties: Properties) -> Created:
    attributes = properties.pop("LoadBalancerAttributes", [])
    response = call("elbv2", "CreateLoadBalancer", properties)["LoadBalancers"][0]
    arn = response["LoadBalancerArn"]
    client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
    attribute_values = {
        "DNSName": response["DNSName"],
        "CanonicalHostedZoneID": response["CanonicalHostedZoneId"],
        "LoadBalancerFullName": arn.partition("loadbalancer/")[2],
        "LoadBalancerArn": arn,
    }
    return Created(id=arn, attributes=attribute_values)


def _create_target_group(properties: Properties) -> Created:
    attributes = properties.pop("TargetGroupAttributes", [])
    arn = call("elbv2", "CreateTargetGroup", properties)["TargetGroups"][0]["TargetGroupArn"]
    if attributes:
        client("elbv2").modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
    return Created(id=arn, attributes={"TargetGroupArn": arn, "TargetGroupFullName": arn.rpartition(":")[2]})


def _create_listener(properties: Properties) -> Created:
    arn = call("elbv2", "CreateListener", properties)["Listeners"][0]["ListenerArn"]
    return Created(id=arn, attributes={"ListenerArn": arn})


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::ElasticLoadBalancingV2::LoadBalancer",
        name_property="Name",
        create=_create_load_balancer,
        delete=lambda arn, _: client("elbv2").delete_load_balancer(LoadBalancerArn=arn),
    ),
    ResourceType(
        name="AWS::ElasticLoadBalancingV2::TargetGroup",
        name_property="Name",
        create=_create_target_group,
        delete=lambda arn, _: client("elbv2").delete_target_group(TargetGroupArn=arn),
    ),
    ResourceType(
        name="AWS::ElasticLoadBalancingV2::Listener",
        create=_create_listener,
        delete=lambda arn, _: client("elbv2").delete_listener(ListenerArn=arn),
    ),
)
