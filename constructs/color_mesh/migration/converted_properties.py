"""Properties of task definitions and services that a migration converts, and those that the constructs replace."""

from collections.abc import Iterator

from color_mesh.ecs import Declarations
from color_mesh.ecs.reading import EVERY_PROPERTY, UnusedProperty, UsedProperties, path_text
from color_mesh.migration.findings import Finding, lost

TASK_DEFINITION = "AWS::ECS::TaskDefinition"
SERVICE = "AWS::ECS::Service"
SCALABLE_TARGET, POLICY = (f"AWS::ApplicationAutoScaling::{kind}" for kind in ("ScalableTarget", "ScalingPolicy"))
SCALING = (SCALABLE_TARGET, POLICY)
ALARM = "AWS::CloudWatch::Alarm"
LISTENER, CERTIFICATE, RULE, BALANCER, TARGET_GROUP = (
    f"AWS::ElasticLoadBalancingV2::{kind}"
    for kind in ("Listener", "ListenerCertificate", "ListenerRule", "LoadBalancer", "TargetGroup")
)
BALANCING = (LISTENER, CERTIFICATE, RULE, BALANCER, TARGET_GROUP)
CONVERTED: UsedProperties = {
    TASK_DEFINITION: (
        *("Family", "Cpu", "Memory", "RuntimePlatform.CpuArchitecture", "TaskRoleArn", "Tags", "Volumes"),
        *(f"ContainerDefinitions.{name}" for name in ("Name", "Image", "EntryPoint", "Command", "Environment")),
        *(f"ContainerDefinitions.{name}" for name in ("Secrets", "Cpu", "Memory", "MemoryReservation", "Essential")),
        *(f"ContainerDefinitions.{name}" for name in ("HealthCheck", "DependsOn", "LogConfiguration.LogDriver")),
        *("ContainerDefinitions.MountPoints", "ContainerDefinitions.User"),
        *(f"ContainerDefinitions.PortMappings.{name}" for name in ("ContainerPort", "Protocol", "Name")),
    ),
    SERVICE: (
        *("TaskDefinition", "ServiceName", "DesiredCount", "LaunchType", "EnableExecuteCommand", "SchedulingStrategy"),
        *("DeploymentController.Type", "LoadBalancers.TargetGroupArn", "Tags"),
        *("LoadBalancers.ContainerPort", "PropagateTags", "EnableECSManagedTags"),
        *("DeploymentConfiguration.MinimumHealthyPercent", "DeploymentConfiguration.MaximumPercent"),
        "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp",
    ),
    SCALABLE_TARGET: (
        *("ServiceNamespace", "ScalableDimension", "ResourceId", "MinCapacity", "MaxCapacity", "ScheduledActions"),
    ),
    POLICY: EVERY_PROPERTY,
    ALARM: (
        *("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Metrics", "Threshold"),
        *("ComparisonOperator", "EvaluationPeriods", "DatapointsToAlarm", "TreatMissingData", "AlarmActions"),
        "ActionsEnabled",
    ),
    LISTENER: (
        "LoadBalancerArn",
        "Protocol",
        "Port",
        "DefaultActions",
        "Certificates",
        "MutualAuthentication",
        "SslPolicy",
    ),
    CERTIFICATE: ("ListenerArn", "Certificates"),
    RULE: ("ListenerArn", "Actions", "Priority", "Conditions", "Transforms"),
    BALANCER: ("Type", "Scheme", "LoadBalancerAttributes", "Name", "SecurityGroups", "IpAddressType"),
    TARGET_GROUP: (
        *("Protocol", "ProtocolVersion", "TargetType", "TargetGroupAttributes", "Matcher.HttpCode", "Name"),
        *("HealthCheckProtocol", "HealthCheckPort", "HealthCheckPath", "HealthCheckIntervalSeconds"),
        *("HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount"),
    ),
    "AWS::EC2::SecurityGroup": ("GroupName", "SecurityGroupIngress"),
    "AWS::EC2::SecurityGroupIngress": EVERY_PROPERTY,
    "AWS::IAM::ManagedPolicy": EVERY_PROPERTY,
    "AWS::IAM::Policy": EVERY_PROPERTY,
    "AWS::IAM::Role": EVERY_PROPERTY,
}
# Properties that the constructs set themselves, or whose effect they have in another way.
REPLACED: UsedProperties = {
    TASK_DEFINITION: (
        *("ExecutionRoleArn", "NetworkMode", "ProxyConfiguration", "RequiresCompatibilities"),
        *("RuntimePlatform.OperatingSystemFamily", "ContainerDefinitions.PortMappings.HostPort"),
        *("ContainerDefinitions.PortMappings.AppProtocol", "ContainerDefinitions.LogConfiguration.Options"),
        "ContainerDefinitions.LogConfiguration.SecretOptions",
    ),
    SERVICE: (
        *("Cluster", "PlatformVersion", "Role", "ServiceRegistries"),
        *("AvailabilityZoneRebalancing", "HealthCheckGracePeriodSeconds", "DeploymentConfiguration.Strategy"),
        *("DeploymentConfiguration.DeploymentCircuitBreaker", "NetworkConfiguration.AwsvpcConfiguration.Subnets"),
        *("NetworkConfiguration.AwsvpcConfiguration.SecurityGroups", "LoadBalancers.ContainerName"),
        "LoadBalancers.LoadBalancerName",
    ),
    SCALABLE_TARGET: ("RoleARN",),
    ALARM: ("AlarmName", "AlarmDescription"),
    BALANCER: ("Subnets", "SubnetMappings"),
    TARGET_GROUP: ("Port", "VpcId", "HealthCheckEnabled", "Targets"),
}


def unconverted(declarations: Declarations, place: str) -> Iterator[UnusedProperty]:
    """Yield the properties of a resource that are neither converted nor replaced."""
    for each in declarations.unused:
        if each.place == place and each.name not in REPLACED.get(each.resource_type, ()):
            yield each


def lost_properties(declarations: Declarations, place: str) -> Iterator[Finding]:
    """Yield the findings about the properties of a resource that are neither converted nor replaced."""
    yield from (lost(place, f"property {path_text(each.path)}") for each in unconverted(declarations, place))
