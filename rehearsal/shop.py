"""App of a mesh with its services in stacks of their own, as it changes: ``python -m rehearsal.shop base``."""

import sys
from collections.abc import Mapping, Sequence

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from color_mesh import CanaryDeployment, MeshNode, MeshRouter, ServiceMesh
from color_mesh.cdk.backend import Backend

IMAGE = "example/shop:1"


class Network(Stack):
    """Stack of another team, which exports what it always exported."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        private = ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        public = ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=1,
            restrict_default_security_group=False,
            subnet_configuration=[private, public],
        )
        self.cluster = ecs.Cluster(self, "Cluster", vpc=self.vpc)


class Shop:
    """The stacks, without services."""

    def __init__(self) -> None:
        self.app = App(builtin_cloud_formation_validation=False)
        self.network = Network(self.app, "Network")
        self.mesh = ServiceMesh(
            Stack(self.app, "Mesh"), "Mesh", mesh_name="shop", vpc=self.network.vpc, domain="shop.local"
        )
        self.stock = Stack(self.app, "Stock")
        self.orders = Stack(self.app, "Orders")

    def add(
        self, stack: Stack, name: str, backends: Sequence[Backend] = (), cloud_map_name: str | None = None
    ) -> MeshNode:
        """Add a node with its tasks to a stack."""
        node = MeshNode(
            stack, name.title(), mesh=self.mesh, name=name, backends=backends, cloud_map_name=cloud_map_name
        )
        node.implement(
            stack,
            f"{name.title()}Task",
            cluster=self.network.cluster,
            image=ecs.ContainerImage.from_registry(IMAGE),
            app_address="127.0.0.1",
        )
        return node


def called(*names: str, moved: bool = False) -> App:
    """Return an app in which orders calls nodes in the stack before, or in its own stack."""
    shop = Shop()
    idle = () if "stock" in names and not moved else ("idle",)
    backends = [shop.add(shop.orders if moved else shop.stock, name) for name in names]
    for name in idle:
        shop.add(shop.stock, name)
    shop.add(shop.orders, "orders", backends)
    if moved:
        # Nothing refers to the old stack any more, and it must be deployed first.
        shop.orders.add_dependency(shop.stock)
    return shop.app


def routed(weights: Mapping[str, int]) -> App:
    """Return an app in which orders calls a router."""
    shop = Shop()
    # The stack before still has the name `stock` when this one gets the node back.
    targets = {shop.add(shop.stock, name, cloud_map_name=f"{name}-2"): weight for name, weight in weights.items()}
    router = MeshRouter(shop.stock, "Router", mesh=shop.mesh, name="router", virtual_service_name="shelf.shop.local")
    router.add_route("All", targets=targets)
    shop.add(shop.orders, "orders", [router])
    return shop.app


def with_canary_deployment() -> App:
    """Return an app in which a state machine shifts the weights of a route."""
    shop = Shop()
    stock, canary = (shop.add(shop.stock, name) for name in ("stock", "canary"))
    router = MeshRouter(shop.stock, "Router", mesh=shop.mesh, name="router", virtual_service_name="shelf.shop.local")
    router.add_route("All", targets={stock: 9, canary: 1})
    shop.add(shop.orders, "orders", [router])
    errors = cloudwatch.Metric(namespace="shop", metric_name="errors", statistic="Sum")
    alarm = errors.create_alarm(shop.stock, "Errors", threshold=1, evaluation_periods=1)
    CanaryDeployment(
        shop.stock,
        "Canary deployment",
        router=router,
        stable=stock,
        canary=canary,
        alarms=[alarm],
        percentages=[10, 50, 100],
        interval=Duration.seconds(1),
    )
    return shop.app


STEPS = {
    "base": lambda: called("stock"),
    "node-added": lambda: called("stock", "prices"),
    "node-renamed": lambda: called("stock", "tariffs"),
    "node-removed": lambda: called("stock"),
    "node-moved": lambda: called("stock", moved=True),
    "router": lambda: routed({"stock": 1}),
    "canary": lambda: routed({"stock": 9, "canary": 1}),
    "canary-drained": lambda: routed({"stock": 1, "canary": 0}),
    "canary-removed": lambda: routed({"stock": 1}),
    "canary-deployment": with_canary_deployment,
}


if __name__ == "__main__":
    STEPS[sys.argv[1]]().synth()
