"""Configurations of Envoys that are compiled at synthesis, and those that cannot be compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Template as Assertions

from color_mesh import MeshGateway, MeshNode, ServiceMesh
from color_mesh.cdk import envoy
from color_mesh.envoy import Configuration, configure

# The application of a caller listens on all addresses, and so on that of its backend, which has the same port.
COLLISION = (
    "the application listens on all addresses, which include those of services with the same port, "
    "got ('stock.shop.local',) "
    "(make the application listen on 127.0.0.1 and set app_address='127.0.0.1', or give the services another port than "
    "the application, such as 80, and set app_port to that of the application)"
)
PROBLEMS = [
    f"[Shop/Cart/Task/TaskDefinition] virtual node 'cart': {COLLISION}",
    f"[Shop/Orders/Task/TaskDefinition] virtual node 'orders': {COLLISION}",
]

APP = """
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2, aws_ecs as ecs, aws_servicediscovery as servicediscovery
from color_mesh import MeshNode, ServiceMesh

app = App(builtin_cloud_formation_validation=False)
stack = Stack(app, "Shop")
vpc = ec2.Vpc.from_vpc_attributes(
    stack, "Vpc", vpc_id="vpc", availability_zones=["a"], public_subnet_ids=["p"], private_subnet_ids=["q"]
)
namespace = servicediscovery.PrivateDnsNamespace(stack, "Namespace", name="tasks.shop.local", vpc=vpc)
mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, data_plane="envoy")
stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])
cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
cart.implement(cart, "Task", cluster=cluster, image=ecs.ContainerImage.from_registry("shop/app:1"))
app.synth()
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(builtin_cloud_formation_validation=False, outdir=str(tmp_path / "cdk.out"))


@pytest.fixture
def mesh(stack: Stack, vpc: ec2.IVpc) -> ServiceMesh:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Tasks", name="tasks.shop.local", vpc=vpc)
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, data_plane="envoy")


@pytest.fixture
def colliding(stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, image: ecs.ContainerImage) -> None:
    """Two nodes whose Envoys cannot be configured."""
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    for name in ("cart", "orders"):
        node = MeshNode(stack, name.capitalize(), mesh=mesh, name=name, virtual_service=False, backends=[stock])
        node.implement(node, "Task", cluster=cluster, image=image)


def templates(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cdk.out").glob("*.json")]


@pytest.mark.usefixtures("colliding")
def test_synthesis_reports_the_problems_of_all_tasks_and_writes_no_template(app: App, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as error:
        app.synth()
    assert [line.strip() for line in str(error.value).splitlines()[1:]] == PROBLEMS
    assert templates(tmp_path) == []


@pytest.mark.usefixtures("colliding")
def test_template_assertions_report_the_problems_of_all_tasks(stack: Stack) -> None:
    with pytest.raises(RuntimeError) as error:
        Assertions.from_stack(stack)
    assert [line.strip() for line in str(error.value).splitlines()[1:]] == PROBLEMS


@pytest.mark.usefixtures("colliding")
def test_synthesis_without_validation_fails_too_and_writes_no_template(app: App, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as error:
        app.synth(skip_validation=True)
    assert f"virtual node 'cart': {COLLISION}" in str(error.value)
    assert templates(tmp_path) == []


def test_app_that_is_run_by_the_cdk_cli_fails_and_prints_the_problem(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path / "cdk.out"), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].strip() == PROBLEMS[0]
    assert templates(tmp_path) == []


def test_configuration_of_each_envoy_is_compiled_once(
    app: App,
    stack: Stack,
    mesh: ServiceMesh,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[str] = []

    def counted(*arguments: object, **keywords: object) -> Configuration:
        configuration = configure(*arguments, **keywords)  # type: ignore[arg-type]
        compiled.append(configuration.bootstrap["node"]["id"])
        return configuration

    monkeypatch.setattr(envoy, "configure", counted)
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    stock.implement(stock, "Task", cluster=cluster, image=image)
    gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
    gateway.add_route("Stock", to=stock)
    gateway.implement(gateway, "Task", cluster=cluster)
    assert compiled == []
    app.synth()
    assert sorted(compiled) == ["mesh/shop/virtualGateway/door", "mesh/shop/virtualNode/stock"]
