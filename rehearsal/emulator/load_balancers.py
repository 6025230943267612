"""Load balancers, through the API: moto's CloudFormation drops types, schemes and attributes, and updates nothing."""

from rehearsal.emulator.apis import Properties, call, client
from rehearsal.emulator.kinds import Kind, Made


def _create_load_balancer(properties: Properties) -> Made:
    attributes = properties.pop("LoadBalancerAttributes", [])
    made = call("elbv2", "CreateLoadBalancer", properties)["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
    names = {
        "DNSName": made["DNSName"],
        "CanonicalHostedZoneID": made["CanonicalHostedZoneId"],
        "LoadBalancerFullName": arn.partition("loadbalancer/")[2],
        "LoadBalancerArn": arn,
    }
    return Made(id=arn, attributes=names)


def _create_target_group(properties: Properties) -> Made:
    attributes = properties.pop("TargetGroupAttributes", [])
    arn = call("elbv2", "CreateTargetGroup", properties)["TargetGroups"][0]["TargetGroupArn"]
    if attributes:
        client("elbv2").modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
    return Made(id=arn, attributes={"TargetGroupArn": arn, "TargetGroupFullName": arn.rpartition(":")[2]})


def _create_listener(properties: Properties) -> Made:
    arn = call("elbv2", "CreateListener", properties)["Listeners"][0]["ListenerArn"]
    return Made(id=arn, attributes={"ListenerArn": arn})


KINDS = (
    Kind(
        type="AWS::ElasticLoadBalancingV2::LoadBalancer",
        name_property="Name",
        create=_create_load_balancer,
        delete=lambda arn, _: client("elbv2").delete_load_balancer(LoadBalancerArn=arn),
    ),
    Kind(
        type="AWS::ElasticLoadBalancingV2::TargetGroup",
        name_property="Name",
        create=_create_target_group,
        delete=lambda arn, _: client("elbv2").delete_target_group(TargetGroupArn=arn),
    ),
    Kind(
        type="AWS::ElasticLoadBalancingV2::Listener",
        create=_create_listener,
        delete=lambda arn, _: client("elbv2").delete_listener(ListenerArn=arn),
    ),
)
