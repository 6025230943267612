"""The generated app: it declares the mesh that was read, and the CDK synthesizes it."""

import json
import os
import runpy
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.appmesh.source import read_source
from color_mesh.cli.main import main
from color_mesh.envoy import CloudMapEndpoints, Loopback, configure
from color_mesh.envoy.document import read
from color_mesh.migration import ConvertedMesh, Migration, convert_mesh, migrate
from color_mesh.migration.app_code import app_module
from color_mesh.migration.mesh_code import mesh_module
from color_mesh.model import Mesh
from tests.support.cloudformation import Template, container, only, properties
from tests.support.full_mesh import full_mesh
from tests.support.gold import compare_with_gold
from tests.support.mesh_strategies import meshes
from tests.support.needs import examples

GOLD = Path(__file__).parent / "gold"
BOOKSHOP = Path(__file__).parent.parent.parent / "examples" / "app_mesh" / "bookshop.yaml"
MANIFESTS = Path(__file__).parent.parent / "manifests"
FILES = ("app.py", "network_stack.py", "mesh_stack.py", "services_stack.py", "cdk.json", "MIGRATION.md")
TASK = "AWS::ECS::TaskDefinition"


def migration_of(*paths: Path) -> Migration:
    source = read_source(paths)
    (mesh,) = source.meshes
    return migrate(source, mesh)


