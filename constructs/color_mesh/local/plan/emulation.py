"""The resource types and properties of templates that a run emulates."""

import re
from collections.abc import Iterator, Mapping

from color_mesh.cloudformation import Templates
from color_mesh.ecs.declarations import Declarations
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.reading import EVERY_PROPERTY, UsedProperties
from color_mesh.ecs.services import Service
from color_mesh.local.plan.network import private_zones

_NOT_EMULATED = (
    "limits of CPU and memory",
    "NAT and everything outside the VPC",
    "IPv6",
    "availability zones",
    "the endpoint of task metadata",
    "AWS APIs other than Cloud Map, ExportCertificate, GetCertificateAuthorityCertificate, GetSecretValue and OTLP",
    "CloudWatch (logs are files)",
    "the rollback of a failed deployment",
    "permissions to use ECS Exec",
    "the interval between health checks, until the first one passes",
    "the minute that Route 53 may take for a change (here --dns-delay), and resolvers that differ",
)
_RULE = ("IpProtocol", "FromPort", "ToPort", "CidrIp")
_ACTION = ("Type", "Order", "TargetGroupArn", "ForwardConfig.TargetGroups", "RedirectConfig", "FixedResponseConfig")
# Attributes of load balancers and target groups.
_ATTRIBUTES = (
    *("idle_timeout.timeout_seconds", "client_keep_alive.seconds", "routing.http.xff_header_processing.mode"),
    *("deregistration_delay.timeout_seconds", "load_balancing.algorithm.type"),
)
# Attributes without an effect on one machine.
_ATTRIBUTES_WITHOUT_EFFECT = (
    *("deletion_protection.enabled", "load_balancing.cross_zone.enabled", "zonal_shift.config.enabled"),
    *("dns_record.client_routing_policy", "preserve_client_ip.enabled"),
)
EMULATED: UsedProperties = {
    "AWS::ACMPCA::CertificateAuthority": EVERY_PROPERTY,
    "AWS::ACMPCA::CertificateAuthorityActivation": EVERY_PROPERTY,
    "AWS::CertificateManager::Certificate": EVERY_PROPERTY,
    "AWS::EC2::VPC": EVERY_PROPERTY,
    "AWS::EC2::Subnet": EVERY_PROPERTY,
    "AWS::EC2::SecurityGroup": (
        "GroupName",
        *(f"SecurityGroupIngress.{name}" for name in (*_RULE, "SourceSecurityGroupId")),
        *(f"SecurityGroupEgress.{name}" for name in (*_RULE, "DestinationSecurityGroupId")),
    ),
    "AWS::EC2::SecurityGroupIngress": ("GroupId", *_RULE, "SourceSecurityGroupId"),
    "AWS::EC2::SecurityGroupEgress": ("GroupId", *_RULE, "DestinationSecurityGroupId"),
    "AWS::ECS::Service": (
        *("ServiceName", "Cluster", "TaskDefinition", "DesiredCount", "HealthCheckGracePeriodSeconds"),
        *(f"DeploymentConfiguration.{name}" for name in ("MinimumHealthyPercent", "MaximumPercent")),
        *(f"LoadBalancers.{name}" for name in ("TargetGroupArn", "ContainerPort")),
        *(f"ServiceRegistries.{name}" for name in ("RegistryArn", "ContainerPort", "Port")),
        "NetworkConfiguration.AwsvpcConfiguration",
    ),
    "AWS::ECS::TaskDefinition": (
        *("Family", "TaskRoleArn", "ExecutionRoleArn", "NetworkMode"),
        "ProxyConfiguration.ProxyConfigurationProperties",
        *(f"ContainerDefinitions.{name}" for name in ("Name", "Image", "EntryPoint", "Command", "Environment", "User")),
        *(f"ContainerDefinitions.{name}" for name in ("Essential", "DependsOn", "HealthCheck", "SystemControls")),
        *(f"ContainerDefinitions.{name}" for name in ("StartTimeout", "StopTimeout", "FirelensConfiguration")),
        # Each container has an init process.
        "ContainerDefinitions.LinuxParameters.InitProcessEnabled",
        *(f"ContainerDefinitions.LogConfiguration.{name}" for name in ("LogDriver", "Options")),
        *(f"ContainerDefinitions.PortMappings.{name}" for name in ("ContainerPort", "Protocol")),
    ),
    "AWS::ElasticLoadBalancingV2::Listener": (
        *("LoadBalancerArn", "Protocol", "Port"),
        *(f"DefaultActions.{name}" for name in _ACTION),
    ),
    "AWS::ElasticLoadBalancingV2::ListenerRule": (
        *("ListenerArn", "Priority", "Conditions", "Transforms"),
        *(f"Actions.{name}" for name in _ACTION),
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        *("Name", "Type", "Subnets", "SubnetMappings.SubnetId", "SecurityGroups", "Scheme", "LoadBalancerAttributes"),
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        *("Name", "TargetType", "Protocol", "ProtocolVersion", "HealthyThresholdCount", "UnhealthyThresholdCount"),
        *(f"HealthCheck{name}" for name in ("Port", "Protocol", "Path", "IntervalSeconds", "TimeoutSeconds")),
        *("Matcher.HttpCode", "TargetGroupAttributes"),
    ),
    "AWS::IAM::ManagedPolicy": EVERY_PROPERTY,
    "AWS::IAM::Policy": EVERY_PROPERTY,
    "AWS::IAM::Role": EVERY_PROPERTY,
    "AWS::Logs::LogGroup": EVERY_PROPERTY,
    "AWS::Route53::HostedZone": ("Name", "VPCs"),
    "AWS::Route53::RecordSet": (
        *("Name", "Type", "TTL", "ResourceRecords", "HostedZoneId", "HostedZoneName"),
        *("SetIdentifier", "Weight"),
    ),
    "AWS::SecretsManager::Secret": ("Name", "KmsKeyId"),
    "AWS::ServiceDiscovery::Instance": EVERY_PROPERTY,
    "AWS::ServiceDiscovery::Service": ("Name", "NamespaceId", "DnsConfig", "HealthCheckCustomConfig"),
}
# Properties without an effect on one machine.
_WITHOUT_EFFECT: UsedProperties = {
    "AWS::EC2::SecurityGroup": (
        *("GroupDescription", "VpcId", "Tags"),
        *(f"SecurityGroup{way}.{name}" for way in ("Ingress", "Egress") for name in ("Description", "CidrIpv6")),
    ),
    "AWS::EC2::SecurityGroupIngress": ("Description", "CidrIpv6"),
    "AWS::EC2::SecurityGroupEgress": ("Description", "CidrIpv6"),
    "AWS::ECS::Service": (
        *("EnableECSManagedTags", "EnableExecuteCommand", "LaunchType", "PlatformVersion", "Tags"),
        *("DeploymentController", "SchedulingStrategy", "PropagateTags", "AvailabilityZoneRebalancing"),
        *("CapacityProviderStrategy", "LoadBalancers.ContainerName", "LoadBalancers.LoadBalancerName"),
        *("ServiceRegistries.ContainerName", "DeploymentConfiguration.Strategy"),
        "DeploymentConfiguration.DeploymentCircuitBreaker",
    ),
    "AWS::ECS::TaskDefinition": (
        *("Cpu", "Memory", "RequiresCompatibilities", "Tags", "RuntimePlatform"),
        *(f"ContainerDefinitions.{name}" for name in ("Cpu", "Memory", "MemoryReservation", "DockerLabels")),
        *(f"ContainerDefinitions.PortMappings.{name}" for name in ("Name", "HostPort", "AppProtocol")),
        *("ProxyConfiguration.Type", "ProxyConfiguration.ContainerName"),
    ),
    # The certificates are made for the run, and so is the policy.
    "AWS::ElasticLoadBalancingV2::Listener": ("Certificates", "SslPolicy"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Tags", "IpAddressType"),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("Tags", "VpcId", "IpAddressType", "Port", "HealthCheckEnabled"),
    "AWS::Route53::HostedZone": ("HostedZoneConfig", "HostedZoneTags"),
    "AWS::Route53::RecordSet": ("Comment",),
    # The value of a secret with a certificate is made for the run.
    "AWS::SecretsManager::Secret": ("Description", "GenerateSecretString", "SecretString", "Tags"),
    "AWS::ServiceDiscovery::Service": (*("Description", "Tags", "Type", "ServiceAttributes"),),
}
# Resource types that other resources refer to, or that have no effect on one machine.
_TYPES_WITHOUT_EFFECT = frozenset(
    (
        *(f"AWS::AppMesh::{name}" for name in ("Mesh", "VirtualNode", "VirtualService", "VirtualRouter", "Route")),
        *(f"AWS::AppMesh::{name}" for name in ("VirtualGateway", "GatewayRoute")),
        *(f"AWS::ACMPCA::{name}" for name in ("Certificate", "Permission")),
        *("AWS::CDK::Metadata", "AWS::CloudFormation::Stack", "AWS::ECS::Cluster"),
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        *(f"AWS::EC2::{name}" for name in ("RouteTable", "Route", "SubnetRouteTableAssociation", "InternetGateway")),
        *(f"AWS::EC2::{name}" for name in ("VPCGatewayAttachment", "NatGateway", "EIP")),
        *(f"AWS::ServiceDiscovery::{name}" for name in ("HttpNamespace", "PrivateDnsNamespace", "PublicDnsNamespace")),
    )
)


def not_emulated(templates: Templates, declarations: Declarations) -> Iterator[str]:
    """Return the parts of templates that have no effect in a run, as phrases."""
    yield from _NOT_EMULATED
    yield from sorted(templates.types - EMULATED.keys() - _TYPES_WITHOUT_EFFECT)
    yield from sorted(
        {
            *_properties(declarations),
            *_container_options(declarations),
            *_attributes(declarations),
            *_records(declarations),
        }
    )
    yield from templates.notes
    yield from _undeclared_groups(declarations)


def _properties(declarations: Declarations) -> Iterator[str]:
    for each in declarations.unused:
        if each.name not in _WITHOUT_EFFECT.get(each.resource_type, ()):
            yield f"{each.resource_type} {each.name}"


def _container_options(declarations: Declarations) -> Iterator[str]:
    for definition in declarations.task_definitions.values():
        for container in definition.containers:
            if container.log_driver not in (None, "awslogs"):
                yield f"AWS::ECS::TaskDefinition LogDriver {container.log_driver}"
            for name, _ in container.system_controls:
                if not is_network_parameter(name):
                    yield f"AWS::ECS::TaskDefinition SystemControls {name}"


def _attributes(declarations: Declarations) -> Iterator[str]:
    """Yield the attributes of load balancers and target groups that have no effect and are not off."""
    owners: dict[str, list[Mapping[str, str]]] = {
        "LoadBalancer": [each.attributes for each in declarations.load_balancers.values()],
        "TargetGroup": [each.attributes for each in declarations.target_groups.values()],
    }
    for kind, attributes in owners.items():
        for name, value in (pair for each in attributes for pair in each.items()):
            if name not in (*_ATTRIBUTES, *_ATTRIBUTES_WITHOUT_EFFECT) and value not in ("", "false", "off"):
                yield f"AWS::ElasticLoadBalancingV2::{kind} {name}"


def _records(declarations: Declarations) -> Iterator[str]:
    if len(private_zones(declarations).records) < len(declarations.records):
        yield "AWS::Route53::RecordSet of a hosted zone that no template declares as private"


def _undeclared_groups(declarations: Declarations) -> Iterator[str]:
    placed: list[Service | LoadBalancer] = [*declarations.services.values(), *declarations.load_balancers.values()]
    for group in dict.fromkeys(group for each in placed for group in each.groups):
        if group not in declarations.security_groups:
            yield f"security group {group}, which no template declares: it allows all traffic"


def is_network_parameter(name: str) -> bool:
    """Return whether a kernel parameter is one of a task's network, which its containers share."""
    return re.fullmatch(r"net(\.[A-Za-z0-9_-]+)+", name) is not None
