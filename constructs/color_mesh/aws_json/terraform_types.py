"""Conversions of Terraform's resource types, by type: from the attributes and the address to resources."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from color_mesh.aws_json import cloud_map
from color_mesh.aws_json.resource import Converted, Object, texts
from color_mesh.aws_json.terraform_app_mesh import TYPES, app_mesh_conversion
from color_mesh.aws_json.terraform_blocks import block, blocks, pairs, renamed
from color_mesh.aws_json.terraform_ecs import service, task_definition
from color_mesh.aws_json.terraform_load_balancers import listener, load_balancer, rule, target_group
from color_mesh.aws_json.terraform_scaling import alarm, scalable_target, scaling_policy

Conversion: TypeAlias = Callable[[Object, str], list[Converted]]
_IDS = {"id": "Id", "arn": "Arn"}
_PORTS = {"from_port": "FromPort", "to_port": "ToPort"}


def _namespace(kind: str, values: Object, address: str) -> list[Converted]:
    declared = renamed(values, {"name": "Name", "description": "Description", **_IDS})
    return [cloud_map.namespace(kind, {**declared, "Vpc": values.get("vpc") or "unknown"}, address)]


def _known_namespace(values: Object, address: str) -> list[Converted]:
    kind = str(values.get("type"))
    return _namespace(kind if kind in cloud_map.NAMESPACES else "DNS_PRIVATE", values, address)


def _discovery_service(values: Object, address: str) -> list[Converted]:
    dns = block(values, "dns_config")
    names = {"name": "Name", "description": "Description", "namespace_id": "NamespaceId", **_IDS}
    declared: dict[str, Any] = {**renamed(dns, {"namespace_id": "NamespaceId"}), **renamed(values, names)}
    records = [renamed(each, {"type": "Type", "ttl": "TTL"}) for each in blocks(dns, "dns_records")]
    if records:
        declared["DnsConfig"] = {**renamed(dns, {"routing_policy": "RoutingPolicy"}), "DnsRecords": records}
    if blocks(values, "health_check_custom_config"):
        declared["HealthCheckCustomConfig"] = {"FailureThreshold": 1}
    return [cloud_map.service(declared, address)]


def _instance(values: Object, address: str) -> list[Converted]:
    names = {"service_id": "ServiceId", "instance_id": "InstanceId", "attributes": "InstanceAttributes"}
    return [_resource("AWS::ServiceDiscovery::Instance", values, address, renamed(values, names))]


def _security_group(values: Object, address: str) -> list[Converted]:
    properties = {
        **renamed(values, {"name": "GroupName", "description": "GroupDescription", "vpc_id": "VpcId"}),
        "SecurityGroupIngress": [
            rule
            for each in blocks(values, "ingress")
            for rule in _rules(each, "SourceSecurityGroupId", values.get("id"))
        ],
        "SecurityGroupEgress": [
            rule
            for each in blocks(values, "egress")
            for rule in _rules(each, "DestinationSecurityGroupId", values.get("id"))
        ],
    }
    return [_resource("AWS::EC2::SecurityGroup", values, address, properties)]


def _security_group_rule(values: Object, address: str) -> list[Converted]:
    """Return a rule for each range and group of ``aws_security_group_rule``."""
    kind, other = _way(values.get("type"))
    source = values.get("source_security_group_id")
    ranges = {**values, "security_groups": [source] if source else []}
    rules = _rules(ranges, other, values.get("security_group_id"))
    return [
        _resource(kind, {}, f"{address} {number}" if number else address, {**_group(values), **each})
        for number, each in enumerate(rules)
    ]


def _vpc_rule(way: str, values: Object, address: str) -> list[Converted]:
    """Return the rule of ``aws_vpc_security_group_ingress_rule`` or its counterpart."""
    kind, other = _way(way)
    names = {"cidr_ipv4": "CidrIp", "cidr_ipv6": "CidrIpv6", "description": "Description"}
    names |= {"ip_protocol": "IpProtocol", "referenced_security_group_id": other, **_PORTS}
    names |= {"prefix_list_id": _prefix_list(other)}
    return [_resource(kind, values, address, {**_group(values), **renamed(values, names)})]


def _group(values: Object) -> dict[str, Any]:
    return renamed(values, {"security_group_id": "GroupId"})


def _way(way: Any) -> tuple[str, str]:
    if way == "egress":
        return "AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId"
    return "AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId"


def _rules(values: Object, other: str, own_group: Any) -> list[dict[str, Any]]:
    common = renamed(values, {"protocol": "IpProtocol", "description": "Description", **_PORTS})
    groups = [*_list(values, "security_groups"), *([own_group] if values.get("self") else [])]
    ends = {"CidrIp": _list(values, "cidr_blocks"), "CidrIpv6": _list(values, "ipv6_cidr_blocks"), other: groups}
    ends |= {_prefix_list(other): _list(values, "prefix_list_ids")}
    return [{**common, key: each} for key, all_of_kind in ends.items() for each in all_of_kind]


def _prefix_list(other: str) -> str:
    """Return the key of a prefix list, beside that of a security group."""
    return other.replace("SecurityGroupId", "PrefixListId")


def _list(values: Object, key: str) -> list[Any]:
    value = values.get(key)
    return value if isinstance(value, list) else []


def _renamed(type_name: str, names: Mapping[str, str], values: Object, address: str) -> list[Converted]:
    """Return a resource of which each property has one attribute."""
    return [_resource(type_name, values, address, {**renamed(values, names), **pairs(values)})]


def _resource(type_name: str, values: Object, address: str, properties: dict[str, Any]) -> Converted:
    ids = texts(values.get("id"), values.get("arn"))
    return Converted(type=type_name, label=address, properties=properties, key=(ids[-1] if ids else address,), ids=ids)


CONVERSIONS: Mapping[str, Conversion] = {
    **{type_name: partial(app_mesh_conversion, kind) for type_name, kind in TYPES.items()},
    "aws_appautoscaling_policy": scaling_policy,
    "aws_appautoscaling_target": scalable_target,
    "aws_cloudwatch_metric_alarm": alarm,
    "aws_ecs_service": service,
    "aws_ecs_task_definition": task_definition,
    "aws_service_discovery_dns_namespace": _known_namespace,
    "aws_service_discovery_http_namespace": partial(_namespace, "HTTP"),
    "aws_service_discovery_instance": _instance,
    "aws_service_discovery_private_dns_namespace": partial(_namespace, "DNS_PRIVATE"),
    "aws_service_discovery_public_dns_namespace": partial(_namespace, "DNS_PUBLIC"),
    "aws_service_discovery_service": _discovery_service,
    "aws_lb": load_balancer,
    "aws_alb": load_balancer,
    "aws_lb_listener": listener,
    "aws_alb_listener": listener,
    "aws_lb_listener_rule": rule,
    "aws_alb_listener_rule": rule,
    "aws_lb_target_group": target_group,
    "aws_alb_target_group": target_group,
    "aws_security_group": _security_group,
    "aws_security_group_rule": _security_group_rule,
    "aws_vpc_security_group_egress_rule": partial(_vpc_rule, "egress"),
    "aws_vpc_security_group_ingress_rule": partial(_vpc_rule, "ingress"),
    "aws_cloudwatch_log_group": partial(_renamed, "AWS::Logs::LogGroup", {"name": "LogGroupName"}),
    "aws_vpc": partial(_renamed, "AWS::EC2::VPC", {"cidr_block": "CidrBlock"}),
    "aws_subnet": partial(
        _renamed,
        "AWS::EC2::Subnet",
        {"cidr_block": "CidrBlock", "vpc_id": "VpcId", "availability_zone": "AvailabilityZone"},
    ),
}