def declared(converted: ConvertedMesh) -> Mesh:
    """Return the mesh that the generated stack declares."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(mesh_module(converted))
        file.flush()
        module = runpy.run_path(file.name)
    stack = Stack(App(builtin_cloud_formation_validation=False), "Network")
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"])
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Namespace", name=converted.domain.namespace, vpc=vpc)
    mesh_stack = module["MeshStack"](stack, "Mesh", vpc=vpc, namespace=namespace, env=None)
    model = mesh_stack.mesh.model
    assert isinstance(model, Mesh)
    return model


def has_one_target_per_node(mesh: Mesh) -> bool:
    routes = (route for router in mesh.routers for route in router.routes)
    return all(len({each.virtual_node for each in route.targets}) == len(route.targets) for route in routes)


# The declared mesh is the converted one


def test_generated_app_declares_the_mesh_of_the_bookshop() -> None:
    converted = migration_of(BOOKSHOP).converted
    assert declared(converted) == converted.mesh


def test_generated_app_declares_the_mesh_of_the_tutorial(cloud_assembly: Callable[..., Path]) -> None:
    converted = migration_of(cloud_assembly()).converted
    assert declared(converted) == converted.mesh


def test_generated_app_declares_a_mesh_with_every_property() -> None:
    converted = convert_mesh(full_mesh(), {"target", "plain", "third"})
    assert declared(converted) == converted.mesh


@given(st.data())
@examples(60)
def test_generated_app_declares_any_mesh(data: st.DataObject) -> None:
    mesh = data.draw(meshes().filter(has_one_target_per_node))
    implemented = data.draw(st.sets(st.sampled_from(sorted(node.name for node in mesh.nodes)))) if mesh.nodes else set()
    converted = convert_mesh(mesh, implemented)
    assert declared(converted) == converted.mesh


@pytest.mark.parametrize(
    ("name", "stack"),
    [("bookshop-prod", "BookshopProdNetworkStack"), ("-", "NetworkStack"), ("1", "Mesh1NetworkStack")],
)
def test_name_of_a_stack_begins_with_a_letter(name: str, stack: str) -> None:
    converted = convert_mesh(replace(full_mesh(), name=name), ())
    assert f"network = NetworkStack(app, {stack!r}, " in app_module(converted, with_services=False)


def test_ids_of_the_cdk_are_not_ids_of_the_app() -> None:
    mesh = full_mesh()
    gateway = replace(mesh.gateways[0], name="check-bootstrap-version")
    converted = convert_mesh(replace(mesh, gateways=(gateway,)), ())
    code = mesh_module(converted)
    assert "MeshGateway(self, 'CheckBootstrapVersionGateway', " in code


# The files


@pytest.mark.parametrize("name", FILES)
def test_generated_file_of_the_bookshop_equals_its_gold_file(name: str, request: pytest.FixtureRequest) -> None:
    compare_with_gold(GOLD / name, migration_of(BOOKSHOP).files("bookshop.yaml")[name], request)


def test_every_generated_file_has_a_gold_file() -> None:
    assert {path.name for path in GOLD.iterdir()} == {*FILES} == {*migration_of(BOOKSHOP).files("")}


def test_app_has_no_stack_of_services_without_task_definitions() -> None:
    files = migration_of(MANIFESTS).files("manifests")
    assert files.keys() == {*FILES} - {"services_stack.py"}
    assert "ServicesStack" not in files["app.py"]


# The CDK


def synthesized(folder: Path, *sources: Path) -> dict[str, Template]:
    """Return the templates that ``cdk synth``, with all validation, makes of the generated app."""
    assert main(["migrate", *map(str, sources), "--out", str(folder)]) == 0
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    synthesis = subprocess.run(
        ["cdk", "synth", "--quiet"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert synthesis.returncode == 0, synthesis.stdout + synthesis.stderr
    files = sorted((folder / "cdk.out").glob("*.template.json"))
    return {path.name.split(".")[0]: json.loads(path.read_text()) for path in files}


@pytest.fixture(scope="module")
def bookshop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    return synthesized(tmp_path_factory.mktemp("bookshop") / "app", BOOKSHOP)


def bootstraps(template: Template) -> dict[str, Any]:
    """Return the bootstrap configurations in the task definitions, by Envoy node id."""
    configurations = {}
    for task in properties(template, TASK):
        envoy = next(each for each in task["ContainerDefinitions"] if each["Name"].startswith("envoy-"))
        bootstrap = read(envoy["Command"])
        configurations[bootstrap["node"]["id"]] = bootstrap
    return configurations


def test_bookshop_synthesizes_without_app_mesh_resources(bookshop: dict[str, Template]) -> None:
    assert list(bookshop) == ["BookshopProdMeshStack", "BookshopProdNetworkStack", "BookshopProdServicesStack"]
    assert "appmesh" not in json.dumps(bookshop).lower()


def test_envoys_of_the_bookshop_have_the_compiled_configurations(bookshop: dict[str, Template]) -> None:
    converted = migration_of(BOOKSHOP).converted
    mesh, outside = converted.mesh, frozenset({"database"})
    asked = CloudMapEndpoints(
        weights_namespace=mesh.cloud_map_services[0].namespace,
        live_routes=frozenset((router.name, route.name) for router in mesh.routers for route in router.routes),
    )
    expected = {
        f"mesh/bookshop-prod/virtualNode/{name}": configure(
            mesh,
            mesh.node(name),
            interception=Loopback(app_address=converted.app_address(mesh.node(name)), outside=outside),
            endpoints=asked,
        ).bootstrap
        for name in ("catalogue-v1", "catalogue-v2", "shop")
    }
    behind = Loopback(app_address="127.0.0.1", outside=outside)
    gateway = configure(mesh, mesh.gateway("front"), interception=behind, endpoints=asked, trusted_hops=1)
    expected["mesh/bookshop-prod/virtualGateway/front"] = gateway.bootstrap
    assert bootstraps(bookshop["BookshopProdServicesStack"]) == expected


def test_task_definitions_of_the_bookshop_are_migrated(bookshop: dict[str, Template]) -> None:
    services = bookshop["BookshopProdServicesStack"]
    task = only(services, TASK, Family="catalogue-v1")
    app, xray = (container(task, name) for name in ("catalogue", "xray-daemon"))
    assert (task["Cpu"], task["Memory"]) == ("512", "1024")
    assert (app["EntryPoint"], app["Command"]) == (["/usr/bin/catalogue"], ["--listen", ":8080"])
    assert {each["Name"]: each["Value"] for each in app["Environment"]} == {
        "AWS_REGION": {"Ref": "AWS::Region"},
        "LOG_FORMAT": '{"level": "info"}',
    }
    assert [each["Name"] for each in app["Secrets"]] == ["DATABASE_PASSWORD", "API_KEY"]
    assert (xray["Essential"], xray["Cpu"], xray["Memory"]) == (False, 32, 128)
    service = only(services, "AWS::ECS::Service", ServiceName="catalogue-v1")
    assert (service["DesiredCount"], service["EnableExecuteCommand"]) == (3, True)


def test_tags_volumes_and_autoscaling_of_the_bookshop_are_migrated(bookshop: dict[str, Template]) -> None:
    services = bookshop["BookshopProdServicesStack"]
    assert only(services, TASK, Family="catalogue-v1")["Volumes"] == [{"Name": "scratch"}]
    (shop,) = (
        each["Properties"]
        for each in services["Resources"].values()
        if each["Type"] == "AWS::ECS::Service"
        and {"Key": "team", "Value": "shop"} in each["Properties"].get("Tags", [])
    )
    assert shop["LaunchType"] == "FARGATE"
    target = only(services, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    policy = only(services, "AWS::ApplicationAutoScaling::ScalingPolicy")["TargetTrackingScalingPolicyConfiguration"]
    assert (policy["TargetValue"], policy["ScaleInCooldown"]) == (60, 120)
    assert "DesiredCount" not in only(services, "AWS::ECS::Service", ServiceName="catalogue-v2")


def test_internal_load_balancer_of_the_bookshop_stays_internal(bookshop: dict[str, Template]) -> None:
    services = bookshop["BookshopProdServicesStack"]
    assert only(services, "AWS::ElasticLoadBalancingV2::LoadBalancer")["Scheme"] == "internal"


def test_migrated_tutorial_has_the_envoy_configurations_of_the_envoy_data_plane(
    cloud_assembly: Callable[..., Path], synthesize: Callable[..., dict[str, Template]], tmp_path: Path
) -> None:
    """The tutorial synthesized for App Mesh and migrated equals the tutorial synthesized for Envoy."""
    migrated = bootstraps(synthesized(tmp_path / "app", cloud_assembly())["ColorServicesStack"])
    assert migrated == bootstraps(synthesize(dataPlane="envoy")["EcsStack"])
