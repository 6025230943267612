"""A small template of a mesh that runs, for tests that change one property of it."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cloudformation import read_templates
from color_mesh.ecs import Declarations, read_declarations
from color_mesh.ecs.reading import EVERY_PROPERTY, UsedProperties
from color_mesh.local.plan.assembly import Plan, read_plan
from color_mesh.local.plan.emulation import EMULATED
from color_mesh.model import MeshError

Resources = dict[str, Any]
ARN = "arn:aws:appmesh:eu-west-1:111122223333:mesh/shop/virtualNode/stock"
TRUST = {"Statement": {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:*"}}


def resource(kind: str, **properties: Any) -> Resources:
    return {"Type": kind, "Properties": properties}


APP = {"Name": "app", "Image": "colorapp"}
ENVOY = {
    "Name": "envoy",
    "Image": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1",
    "User": "1337",
    "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": ARN}],
}
REDIRECTION = {
    "ProxyConfigurationProperties": [
        {"Name": "AppPorts", "Value": "80"},
        {"Name": "ProxyIngressPort", "Value": "15000"},
        {"Name": "ProxyEgressPort", "Value": "15001"},
        {"Name": "IgnoredUID", "Value": "1337"},
        {"Name": "EgressIgnoredIPs", "Value": "169.254.170.2,169.254.169.254"},
    ]
}
TEMPLATE: dict[str, Any] = {
    "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.1.0.0/16"),
    "Subnet": resource("AWS::EC2::Subnet", CidrBlock="10.1.2.0/24"),
    "Group": resource("AWS::EC2::SecurityGroup", GroupDescription="tasks", GroupName="tasks"),
    "Namespace": resource("AWS::ServiceDiscovery::PrivateDnsNamespace", Name="shop.local", Vpc="vpc-1"),
    "Name": resource(
        "AWS::ServiceDiscovery::Service",
        Name="stock",
        NamespaceId={"Fn::GetAtt": ["Namespace", "Id"]},
        DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]},
    ),
    "Mesh": resource("AWS::AppMesh::Mesh", MeshName="shop"),
    "Node": resource(
        "AWS::AppMesh::VirtualNode",
        MeshName="shop",
        VirtualNodeName="stock",
        Spec={
            "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}],
            "ServiceDiscovery": {"AWSCloudMap": {"NamespaceName": "shop.local", "ServiceName": "stock"}},
        },
    ),
    "Role": resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument=TRUST,
        Policies=[
            {
                "PolicyDocument": {
                    "Statement": {
                        "Effect": "Allow",
                        "Action": "appmesh:StreamAggregatedResources",
                        "Resource": {"Ref": "Node"},
                    }
                }
            }
        ],
    ),
    "Task": resource(
        "AWS::ECS::TaskDefinition",
        Family="stock",
        ContainerDefinitions=[APP, ENVOY],
        ProxyConfiguration=REDIRECTION,
        TaskRoleArn={"Fn::GetAtt": ["Role", "Arn"]},
    ),
    "Service": resource(
        "AWS::ECS::Service",
        ServiceName="stock-svc",
        TaskDefinition={"Ref": "Task"},
        NetworkConfiguration={
            "AwsvpcConfiguration": {
                "Subnets": [{"Ref": "Subnet"}],
                "SecurityGroups": [{"Fn::GetAtt": ["Group", "GroupId"]}],
            }
        },
        ServiceRegistries=[{"RegistryArn": {"Fn::GetAtt": ["Name", "Arn"]}}],
    ),
}

Change = Callable[[Resources], None]
EVERYTHING: UsedProperties = {
    **dict.fromkeys(EMULATED, EVERY_PROPERTY),
    "AWS::ElasticLoadBalancingV2::ListenerRule": EVERY_PROPERTY,
}


def with_app(**properties: Any) -> Change:
    """Change properties of the application's container."""

    def change(resources: Resources) -> None:
        resources["Task"]["ContainerDefinitions"] = [{**APP, **properties}, ENVOY]

    return change


def with_properties(name: str, **properties: Any) -> Change:
    """Change properties of a resource; ``None`` removes a property."""

    def change(resources: Resources) -> None:
        resources[name] |= properties
        for key in [key for key, value in properties.items() if value is None]:
            del resources[name][key]

    return change


def changed(change: Change | None = None) -> Resources:
    """The template with a change, which gets the properties of resources by their logical ids."""
    resources = deepcopy(TEMPLATE)
    if change is not None:
        change({name: each["Properties"] for name, each in resources.items()})
    return resources


def balanced(**targets: Any) -> Resources:
    """An application load balancer with a listener and a target group, with some properties of the target group."""
    forward = {"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}
    return {
        "Targets": elb("TargetGroup", TargetType="ip", Protocol="HTTP", **targets),
        "Balancer": elb("LoadBalancer", Subnets=[{"Ref": "Subnet"}]),
        "Listener": elb(
            "Listener", LoadBalancerArn={"Ref": "Balancer"}, Protocol="HTTP", Port=80, DefaultActions=[forward]
        ),
    }


def elb(name: str, **properties: Any) -> Resources:
    """A resource of Elastic Load Balancing."""
    return resource(f"AWS::ElasticLoadBalancingV2::{name}", **properties)


def write_template(folder: Path, change: Change | None = None, more: Resources | None = None) -> Path:
    """Write the template to a folder, with a change and with more resources."""
    file = folder / "shop.template.json"
    file.write_text(json.dumps({"Resources": {**changed(change), **(more or {})}}))
    return file


def declared(
    folder: Path,
    change: Change | None = None,
    more: Resources | None = None,
    used: UsedProperties = EVERYTHING,
) -> Declarations:
    """Read the declarations of the template, with a change and with more resources."""
    return read_declarations(read_templates([write_template(folder, change, more)], {}, {}), used)


def planned(folder: Path, change: Change | None = None, more: Resources | None = None, **options: Any) -> Plan:
    """Read the plan of the template, with a change and with more resources."""
    return read_plan([write_template(folder, change, more)], **{"images": {"colorapp": ("true",)}, **options})


def refused(folder: Path, change: Change | None = None, more: Resources | None = None, **options: Any) -> list[str]:
    """The problems of a template that cannot run."""
    with pytest.raises(MeshError) as error:
        planned(folder, change, more, **options)
    return str(error.value).splitlines()
