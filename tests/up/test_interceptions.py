"""Both interceptions: applications that listen on 0.0.0.0:8080 and call each other, as they come, and a tcp route."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from color_mesh import MeshNode, MeshRouter, ServiceMesh
from color_mesh.model.deployment import InterceptionName
from tests.support.balanced_shop import IMAGE, write_program
from tests.support.local_mesh import LocalMesh, local_mesh

APP_PORT = 8080
TCP_PORT = 9000
PRICES = f"http://prices.shop.local:{TCP_PORT}"


def synthesize(folder: Path, interception: InterceptionName, port: int) -> Path:
    """Synthesize two services on a port, whose applications listen on 0.0.0.0:8080. Orders calls stock.

    It also calls the router of two tcp nodes, whose applications speak HTTP all the same.
    """
    app = App(outdir=str(folder), builtin_cloud_formation_validation=False)
    stack = Stack(app, "Shop")
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, domain="shop.local", interception=interception)
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", port=port)
    prices, sale = (
        MeshNode(stack, name, mesh=mesh, name=name, port=TCP_PORT, protocol="tcp", virtual_service=False)
        for name in ("prices", "sale")
    )
    router = MeshRouter(
        stack,
        "Router",
        mesh=mesh,
        name="prices",
        virtual_service_name="prices.shop.local",
        port=TCP_PORT,
        protocol="tcp",
    )
    router.add_route("Route", name="prices", targets={prices: 1, sale: 0})
    orders = MeshNode(stack, "Orders", mesh=mesh, name="orders", port=port, backends=[stock, router])
    for node, app_port in ((stock, APP_PORT), (prices, TCP_PORT), (sale, TCP_PORT), (orders, APP_PORT)):
        node.implement(
            stack,
            f"{node.name}-tasks",
            cluster=cluster,
            image=ecs.ContainerImage.from_registry(IMAGE),
            command=[str(app_port)],
            environment={"SERVICE": node.name},
            app_port=app_port,
            service_name=node.name,
        )
    app.synth()
    return folder


@pytest.fixture(
    scope="module",
    params=[("loopback", 80), ("transparent", APP_PORT)],
    ids=["loopback-with-services-on-port-80", "transparent-with-services-on-port-8080"],
)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalMesh, str]]:
    interception, port = request.param
    assembly = synthesize(tmp_path_factory.mktemp("assembly") / "cdk.out", interception, port)
    program = write_program(tmp_path_factory.mktemp("program"))
    with local_mesh(assembly, tmp_path_factory.mktemp("run"), *program) as run:
        yield run, f"http://stock.shop.local:{port}"


def test_application_on_the_port_of_its_backend_calls_it(shop: tuple[LocalMesh, str]) -> None:
    run, url = shop
    response = json.loads(run.curl("orders", f"{url}/count"))
    assert (response["service"], response["path"]) == ("stock", "/count")
    # Added by the Envoy of the caller.
    assert "x-request-id" in response["headers"]


def test_application_is_still_reached_at_its_own_port(shop: tuple[LocalMesh, str]) -> None:
    run, _ = shop
    assert json.loads(run.curl("orders", f"http://127.0.0.1:{APP_PORT}/"))["service"] == "orders"


def test_weights_of_a_tcp_route_are_live(shop: tuple[LocalMesh, str]) -> None:
    def services() -> Counter[str]:
        words = ("curl", "--silent", "--header", "Connection: close", "--write-out", "\n", f"{PRICES}?[1-20]")
        lines = run.execute("orders", *words).stdout.splitlines()
        return Counter(json.loads(line)["service"] for line in lines)

    run, _ = shop
    assert services() == {"prices": 20}
    run.run("set", "route", "prices", "prices=1,sale=1")
    run.wait_until(lambda: len(services()) == 2, "the weights are in force")
