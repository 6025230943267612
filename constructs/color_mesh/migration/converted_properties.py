"""Properties of task definitions and services that a migration converts, and those that the constructs replace."""

from color_mesh.ecs.reading import EVERY_PROPERTY, UsedProperties

TASK_DEFINITION = "AWS::ECS::TaskDefinition"
SERVICE = "AWS::ECS::Service"
SCALING = tuple(f"AWS::ApplicationAutoScaling::{kind}" for kind in ("ScalableTarget", "ScalingPolicy"))
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
        *("DeploymentConfiguration.MinimumHealthyPercent", "DeploymentConfiguration.MaximumPercent"),
        "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp",
    ),
    **dict.fromkeys(SCALING, EVERY_PROPERTY),
    "AWS::ElasticLoadBalancingV2::Listener": EVERY_PROPERTY,
    "AWS::ElasticLoadBalancingV2::ListenerRule": EVERY_PROPERTY,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": EVERY_PROPERTY,
    "AWS::ElasticLoadBalancingV2::TargetGroup": EVERY_PROPERTY,
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
        *("Cluster", "EnableECSManagedTags", "PlatformVersion", "PropagateTags", "Role", "ServiceRegistries"),
        *("AvailabilityZoneRebalancing", "HealthCheckGracePeriodSeconds", "DeploymentConfiguration.Strategy"),
        *("DeploymentConfiguration.DeploymentCircuitBreaker", "NetworkConfiguration.AwsvpcConfiguration.Subnets"),
        *("NetworkConfiguration.AwsvpcConfiguration.SecurityGroups", "LoadBalancers.ContainerName"),
        *("LoadBalancers.ContainerPort", "LoadBalancers.LoadBalancerName"),
    ),
}
