"""Load balancers in the output of ``aws elbv2 describe-...``. Most keys are those of CloudFormation."""

from typing import Any

from color_mesh.aws_json.resource import Converted, Object, label_of, only, texts

TYPE = "AWS::ElasticLoadBalancingV2::{}"
_TARGET_GROUP = (
    *("Protocol", "ProtocolVersion", "Port", "VpcId", "HealthCheckProtocol", "HealthCheckPort", "HealthCheckEnabled"),
    *("HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount"),
    *("HealthCheckPath", "Matcher", "TargetType", "IpAddressType"),
)
_LISTENER = (
    "LoadBalancerArn",
    "Port",
    "Protocol",
    "SslPolicy",
    "Certificates",
    "DefaultActions",
    "AlpnPolicy",
    "MutualAuthentication",
)


def load_balancer_resources(value: Object, file_name: str) -> list[Converted] | None:
    """Return the load balancer, target group, listener or rule that an object describes."""
    if "TargetGroupName" in value and "TargetGroupArn" in value:
        properties = {"Name": value["TargetGroupName"], **only(value, _TARGET_GROUP)}
        return [_resource("TargetGroup", str(value["TargetGroupName"]), properties, value["TargetGroupArn"])]
    if "LoadBalancerName" in value and "LoadBalancerArn" in value:
        return [_load_balancer(value)]
    if "ListenerArn" in value and "DefaultActions" in value:
        label = f"{_last(value.get('LoadBalancerArn'), -2)}/{value.get('Port')}"
        return [_resource("Listener", label, only(value, _LISTENER), value["ListenerArn"])]
    if "RuleArn" in value and "Actions" in value:
        # A listener has its default rule as its default actions.
        return [] if value.get("IsDefault") or value.get("Priority") == "default" else [_rule(value)]
    return None


def _load_balancer(value: Object) -> Converted:
    zones = value.get("AvailabilityZones")
    subnets = [zone.get("SubnetId") for zone in zones if isinstance(zone, dict)] if isinstance(zones, list) else []
    properties = {
        "Name": value["LoadBalancerName"],
        "Subnets": list(texts(*subnets)),
        **only(value, ("Type", "Scheme", "SecurityGroups", "IpAddressType")),
    }
    return _resource("LoadBalancer", str(value["LoadBalancerName"]), properties, value["LoadBalancerArn"])


def _rule(value: Object) -> Converted:
    # arn:...:listener-rule/app/NAME/ID/LISTENER/RULE of arn:...:listener/app/NAME/ID/LISTENER
    arn = str(value["RuleArn"])
    listener = arn.replace(":listener-rule/", ":listener/", 1).rpartition("/")[0]
    properties = {"ListenerArn": listener, **only(value, ("Priority", "Conditions", "Actions", "Transforms"))}
    return _resource("ListenerRule", _last(arn, -1), properties, arn)


def _resource(kind: str, label: str, properties: dict[str, Any], arn: Any) -> Converted:
    return Converted(
        type=TYPE.format(kind),
        label=label_of(f"{kind[0].lower()}{kind[1:]}", label),
        properties=properties,
        key=(str(arn),),
        ids=texts(arn),
    )


def _last(arn: Any, index: int) -> str:
    parts = str(arn).split("/")
    return parts[index] if len(parts) >= -index else str(arn)
