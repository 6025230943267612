"""Strategies of hypothesis for what templates declare beside a mesh: task definitions, services and what they refer to.

Each workload has resources of its own, whose logical ids begin with its name, and shares the cluster, a namespace and
an application load balancer with the others.
"""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.support.local_templates import resource

Json = dict[str, Any]
NODES = ("Website", "Orders", "Stock")
GATEWAY = "Door"
MESH = "shop"
# Workloads whose Envoys depend on a workload: the website calls orders, and the gateway leads to the website.
DEPENDENTS = {"Website": {"Website", GATEWAY}, "Orders": {"Orders", "Website"}, "Stock": {"Stock"}, GATEWAY: {GATEWAY}}
_BALANCING = "AWS::ElasticLoadBalancingV2::"
_SCALING = "AWS::ApplicationAutoScaling::"
_HTTP = {"Listeners": [{"PortMapping": {"Port": 8080, "Protocol": "http"}}]}


def _ref(name: str) -> Json:
    return {"Ref": name}


def _mesh_resources(name: str) -> Json:
    """Return the parts of the mesh that a workload runs."""
    own = name.lower()
    if name == GATEWAY:
        match = {"Match": {"Prefix": "/"}, "Action": {"Target": {"VirtualService": {"VirtualServiceName": "website"}}}}
        route = {"HttpRoute": match}
        return {
            f"{name}Gateway": resource(
                "AWS::AppMesh::VirtualGateway", MeshName=MESH, VirtualGatewayName=own, Spec=_HTTP
            ),
            f"{name}Route": resource(
                "AWS::AppMesh::GatewayRoute",
                MeshName=MESH,
                VirtualGatewayName=own,
                GatewayRouteName="website",
                Spec=route,
            ),
        }
    backends = {"Website": [{"VirtualService": {"VirtualServiceName": "orders"}}]}
    discovery = {"AWSCloudMap": {"NamespaceName": "shop.local", "ServiceName": own}}
    spec = {**_HTTP, "ServiceDiscovery": discovery, "Backends": backends.get(name, [])}
    provider = {"VirtualNode": {"VirtualNodeName": own}}
    return {
        f"{name}Node": resource("AWS::AppMesh::VirtualNode", MeshName=MESH, VirtualNodeName=own, Spec=spec),
        f"{name}Virtual": resource(
            "AWS::AppMesh::VirtualService", MeshName=MESH, VirtualServiceName=own, Spec={"Provider": provider}
        ),
    }


def _task(draw: st.DrawFn, name: str) -> Json:
    kind = "virtualGateway" if name == GATEWAY else "virtualNode"
    arn = f"arn:aws:appmesh:eu-west-1:111122223333:mesh/{MESH}/{kind}/{name.lower()}"
    envoy = {
        "Name": "envoy",
        "Image": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1",
        "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": arn}],
        "HealthCheck": {"Command": ["CMD-SHELL", "exit 0"], "Interval": 5},
    }
    app = {
        "Name": "app",
        "Image": f"example/{name.lower()}:1",
        "Command": ["serve", "--port", "8080"],
        "PortMappings": [{"ContainerPort": 8080, "Protocol": "tcp", "Name": "http"}],
        "Environment": [{"Name": "NAME", "Value": name}, {"Name": "REGION", "Value": {"Fn::Sub": "${AWS::Region}"}}],
        "Secrets": [{"Name": "KEY", "ValueFrom": f"arn:aws:ssm:eu-west-1:111122223333:parameter/{name}"}],
        "HealthCheck": {"Command": ["CMD-SHELL", "curl localhost:8080"], "Interval": 10, "Retries": 3},
        "DependsOn": [{"ContainerName": "envoy", "Condition": "HEALTHY"}],
        "MountPoints": [{"SourceVolume": "data", "ContainerPath": "/data", "ReadOnly": True}],
        "Memory": 512,
    }
    agent = {"Name": "agent", "Image": "example/agent:1", "Essential": False, "Cpu": 64, "User": "1000:1000"}
    files = {"FilesystemId": "fs-1", "RootDirectory": "/", "TransitEncryption": "ENABLED"}
    return {
        "Family": f"{MESH}-{name.lower()}",
        "Cpu": draw(st.sampled_from(("256", "1024", 512))),
        "Memory": draw(st.sampled_from(("2048", 2048))),
        "NetworkMode": "awsvpc",
        "RequiresCompatibilities": ["FARGATE"],
        "TaskRoleArn": {"Fn::GetAtt": [f"{name}Role", "Arn"]},
        "ContainerDefinitions": [envoy] if name == GATEWAY else [app, envoy, *draw(st.sampled_from(((), (agent,))))],
        "Volumes": [{"Name": "data", "EFSVolumeConfiguration": files}],
        "ProxyConfiguration": {
            "Type": "APPMESH",
            "ContainerName": "envoy",
            "ProxyConfigurationProperties": [{"Name": "AppPorts", "Value": "8080"}],
        },
        "Tags": [{"Key": "part", "Value": name}],
    }


