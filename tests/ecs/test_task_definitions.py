"""Reading of task definitions and their containers."""

from pathlib import Path
from typing import Any

import pytest

from color_mesh.ecs import Declarations
from color_mesh.ecs.containers import Container
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.reading import Reference
from color_mesh.ecs.task_definitions import ProxyConfiguration, TaskDefinition
from tests.support.local_templates import ARN, Resources, declared, with_app, with_properties

PLACE = "shop.template.json: Task"


def definition(declarations: Declarations) -> TaskDefinition:
    return declarations.task_definitions[PLACE]


def app(declarations: Declarations) -> Container:
    return definition(declarations).containers[0]


def problems(declarations: Declarations) -> list[str]:
    return [each.text for each in declarations.problems]


def test_defaults_of_a_container_are_those_of_ecs(tmp_path: Path) -> None:
    assert app(declared(tmp_path)) == Container(name="app", image="colorapp")


def test_every_property_of_a_container_is_read(tmp_path: Path) -> None:
    change = with_app(
        Essential=False,
        Command=["serve", "--fast"],
        EntryPoint=["python3"],
        User="12:34",
        Environment=[{"Name": "SIZE", "Value": 3}, {"Name": "ID", "Value": {"Fn::GetAtt": ["Vpc", "VpcId"]}}],
        Secrets=[{"Name": "KEY", "ValueFrom": "/shop/key"}, {"Name": "TOKEN", "ValueFrom": {"Ref": "Vpc"}}],
        Cpu=128,
        Memory=256,
        MemoryReservation=64,
        DependsOn=[{"ContainerName": "envoy", "Condition": "HEALTHY"}],
        StartTimeout=7,
        StopTimeout=0,
        PortMappings=[
            {"ContainerPort": 8080, "Name": "http"},
            {"ContainerPort": 81},
            {"ContainerPort": 53, "Protocol": "udp"},
        ],
        HealthCheck={"Command": ["CMD", "true"], "Interval": 6, "Timeout": 3, "Retries": 2, "StartPeriod": 9},
        LogConfiguration={
            "LogDriver": "awslogs",
            "Options": {"awslogs-group": "shop", "awslogs-stream-prefix": "app"},
        },
        SystemControls=[{"Namespace": "net.core.somaxconn", "Value": "9"}],
    )
    container = app(declared(tmp_path, change))
    check = container.health_check
    assert check is not None
    assert (check.command, check.interval_seconds, check.timeout_seconds) == (("CMD", "true"), 6, 3)
    assert (check.retries, check.start_period_seconds) == (2, 9)
    assert container == Container(
        name="app",
        image="colorapp",
        entry_point=("python3",),
        command=("serve", "--fast"),
        environment={"SIZE": "3", "ID": Reference(resource_type="AWS::EC2::VPC", name="Vpc.VpcId")},
        secrets={"KEY": "/shop/key", "TOKEN": Reference(resource_type="AWS::EC2::VPC", name="Vpc.Ref")},
        user="12:34",
        cpu=128,
        memory_mib=256,
        memory_reservation_mib=64,
        ports={8080: "http", 81: None},
        essential=False,
        depends_on=(("envoy", "HEALTHY"),),
        health_check=check,
        start_seconds=7,
        stop_seconds=0,
        log_driver="awslogs",
        log_group="shop",
        log_prefix="app",
        system_controls=(("net.core.somaxconn", "9"),),
    )


def test_other_log_drivers_have_no_log_group(tmp_path: Path) -> None:
    logs = {"LogDriver": "splunk", "Options": {"awslogs-group": "shop"}}
    container = app(declared(tmp_path, with_app(LogConfiguration=logs)))
    assert (container.log_driver, container.log_group) == ("splunk", None)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param(
            {"DependsOn": [{"ContainerName": "db", "Condition": "HEALTHY"}]},
            f"{PLACE} container 'app': depends on an unknown container, got 'db' (known: app, envoy)",
            id="unknown-container",
        ),
        pytest.param(
            {"DependsOn": [{"ContainerName": "envoy", "Condition": "WELL"}]},
            f"{PLACE}.ContainerDefinitions[0].DependsOn[0].Condition: unknown condition, got 'WELL' "
            "(known: START, COMPLETE, SUCCESS, HEALTHY)",
            id="unknown-condition",
        ),
        pytest.param(
            {"HealthCheck": {"Command": ["true"]}},
            f"{PLACE}.ContainerDefinitions[0].HealthCheck.Command: is not a command of a health check, got ['true'] "
            "(CMD and words, or CMD-SHELL and one line)",
            id="health-check",
        ),
        pytest.param(
            {"Environment": [{"Name": "A", "Value": ["b"]}]},
            f"{PLACE}.ContainerDefinitions[0].Environment[0].Value: is not text, got ['b'] (text)",
            id="variable",
        ),
    ],
)
def test_invalid_property_of_a_container_is_a_problem(tmp_path: Path, properties: Resources, expected: str) -> None:
    assert problems(declared(tmp_path, with_app(**properties))) == [expected]


def test_task_definition_without_containers_is_a_problem(tmp_path: Path) -> None:
    (line,) = problems(declared(tmp_path, with_properties("Task", ContainerDefinitions=[])))
    assert line == f"{PLACE}.ContainerDefinitions: has no container, got [] (one or more)"


