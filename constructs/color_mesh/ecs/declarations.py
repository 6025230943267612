"""All that templates declare beside the mesh."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource, Templates
from color_mesh.ecs.alarms import read_alarms
from color_mesh.ecs.certificates import (
    DeclaredAuthority,
    DeclaredCertificate,
    DeclaredSecret,
    read_authorities,
    read_certificates,
    read_secrets,
)
from color_mesh.ecs.cloud_map import CloudMapInstance, DiscoveryService, read_discovery_services, read_instances
from color_mesh.ecs.hosted_zones import HostedZone, Record, read_hosted_zones, read_records
from color_mesh.ecs.listeners import ListenerRule, LoadBalancerListener, read_listener_rules, read_listeners
from color_mesh.ecs.load_balancers import LoadBalancer, read_load_balancers, with_listeners
from color_mesh.ecs.network import (
    read_endpoints,
    read_nat_gateways,
    read_subnets,
    read_vpcs,
    read_zones,
)
from color_mesh.ecs.reading import Reader, ResourceProblem, UnusedProperty, UsedProperties
from color_mesh.ecs.roles import Role, read_roles
from color_mesh.ecs.scaling import Scaling, read_scaling
from color_mesh.ecs.security_groups import SecurityGroup, read_security_groups
from color_mesh.ecs.services import Service, read_services
from color_mesh.ecs.target_groups import TargetGroup, read_target_groups
from color_mesh.ecs.task_definitions import TaskDefinition, read_task_definitions

_SCALING = ("ScalableTarget", "ScalingPolicy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Declarations:
    """All that templates declare beside the mesh, each by its place in them, such as ``app.template.json: RedTask``.

    Attributes:
        task_definitions: Task definitions.
        services: ECS services.
        scaling: Autoscaling of ECS services.
        discovery_services: Cloud Map services.
        instances: Instances that the templates register in Cloud Map services, each with the place of the service.
        load_balancers: Load balancers, with their listeners and the rules of these.
        listeners: Listeners of load balancers, without their rules.
        listener_rules: Rules of listeners.
        target_groups: Target groups.
        certificates: Certificates of AWS Certificate Manager.
        authorities: Certificate authorities of AWS Private CA.
        secrets: Secrets of AWS Secrets Manager.
        roles: IAM roles.
        vpcs: Address ranges of VPCs.
        subnets: Address ranges of subnets.
        zones: Availability zones of subnets, as far as the templates name them.
        vpc_endpoints: Names of the AWS services that VPCs have endpoints for.
        nat_gateways: Places of NAT gateways.
        security_groups: Security groups.
        hosted_zones: Hosted zones of Route 53.
        records: Records of hosted zones.
        log_groups: Names of log groups.
        problems: Problems of the resources.
        unused: Properties that the templates declare and the caller does not use.
    """

    task_definitions: Mapping[str, TaskDefinition] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    scaling: Mapping[str, Scaling] = field(default_factory=dict)
    discovery_services: Mapping[str, DiscoveryService] = field(default_factory=dict)
    instances: Mapping[str, tuple[str, CloudMapInstance]] = field(default_factory=dict)
    load_balancers: Mapping[str, LoadBalancer] = field(default_factory=dict)
    listeners: Mapping[str, LoadBalancerListener] = field(default_factory=dict)
    listener_rules: Mapping[str, ListenerRule] = field(default_factory=dict)
    target_groups: Mapping[str, TargetGroup] = field(default_factory=dict)
    certificates: Mapping[str, DeclaredCertificate] = field(default_factory=dict)
    authorities: Mapping[str, DeclaredAuthority] = field(default_factory=dict)
    secrets: Mapping[str, DeclaredSecret] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    vpcs: Mapping[str, IPv4Network] = field(default_factory=dict)
    subnets: Mapping[str, IPv4Network] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    vpc_endpoints: Mapping[str, str] = field(default_factory=dict)
    nat_gateways: tuple[str, ...] = ()
    security_groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    hosted_zones: Mapping[str, HostedZone] = field(default_factory=dict)
    records: Mapping[str, Record] = field(default_factory=dict)
    log_groups: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[ResourceProblem, ...] = ()
    unused: tuple[UnusedProperty, ...] = ()


def read_declarations(templates: Templates, used: UsedProperties) -> Declarations:
    """Read all that templates declare beside the mesh.

    Args:
        templates: Templates.
        used: Resource types that the caller uses, and the properties of each, such as ``ContainerDefinitions.Image``.
            Others are not read, and so are no source of problems; ``unused`` lists the other properties of these types.

    Raises:
        MeshError: If the condition of a resource cannot be resolved.
    """
    reader = Reader(templates, used)
    listeners, rules = read_listeners(reader), read_listener_rules(reader)
    services = read_services(reader)
    scales = bool(reader.resources(*(f"AWS::ApplicationAutoScaling::{each}" for each in _SCALING)))
    declarations = Declarations(
        task_definitions=read_task_definitions(reader),
        services=services,
        scaling=read_scaling(reader, services, templates.dependencies(), read_alarms(reader)) if scales else {},
        discovery_services=read_discovery_services(reader),
        instances=read_instances(reader),
        load_balancers=with_listeners(read_load_balancers(reader), listeners, rules.values()),
        listeners=listeners,
        listener_rules=rules,
        target_groups=read_target_groups(reader),
        certificates=read_certificates(reader),
        authorities=read_authorities(reader),
        secrets=read_secrets(reader),
        roles=read_roles(reader),
        vpcs=read_vpcs(reader),
        subnets=read_subnets(reader),
        zones=read_zones(reader),
        vpc_endpoints=read_endpoints(reader),
        nat_gateways=read_nat_gateways(reader),
        security_groups=read_security_groups(reader),
        hosted_zones=read_hosted_zones(reader),
        records=read_records(reader),
        log_groups=reader.read_all("AWS::Logs::LogGroup", _log_group_name),
    )
    return replace(declarations, problems=tuple(reader.problems), unused=tuple(reader.unused))


def _log_group_name(fields: Fields, resource: Resource) -> str:
    return fields.optional_text("LogGroupName") or resource.generated_name