def _service(draw: st.DrawFn, name: str) -> Json:
    network = {"Subnets": ["subnet-1"], "SecurityGroups": [_ref(f"{name}Group")], "AssignPublicIp": "DISABLED"}
    container = "envoy" if name == GATEWAY else "app"
    return {
        "ServiceName": f"{MESH}-{name.lower()}",
        "Cluster": _ref("Cluster"),
        "TaskDefinition": _ref(f"{name}Task"),
        "DesiredCount": draw(st.sampled_from((0, 2, "3"))),
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"AwsvpcConfiguration": network},
        "LoadBalancers": [
            {"TargetGroupArn": _ref(f"{name}{kind}"), "ContainerName": container, "ContainerPort": 8080}
            for kind in ("Targets", "NetworkTargets")
        ],
        "ServiceRegistries": [{"RegistryArn": {"Fn::GetAtt": [f"{name}Registry", "Arn"]}}],
        "DeploymentConfiguration": {"MinimumHealthyPercent": 100, "MaximumPercent": 200},
        "HealthCheckGracePeriodSeconds": 30,
        "EnableECSManagedTags": draw(st.booleans()),
        "PropagateTags": draw(st.sampled_from(("SERVICE", "TASK_DEFINITION", "NONE"))),
        "Tags": [{"Key": "stage", "Value": "test"}],
    }


def _balancing(name: str, priority: int) -> Json:
    """Return the rule at the shared load balancer, and a network load balancer of the workload's own."""
    forward = [{"Type": "forward", "TargetGroupArn": _ref(f"{name}Targets")}]
    check = {"HealthCheckPath": "/health", "HealthCheckIntervalSeconds": 10, "Matcher": {"HttpCode": "200-299"}}
    delay = {"TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]}
    group = {"Port": 8080, "TargetType": "ip", "VpcId": "vpc-1", **delay}
    paths = {"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{name}/*"]}}
    return {
        f"{name}Targets": resource(f"{_BALANCING}TargetGroup", Protocol="HTTP", **group, **check),
        f"{name}Rule": resource(
            f"{_BALANCING}ListenerRule",
            ListenerArn=_ref("SharedListener"),
            Priority=priority,
            Conditions=[paths],
            Actions=forward,
        ),
        f"{name}Network": resource(
            f"{_BALANCING}LoadBalancer", Type="network", Scheme="internal", Subnets=["subnet-1"]
        ),
        f"{name}NetworkListener": resource(
            f"{_BALANCING}Listener",
            LoadBalancerArn=_ref(f"{name}Network"),
            Port=80,
            Protocol="TCP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": _ref(f"{name}NetworkTargets")}],
        ),
        f"{name}NetworkTargets": resource(f"{_BALANCING}TargetGroup", Protocol="TCP", **group),
    }


def _scaling(name: str) -> Json:
    steps = [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 3},
    ]
    tracking = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        "TargetValue": 60,
        "ScaleInCooldown": 120,
    }
    action = {"MinCapacity": 4, "MaxCapacity": 8}
    target = _ref(f"{name}Scaling")
    return {
        f"{name}Scaling": resource(
            f"{_SCALING}ScalableTarget",
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId={"Fn::Sub": f"service/${{Cluster}}/${{{name}Service.Name}}"},
            MinCapacity=2,
            MaxCapacity=8,
            ScheduledActions=[
                {"ScheduledActionName": "morning", "Schedule": "cron(0 7 * * ? *)", "ScalableTargetAction": action}
            ],
        ),
        f"{name}Tracking": resource(
            f"{_SCALING}ScalingPolicy",
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=target,
            TargetTrackingScalingPolicyConfiguration=tracking,
        ),
        f"{name}Steps": resource(
            f"{_SCALING}ScalingPolicy",
            PolicyType="StepScaling",
            ScalingTargetId=target,
            StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps},
        ),
        f"{name}Alarm": resource(
            "AWS::CloudWatch::Alarm",
            Namespace=MESH,
            MetricName=f"Waiting{name}",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=100,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            AlarmActions=[_ref(f"{name}Steps")],
        ),
    }


def _workload(draw: st.DrawFn, name: str, number: int) -> Json:
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name.lower()}/*"}
    own = {
        f"{name}Task": resource("AWS::ECS::TaskDefinition", **_task(draw, name)),
        f"{name}Service": resource("AWS::ECS::Service", **_service(draw, name)),
        f"{name}Registry": resource(
            "AWS::ServiceDiscovery::Service",
            Name=name.lower(),
            NamespaceId=_ref("Namespace"),
            DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 10}]},
        ),
        f"{name}Group": resource(
            "AWS::EC2::SecurityGroup",
            GroupDescription=name,
            VpcId="vpc-1",
            SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "CidrIp": "10.0.0.0/16"}],
        ),
        f"{name}Role": resource(
            "AWS::IAM::Role",
            AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
            Policies=[{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}],
        ),
    }
    return {**_mesh_resources(name), **own, **_balancing(name, number), **_scaling(name)}


def together(shop: Mapping[str, Json]) -> Json:
    """Return the resources of all workloads."""
    return {id: each for resources in shop.values() for id, each in resources.items()}


@st.composite
def shops(draw: st.DrawFn) -> dict[str, Json]:
    """Draw the resources of a mesh with its ECS services, by the name of the workload; the shared ones by ``""``."""
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}
    shared = {
        "Mesh": resource("AWS::AppMesh::Mesh", MeshName=MESH),
        "Cluster": resource("AWS::ECS::Cluster", ClusterName=MESH),
        "Namespace": resource("AWS::ServiceDiscovery::PrivateDnsNamespace", Name="shop.local", Vpc="vpc-1"),
        "Shared": resource(
            f"{_BALANCING}LoadBalancer",
            Type="application",
            Scheme=draw(st.sampled_from(("internal", "internet-facing"))),
            Subnets=["subnet-1", "subnet-2"],
        ),
        "SharedListener": resource(
            f"{_BALANCING}Listener",
            LoadBalancerArn=_ref("Shared"),
            Port=80,
            Protocol="HTTP",
            DefaultActions=[answer],
        ),
    }
    names = enumerate((*NODES, GATEWAY), 1)
    return {"": shared, **{name: _workload(draw, name, number) for number, name in names}}
