"""Differences between the templates of the two data planes."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from color_mesh.appmesh.source import read_source
from color_mesh.envoy import CloudMapEndpoints, Loopback, configure, loopback_address
from tests.support.chapters import CHAPTERS
from tests.support.cloudformation import (
    Assembly,
    Properties,
    Template,
    container,
    editable,
    only,
    properties,
    statements,
)

Synthesize = Callable[..., Assembly]
TASK = "AWS::ECS::TaskDefinition"
SERVICE = "AWS::ECS::Service"
# Properties of containers that may differ between the planes.
ENVOY_DIFFERENCES = {
    "Command", "EntryPoint", "Environment", "HealthCheck", "Image", "LogConfiguration", "ReadonlyRootFilesystem",
    "StopTimeout", "SystemControls", "User",
}  # fmt: skip
APPLICATION_DIFFERENCES = {"Command", "Image", "LogConfiguration"}


@pytest.fixture(scope="module")
def envoy(synthesize: Synthesize) -> Assembly:
    return synthesize(dataPlane="envoy")


def types(assembly: Assembly) -> set[str]:
    return {each["Type"] for template in assembly.values() for each in template["Resources"].values()}


def without(properties: Properties, keys: set[str]) -> Properties:
    return {key: value for key, value in properties.items() if key not in keys}


def bootstrap(task: Properties, name: str) -> Any:
    return json.loads(" ".join(container(task, name)["Command"]))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_envoy_plane_has_nothing_of_app_mesh(chapter: str, synthesize: Synthesize) -> None:
    assembly = synthesize(**CHAPTERS[chapter], dataPlane="envoy")
    assert "appmesh" not in json.dumps(assembly).lower()
    assert "ProxyConfiguration" not in json.dumps(assembly)


def test_planes_have_the_same_resource_types_except_for_the_mesh_and_its_names(
    assembly: Assembly, envoy: Assembly
) -> None:
    assert types(envoy) - types(assembly) == {
        "AWS::Route53::HostedZone",
        "AWS::Route53::RecordSet",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::ServiceDiscovery::Instance",
    }
    assert {type for type in types(assembly) - types(envoy) if not type.startswith("AWS::AppMesh::")} == set()


def test_task_role_of_the_gateway_may_ask_for_the_services_that_it_calls_only(envoy: Assembly) -> None:
    (statement,) = statements(envoy["EcsStack"], "GatewayTaskRole")
    assert statement == {
        "Action": "servicediscovery:DiscoverInstances",
        "Condition": {
            "StringEquals": {
                "servicediscovery:NamespaceName": "tasks.colors.local",
                "servicediscovery:ServiceName": ["blue", "color-router.weights", "router", "yellow"],
            }
        },
        "Effect": "Allow",
        "Resource": "*",
    }


@pytest.mark.parametrize("color", ["red", "blue", "green", "yellow"])
def test_task_definitions_of_nodes_differ_in_containers_only(color: str, assembly: Assembly, envoy: Assembly) -> None:
    here, there = (only(each["EcsStack"], TASK, Family=f"{color}_node") for each in (envoy, assembly))
    keys = {"ContainerDefinitions", "ProxyConfiguration"}
    assert without(here, keys) == without(there, keys)
    for name, differences in ((f"{color}-app", APPLICATION_DIFFERENCES), ("envoy-sidecar", ENVOY_DIFFERENCES)):
        assert without(container(here, name), differences) == without(container(there, name), differences)


def test_task_definitions_of_gateways_differ_in_containers_only(assembly: Assembly, envoy: Assembly) -> None:
    here, there = (only(each["EcsStack"], TASK, Family="gateway") for each in (envoy, assembly))
    assert without(here, {"ContainerDefinitions"}) == without(there, {"ContainerDefinitions"})
    assert without(container(here, "envoy-proxy"), ENVOY_DIFFERENCES) == without(
        container(there, "envoy-proxy"), ENVOY_DIFFERENCES
    )


@pytest.mark.parametrize(
    ("family", "name"), [("red_node", "red-app"), ("red_node", "envoy-sidecar"), ("gateway", "envoy-proxy")]
)
def test_log_mode_and_buffer_are_said(family: str, name: str, assembly: Assembly, envoy: Assembly) -> None:
    here, there = (
        container(only(each["EcsStack"], TASK, Family=family), name)["LogConfiguration"] for each in (envoy, assembly)
    )
    said = {"mode": "non-blocking", "max-buffer-size": f"{25 * 1024 * 1024}b"}
    assert here == {**there, "Options": {**there["Options"], **said}}


def test_zone_rebalancing_is_said(assembly: Assembly, envoy: Assembly) -> None:
    here, there = (
        [each.get("AvailabilityZoneRebalancing") for each in properties(assembled["EcsStack"], SERVICE)]
        for assembled in (envoy, assembly)
    )
    assert (here, there) == (["ENABLED"] * 5, [None] * 5)


def test_load_balancer_crosses_zones(assembly: Assembly, envoy: Assembly) -> None:
    here, there = (
        only(each["EcsStack"], "AWS::ElasticLoadBalancingV2::LoadBalancer")["LoadBalancerAttributes"]
        for each in (envoy, assembly)
    )
    assert here == [*there, {"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]


def test_services_differ_in_their_groups_registries_and_zone_rebalancing_only(
    assembly: Assembly, envoy: Assembly
) -> None:
    here, there = (
        [
            without(json.loads(json.dumps(service)), {"AvailabilityZoneRebalancing", "ServiceRegistries"})
            for service in services
        ]
        for services in (properties(each["EcsStack"], SERVICE) for each in (envoy, assembly))
    )
    groups, shared = (
        [each["NetworkConfiguration"]["AwsvpcConfiguration"].pop("SecurityGroups") for each in services]
        for services in (here, there)
    )
    assert here == there
    assert [len(set(map(json.dumps, of))) for of in (groups, shared)] == [5, 1]


def test_target_group_has_addresses_of_clients_and_a_delay(assembly: Assembly, envoy: Assembly) -> None:
    (group,) = properties(envoy["EcsStack"], "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert group.pop("TargetGroupAttributes") == [
        {"Key": "deregistration_delay.timeout_seconds", "Value": "150"},
        {"Key": "preserve_client_ip.enabled", "Value": "true"},
    ]
    check = {key: group.pop(key) for key in ("HealthCheckPath", "HealthCheckProtocol")}
    assert check == {"HealthCheckPath": "/.well-known/gateway-health", "HealthCheckProtocol": "HTTP"}
    assert [group] == properties(assembly["EcsStack"], "AWS::ElasticLoadBalancingV2::TargetGroup")


@pytest.mark.parametrize("type", ["AWS::ElasticLoadBalancingV2::Listener", "AWS::Logs::LogGroup"])
def test_load_balancer_and_log_groups_are_the_same(type: str, assembly: Assembly, envoy: Assembly) -> None:
    # Envoy believes the address of a connection, and App Mesh's gateways the headers of a client.
    here, there = (
        [without(each, {"TargetGroupAttributes"}) for each in properties(assembled["EcsStack"], type)]
        for assembled in (envoy, assembly)
    )
    assert here == there


def test_nodes_admit_their_callers_on_the_port_of_envoy_only(envoy: Assembly) -> None:
    rules = properties(envoy["EcsStack"], "AWS::EC2::SecurityGroupIngress")
    calls = [rule for rule in rules if rule["Description"] == "a caller in the mesh"]
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in calls} == {("tcp", 15100, 15100)}
    assert {(group_of(rule["SourceSecurityGroupId"]), group_of(rule["GroupId"])) for rule in calls} == {
        ("Blue", "Red"),
        ("Red", "Green"),
        ("Red", "Yellow"),
        ("GatewayTask", "Blue"),
        ("GatewayTask", "Green"),
        ("GatewayTask", "Yellow"),
    }


def test_callers_may_send_to_the_port_of_envoy_of_nodes_only(envoy: Assembly) -> None:
    rules = properties(envoy["EcsStack"], "AWS::EC2::SecurityGroupEgress")
    calls = [rule for rule in rules if rule["Description"] == "backends"]
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in calls} == {("tcp", 15100, 15100)}
    assert [group_of(rule["GroupId"]) for rule in calls] == ["Red", "Blue", "GatewayTask"]
    assert all("MeshSecurityGroup" in json.dumps(rule["DestinationSecurityGroupId"]) for rule in calls)


def group_of(reference: Any) -> str:
    """Return the node of a security group, or ``GatewayTask``."""
    match = re.search(r"(Red|Blue|Green|Yellow|GatewayTask)SecurityGroup", json.dumps(reference))
    assert match is not None
    return match[1]


def test_services_have_the_names_of_the_tutorial(envoy: Assembly) -> None:
    records = {record["Name"]: record["ResourceRecords"] for record in records_of(envoy["EcsStack"])}
    # Only the gateway calls blue, and it needs no DNS.
    names = ("red.colors.local", "router.colors.local")
    assert records == {name: [loopback_address(name)] for name in names}


def records_of(template: Template) -> list[Properties]:
    return properties(template, "AWS::Route53::RecordSet")


def test_envoy_plane_has_the_bootstraps_that_the_app_mesh_resources_compile_to(
    synthesize: Synthesize, cloud_assembly: Callable[..., Any], envoy: Assembly
) -> None:
    """Both planes have the same mesh, except for the Cloud Map namespace of the tasks."""
    (mesh,) = read_source([cloud_assembly()]).meshes
    # App Mesh had the weights of its routes itself.
    endpoints = CloudMapEndpoints(
        weights_namespace="colors.local", live_routes=frozenset({("color-router", "color-route")})
    )
    for node in mesh.nodes:
        task = only(envoy["EcsStack"], TASK, Family=f"{node.name}_node")
        interception = Loopback(app_address="127.0.0.1")
        compiled = configure(mesh, node, interception=interception, endpoints=endpoints).bootstrap
        assert json.dumps(bootstrap(task, "envoy-sidecar")).replace("tasks.colors.", "colors.") == json.dumps(compiled)
    gateway = mesh.gateway("color-gateway")
    compiled = configure(mesh, gateway, interception=Loopback(), endpoints=endpoints).bootstrap
    task = only(envoy["EcsStack"], TASK, Family="gateway")
    assert json.dumps(bootstrap(task, "envoy-proxy")).replace("tasks.colors.", "colors.") == json.dumps(compiled)


def test_new_weight_changes_the_instance_of_its_route_and_nothing_else(synthesize: Synthesize, envoy: Assembly) -> None:
    expected = deepcopy(envoy)
    instance = editable(expected["EcsStack"], "AWS::ServiceDiscovery::Instance", InstanceId="color-route")
    assert instance["InstanceAttributes"] == {"green": "4", "yellow": "1"}
    instance["InstanceAttributes"] = {"green": "0", "yellow": "1"}
    assert synthesize(dataPlane="envoy", weights="green=0,yellow=1") == expected


def test_new_backend_changes_the_role_and_the_task_definition_of_its_caller_only(
    synthesize: Synthesize, envoy: Assembly
) -> None:
    changed = synthesize(dataPlane="envoy", redBackends="router,blue")
    resources = envoy["EcsStack"]["Resources"].items()
    different = [id for id, resource in resources if changed["EcsStack"]["Resources"][id] != resource]
    # The Envoy may ask Cloud Map for the new backend, and the service starts after what the new calls need.
    assert [re.sub("[0-9A-F]{8}$", "", id) for id in different] == [
        "RedTaskRoleDefaultPolicy", "RedTaskDefinition", "RedService",
    ]  # fmt: skip
    new = changed["EcsStack"]["Resources"].keys() - envoy["EcsStack"]["Resources"].keys()
    assert {changed["EcsStack"]["Resources"][id]["Type"] for id in new} == {
        "AWS::EC2::SecurityGroupIngress",
        "AWS::Route53::RecordSet",
    }
    assert changed["MeshStack"] == envoy["MeshStack"]
