"""A template of the tutorial's mesh without App Mesh: Envoys have their configuration in the task definition."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from color_mesh.appmesh.source import read_source
from color_mesh.envoy import Loopback, configure, loopback_address
from color_mesh.envoy.placement import INBOUND_PORT
from color_mesh.model import CloudMapDiscovery, Mesh, VirtualGateway, VirtualNode

DOMAIN = "colors.local"
TASKS = f"tasks.{DOMAIN}"
READY = (
    "exec 3<>/dev/tcp/127.0.0.1/9901; "
    r"printf 'GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3; grep -q LIVE <&3"
)
Resources = dict[str, Any]


def tutorial() -> Mesh:
    """The tutorial's mesh, its tasks found in a namespace below that of the services."""
    mesh = read_source([Path(__file__).parent / "manifests"]).meshes[0]
    nodes = tuple(replace(node, discovery=CloudMapDiscovery(namespace=TASKS, service=node.name)) for node in mesh.nodes)
    return replace(mesh, nodes=nodes, cloud_map_services=())


def template(mesh: Mesh, count: int = 1) -> Resources:
    """Write everything that runs a mesh: an application and an Envoy a task, and the names of the services."""
    resources = _network()
    for service in mesh.services:
        record = {"Name": service.name, "Type": "A", "TTL": 60, "ResourceRecords": [loopback_address(service.name)]}
        name = f"{service.name.split('.')[0].capitalize()}Record"
        resources[name] = _resource("AWS::Route53::RecordSet", HostedZoneId={"Ref": "Zone"}, **record)
    for node in mesh.nodes:
        resources |= _node(mesh, node, count)
    for gateway in mesh.gateways:
        resources |= _gateway(mesh, gateway)
    return {"Resources": resources}


def _network() -> Resources:
    members = {"Fn::GetAtt": ["Group", "GroupId"]}
    rules = {
        f"Members{port}": _resource(
            "AWS::EC2::SecurityGroupIngress",
            GroupId=members,
            SourceSecurityGroupId=members,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
        )
        for port in (INBOUND_PORT, 80)
    }
    return {
        "Vpc": _resource("AWS::EC2::VPC", CidrBlock="10.2.0.0/16"),
        "Subnet": _resource("AWS::EC2::Subnet", CidrBlock="10.2.1.0/24"),
        "Group": _resource("AWS::EC2::SecurityGroup", GroupDescription="tasks"),
        "Clients": _resource(
            "AWS::EC2::SecurityGroup",
            GroupDescription="clients",
            SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}],
        ),
        **rules,
        "Zone": _resource("AWS::Route53::HostedZone", Name=f"{DOMAIN}.", VPCs=[{"VPCId": "v", "VPCRegion": "r"}]),
        "Namespace": _resource("AWS::ServiceDiscovery::PrivateDnsNamespace", Name=TASKS, Vpc="v"),
    }


def _node(mesh: Mesh, node: VirtualNode, count: int) -> Resources:
    title = node.name.capitalize()
    application = {
        "Name": f"{node.name}-app",
        "Image": "example/color",
        "Environment": [{"Name": "COLOR", "Value": node.name}],
        "DependsOn": [{"ContainerName": "envoy", "Condition": "HEALTHY"}],
    }
    return {
        f"{title}Name": _resource(
            "AWS::ServiceDiscovery::Service",
            Name=node.name,
            NamespaceId={"Fn::GetAtt": ["Namespace", "Id"]},
            DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 1}]},
        ),
        f"{title}Task": _resource(
            "AWS::ECS::TaskDefinition", Family=node.name, ContainerDefinitions=[application, _envoy(mesh, node)]
        ),
        f"{title}Service": _service(
            title, node.name, count, ServiceRegistries=[{"RegistryArn": {"Fn::GetAtt": [f"{title}Name", "Arn"]}}]
        ),
    }


def _gateway(mesh: Mesh, gateway: VirtualGateway) -> Resources:
    envoy = {**_envoy(mesh, gateway), "PortMappings": [{"ContainerPort": 80}]}
    return {
        "GatewayTask": _resource("AWS::ECS::TaskDefinition", Family="gateway", ContainerDefinitions=[envoy]),
        "GatewayService": _service("Gateway", "gateway", 1, public=True),
    }


def _envoy(mesh: Mesh, part: VirtualNode | VirtualGateway) -> Resources:
    bootstrap = json.dumps(configure(mesh, part, interception=Loopback()).bootstrap, separators=(",", ":"))
    return {
        "Name": "envoy",
        "Image": "envoyproxy/envoy:v1.40.0",
        "User": "101:101",
        "Command": ["--config-yaml", bootstrap, "--concurrency", "1", "--file-flush-interval-msec", "100"],
        "HealthCheck": {"Command": ["CMD", "bash", "-c", READY], "Interval": 5, "Timeout": 2, "Retries": 3},
        "SystemControls": [{"Namespace": "net.ipv4.ip_unprivileged_port_start", "Value": "0"}],
    }


def _service(title: str, name: str, count: int, public: bool = False, **more: Any) -> Resources:
    groups = [{"Fn::GetAtt": [group, "GroupId"]} for group in (("Group", "Clients") if public else ("Group",))]
    network = {"Subnets": [{"Ref": "Subnet"}], "SecurityGroups": groups}
    if public:
        network["AssignPublicIp"] = "ENABLED"
    return _resource(
        "AWS::ECS::Service",
        ServiceName=f"{name}-svc",
        DesiredCount=count,
        TaskDefinition={"Ref": f"{title}Task"},
        NetworkConfiguration={"AwsvpcConfiguration": network},
        **more,
    )


def _resource(kind: str, **properties: Any) -> Resources:
    return {"Type": kind, "Properties": properties}
