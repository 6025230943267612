"""Load balancers, listeners, rules and target groups of Terraform."""

from typing import Any

from color_mesh.aws_json.load_balancers import TYPE
from color_mesh.aws_json.resource import Converted, Object, texts
from color_mesh.aws_json.terraform_balancer_attributes import balancer_attributes, group_attributes
from color_mesh.aws_json.terraform_blocks import block, blocks, pairs, renamed

_TARGET_GROUP = {
    "name": "Name",
    "port": "Port",
    "protocol": "Protocol",
    "protocol_version": "ProtocolVersion",
    "target_type": "TargetType",
    "vpc_id": "VpcId",
}
_HEALTH_CHECK = {
    "enabled": "HealthCheckEnabled",
    "protocol": "HealthCheckProtocol",
    "port": "HealthCheckPort",
    "path": "HealthCheckPath",
    "interval": "HealthCheckIntervalSeconds",
    "timeout": "HealthCheckTimeoutSeconds",
    "healthy_threshold": "HealthyThresholdCount",
    "unhealthy_threshold": "UnhealthyThresholdCount",
}
_LISTENER = {"load_balancer_arn": "LoadBalancerArn", "port": "Port", "protocol": "Protocol", "ssl_policy": "SslPolicy"}
_REDIRECT = {key: key.capitalize() for key in ("host", "path", "port", "protocol", "query")}
_FIXED = {"content_type": "ContentType", "message_body": "MessageBody", "status_code": "StatusCode"}
# Blocks of a condition, each with its field and its key in CloudFormation.
_CONDITIONS = {
    "host_header": ("host-header", "HostHeaderConfig"),
    "path_pattern": ("path-pattern", "PathPatternConfig"),
    "http_request_method": ("http-request-method", "HttpRequestMethodConfig"),
    "source_ip": ("source-ip", "SourceIpConfig"),
    "http_header": ("http-header", "HttpHeaderConfig"),
}


def load_balancer(values: Object, address: str) -> list[Converted]:
    """Return a load balancer."""
    names = {"name": "Name", "load_balancer_type": "Type", "subnets": "Subnets", "security_groups": "SecurityGroups"}
    names |= {"ip_address_type": "IpAddressType"}
    properties = {
        **renamed(values, names),
        "Scheme": "internal" if values.get("internal") else "internet-facing",
        **balancer_attributes(values),
        **pairs(values),
    }
    return [_resource("LoadBalancer", values, address, properties)]


def target_group(values: Object, address: str) -> list[Converted]:
    """Return a target group."""
    check = block(values, "health_check")
    properties = {**renamed(values, _TARGET_GROUP), **renamed(check, _HEALTH_CHECK), **pairs(values)}
    if check.get("matcher"):
        grpc = values.get("protocol_version") == "GRPC"
        properties["Matcher"] = {"GrpcCode" if grpc else "HttpCode": check["matcher"]}
    return [_resource("TargetGroup", values, address, {**properties, **group_attributes(values)})]


def listener(values: Object, address: str) -> list[Converted]:
    """Return a listener."""
    certificate, mode = values.get("certificate_arn"), block(values, "mutual_authentication").get("mode")
    properties = {
        **renamed(values, _LISTENER),
        **({"Certificates": [{"CertificateArn": certificate}]} if certificate else {}),
        **({"MutualAuthentication": {"Mode": mode}} if mode else {}),
        "DefaultActions": [_action(each) for each in blocks(values, "default_action")],
    }
    return [_resource("Listener", values, address, properties)]


def rule(values: Object, address: str) -> list[Converted]:
    """Return a rule of a listener."""
    properties = {
        **renamed(values, {"listener_arn": "ListenerArn", "priority": "Priority"}),
        "Actions": [_action(each) for each in blocks(values, "action")],
        "Conditions": [found for each in blocks(values, "condition") for found in _conditions(each)],
        "Transforms": [{"Type": each.get("type")} for each in blocks(values, "transform")],
    }
    return [_resource("ListenerRule", values, address, properties)]


def _action(values: Object) -> dict[str, Any]:
    action = renamed(values, {"type": "Type", "order": "Order", "target_group_arn": "TargetGroupArn"})
    groups = [
        {**renamed(each, {"arn": "TargetGroupArn"}), "Weight": each.get("weight", 1)}
        for each in blocks(block(values, "forward"), "target_group")
    ]
    redirect, fixed = block(values, "redirect"), block(values, "fixed_response")
    # A state has the only target group of an action in both forms.
    if groups and "TargetGroupArn" not in action:
        action["ForwardConfig"] = {"TargetGroups": groups}
    if redirect:
        # An empty query is none, not the default.
        query = {"Query": redirect["query"]} if isinstance(redirect.get("query"), str) else {}
        action["RedirectConfig"] = {**renamed(redirect, {**_REDIRECT, "status_code": "StatusCode"}), **query}
    if fixed:
        action["FixedResponseConfig"] = renamed(fixed, _FIXED)
    return action


def _conditions(values: Object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for key, (field, config) in _CONDITIONS.items():
        for each in blocks(values, key):
            names = {"values": "Values", "regex_values": "RegexValues", "http_header_name": "HttpHeaderName"}
            found.append({"Field": field, config: renamed(each, names)})
    queries = [renamed(each, {"key": "Key", "value": "Value"}) for each in blocks(values, "query_string")]
    if queries:
        found.append({"Field": "query-string", "QueryStringConfig": {"Values": queries}})
    return found


def _resource(kind: str, values: Object, address: str, properties: dict[str, Any]) -> Converted:
    ids = texts(values.get("id"), values.get("arn"))
    key = (ids[-1] if ids else address,)
    return Converted(type=TYPE.format(kind), label=address, properties=properties, key=key, ids=ids)