def test_properties_of_a_task_definition_are_read(tmp_path: Path) -> None:
    change = with_properties(
        "Task",
        Cpu="512",
        Memory="1 GB",
        RuntimePlatform={"CpuArchitecture": "ARM64"},
        ExecutionRoleArn="arn:aws:iam::111122223333:role/agent",
    )
    task = definition(declared(tmp_path, change))
    assert (task.family, task.declared_family, task.cpu_architecture) == ("stock", "stock", "ARM64")
    assert (task.cpu, task.memory_mib) == (512, 1024)
    assert task.task_role == "shop.template.json: Role"
    assert task.execution_role == "arn:aws:iam::111122223333:role/agent"
    assert [each.name for each in task.envoys] == ["envoy"]


def test_family_without_a_name_is_the_logical_id(tmp_path: Path) -> None:
    task = definition(declared(tmp_path, with_properties("Task", Family=None)))
    assert (task.family, task.declared_family) == ("Task", None)


@pytest.mark.parametrize(
    ("text", "units"),
    [("256", 256), (".25 vCPU", 256), ("1 vcpu", 1024), ("0.5 GB", 512), ("2GB", 2048), (None, None), ("much", None)],
)
def test_sizes_are_numbers_or_have_units(tmp_path: Path, text: str | None, units: int | None) -> None:
    change = with_properties("Task", Memory=text) if text else None
    assert definition(declared(tmp_path, change)).memory_mib == units


def test_proxy_configuration_is_read(tmp_path: Path) -> None:
    assert definition(declared(tmp_path)).proxy_configuration == ProxyConfiguration(
        app_ports=(80,),
        ingress_port=15000,
        egress_port=15001,
        ignored_uid=1337,
        ignored_ips=("169.254.170.2", "169.254.169.254"),
    )


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1 -j ACCEPT", "10.0.0.1\nCOMMIT", "10.0.0.0/33", "$(id)"])
def test_ignored_addresses_that_are_none_are_a_problem(tmp_path: Path, text: str) -> None:
    def change(resources: Resources) -> None:
        properties = resources["Task"]["ProxyConfiguration"]["ProxyConfigurationProperties"]
        properties.append({"Name": "EgressIgnoredIPs", "Value": f"169.254.170.2, 169.254.0.0/16, fd00::1, {text}"})

    (line,) = problems(declared(tmp_path, change))
    expected = "EgressIgnoredIPs is not a list of addresses"
    assert line.startswith(f"{PLACE}.ProxyConfiguration.ProxyConfigurationProperties: {expected}, got ")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AppPorts", "http", "AppPorts is not a list of numbers"),
        ("ProxyEgressPort", "", "has no ProxyEgressPort"),
        ("IgnoredUID", "", "has neither IgnoredUID nor IgnoredGID"),
        ("AppPorts", "", "has only one of AppPorts and ProxyIngressPort"),
    ],
)
def test_invalid_proxy_configuration_is_a_problem(tmp_path: Path, name: str, value: str, expected: str) -> None:
    def change(resources: Resources) -> None:
        for each in resources["Task"]["ProxyConfiguration"]["ProxyConfigurationProperties"]:
            each["Value"] = value if each["Name"] == name else each["Value"]

    (line,) = problems(declared(tmp_path, change))
    assert line.startswith(f"{PLACE}.ProxyConfiguration.ProxyConfigurationProperties: {expected}, got ")


def with_identity(value: Any, **properties: Any) -> Any:
    """Change the variable that names the virtual node of Envoy, and properties of its container."""

    def change(resources: Resources) -> None:
        envoy = resources["Task"]["ContainerDefinitions"][1]
        envoy["Environment"][0]["Value"] = value
        envoy.update(properties)

    return change


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(ARN, id="arn"),
        pytest.param("mesh/shop/virtualNode/stock", id="name"),
        pytest.param({"Ref": "Node"}, id="ref"),
        pytest.param({"Fn::GetAtt": ["Node", "Arn"]}, id="attribute"),
        pytest.param("arn:aws:appmesh:us-east-1:1:mesh/shop@444455556666/virtualNode/stock", id="shared-mesh"),
    ],
)
def test_variable_of_an_envoy_names_its_virtual_node(tmp_path: Path, value: Any) -> None:
    declarations = declared(tmp_path, with_identity(value))
    stock = MeshResource(mesh="shop", kind="virtualNode", name="stock")
    assert definition(declarations).containers[1].mesh_resource == stock
    assert problems(declarations) == []


def test_variable_that_names_no_virtual_node_is_a_problem(tmp_path: Path) -> None:
    assert problems(declared(tmp_path, with_identity("stock"))) == [
        (
            f"{PLACE}.ContainerDefinitions[1].Environment[0].Value: APPMESH_RESOURCE_ARN names no virtual node or "
            "virtual gateway, got 'stock' (such as arn:aws:appmesh:REGION:ACCOUNT:mesh/color-mesh/virtualNode/red)"
        )
    ]


FAR = {"Fn::ImportValue": "registry:Image"}


def test_image_of_an_envoy_of_app_mesh_may_be_unknown(tmp_path: Path) -> None:
    declarations = declared(tmp_path, with_identity(ARN, Image=FAR))
    assert definition(declarations).containers[1].image == "placeholder/registry-image"
    assert problems(declarations) == []


def test_image_without_a_value_is_a_placeholder(tmp_path: Path) -> None:
    declarations = declared(tmp_path, with_app(Image=FAR))
    assert definition(declarations).containers[0].image == "placeholder/registry-image"
    assert problems(declarations) == []
