"""Calls of Cloud Map by the Envoys of a mesh: permissions, quotas, and the weights that they read."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Annotations, Match
from aws_cdk.assertions import Template as Assertions

from color_mesh import MeshError, MeshGateway, MeshNode, MeshRouter, ServiceMesh
from color_mesh.envoy.aws.cloud_map import called_services
from color_mesh.model import Protocol
from tests.support.cloudformation import Template, only, properties, statements

IMAGE = ecs.ContainerImage.from_registry
SERVICE, INSTANCE = "AWS::ServiceDiscovery::Service", "AWS::ServiceDiscovery::Instance"
DISCOVER = "servicediscovery:DiscoverInstances"


class Shop:
    """Shop whose cart calls a router with two targets, in two stacks."""

    def __init__(self, weights: tuple[int, int] = (4, 1), protocol: Protocol = "http", **arguments: Any) -> None:
        self.app = App(builtin_cloud_formation_validation=False)
        self.stack, self.tasks = Stack(self.app, "Shop"), Stack(self.app, "Tasks")
        self.vpc = ec2.Vpc.from_vpc_attributes(
            self.stack,
            "Vpc",
            vpc_id="vpc",
            availability_zones=["a"],
            private_subnet_ids=["a"],
            vpc_cidr_block="10.0.0.0/16",
        )
        self.cluster = ecs.Cluster(self.tasks, "Cluster", vpc=self.vpc)
        self.mesh = ServiceMesh(self.stack, "Mesh", mesh_name="shop", vpc=self.vpc, domain="shop.local", **arguments)
        self.old, self.new = self.node("old", protocol=protocol), self.node("new", protocol=protocol)
        self.router = MeshRouter(
            self.stack,
            "Router",
            mesh=self.mesh,
            name="stock",
            virtual_service_name="old.shop.local",
            protocol=protocol,
        )
        self.router.add_route("Route", name="all", targets={self.old: weights[0], self.new: weights[1]})
        self.cart = self.node("cart", backends=[self.router])

    def node(self, name: str, **arguments: Any) -> MeshNode:
        return MeshNode(
            self.stack, name.title(), mesh=self.mesh, name=name, virtual_service=False, **{"port": 8080, **arguments}
        )

    def implement(self, *nodes: MeshNode, **arguments: Any) -> None:
        for node in nodes or (self.old, self.new, self.cart):
            node.implement(self.tasks, node.name.title(), cluster=self.cluster, image=IMAGE("shop/app:1"), **arguments)

    def template(self, stack: Stack | None = None) -> Template:
        return dict(Assertions.from_stack(stack or self.tasks).to_json())


class TestPermissions:
    def test_task_may_discover_what_its_envoy_calls_and_nothing_else(self) -> None:
        shop = Shop()
        shop.implement()
        template = shop.template()

        (statement,) = (each for each in statements(template, "CartTaskRole") if each["Action"] == DISCOVER)
        assert statement == {
            "Action": DISCOVER,
            "Effect": "Allow",
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "servicediscovery:NamespaceName": "tasks.shop.local",
                    "servicediscovery:ServiceName": ["new", "old", "stock.weights"],
                }
            },
        }
        assert statements(template, "OldTaskRole") == []

    def test_backend_that_is_added_later_may_be_discovered(self) -> None:
        shop = Shop()
        shop.implement()
        shop.old.connect_to(MeshNode(shop.stack, "Late", mesh=shop.mesh, name="late"))

        (statement,) = statements(shop.template(), "OldTaskRole")
        assert statement["Condition"]["StringEquals"]["servicediscovery:ServiceName"] == ["late"]

    def test_gateway_may_discover_its_services(self) -> None:
        shop = Shop()
        gateway = MeshGateway(shop.stack, "Gateway", mesh=shop.mesh, name="door")
        gateway.add_route("Route", to=shop.router)
        gateway.implement(shop.tasks, "Gateway", cluster=shop.cluster, exposure="none")
        shop.implement(shop.old, shop.new)

        (statement,) = (each for each in statements(shop.template(), "GatewayTaskRole"))
        names = statement["Condition"]["StringEquals"]["servicediscovery:ServiceName"]
        assert names == ["new", "old", "stock.weights"]

    def test_service_waits_for_its_permission(self) -> None:
        shop = Shop()
        shop.implement()
        resources = shop.template()["Resources"]
        (service,) = (
            each for id, each in resources.items() if each["Type"] == "AWS::ECS::Service" and id.startswith("Cart")
        )
        assert any(id.startswith("CartTaskRoleDefaultPolicy") for id in service["DependsOn"])

    def test_envoy_gets_the_region_and_the_domain_of_aws(self) -> None:
        shop = Shop()
        shop.implement(shop.cart)
        (task,) = properties(shop.template(), "AWS::ECS::TaskDefinition")
        (envoy,) = (each for each in task["ContainerDefinitions"] if each["Name"] == "envoy-sidecar")
        assert envoy["EntryPoint"][3:] == ["envoy", {"Ref": "AWS::Region"}, {"Ref": "AWS::URLSuffix"}]
        assert "Environment" not in envoy


class TestHealth:
    def test_ecs_keeps_the_health_of_tasks(self) -> None:
        shop = Shop()
        shop.implement(shop.cart)
        service = only(shop.template(), SERVICE, Name="cart")
        assert service["HealthCheckCustomConfig"] == {"FailureThreshold": 1}

    @pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
    def test_app_mesh_has_services_as_in_the_tutorial(
        self, stack: Stack, any_mesh: ServiceMesh, template: Callable[[], Template]
    ) -> None:
        MeshNode(stack, "Cart", mesh=any_mesh, name="cart")
        (service,) = properties(template(), SERVICE)
        assert "HealthCheckCustomConfig" not in service


class TestWeights:
    def test_instance_has_the_weights_after_the_services_of_the_targets_are_stable(self) -> None:
        shop = Shop()
        shop.implement()
        template = shop.template()

        (instance,) = (each for each in template["Resources"].values() if each["Type"] == INSTANCE)
        assert instance["Properties"]["InstanceAttributes"] == {"old": "4", "new": "1"}
        assert instance["Properties"]["InstanceId"] == "all"
        services = {id for id, each in template["Resources"].items() if each["Type"] == "AWS::ECS::Service"}
        assert {id[:3] for id in services & set(instance["DependsOn"])} == {"Old", "New"}

    def test_service_of_the_weights_has_no_records(self) -> None:
        shop = Shop()
        service = only(shop.template(shop.stack), SERVICE, Name="stock.weights")
        assert (service["Type"], "DnsConfig" in service) == ("HTTP", False)

    @pytest.mark.parametrize("protocol", ["http", "tcp"])
    def test_other_weights_change_their_instance_and_nothing_else(self, protocol: Protocol) -> None:
        def resources(weights: tuple[int, int]) -> tuple[Any, Any]:
            shop = Shop(weights, protocol)
            shop.implement()
            return shop.template(), shop.template(shop.stack)

        (before, before_mesh), (after, after_mesh) = resources((4, 1)), resources((0, 1))

        changed = [id for id in before["Resources"] if before["Resources"][id] != after["Resources"][id]]
        assert [before["Resources"][id]["Type"] for id in changed] == [INSTANCE]
        assert before_mesh == after_mesh

    def test_route_with_one_target_has_an_instance_before_it_gets_a_second_one(self) -> None:
        shop = Shop()
        shop.router.add_route("One", name="one", prefix="/one", targets={shop.old: 1})
        shop.implement()
        template = shop.template()

        assert only(template, INSTANCE, InstanceId="one")["InstanceAttributes"] == {"old": "1"}
        assert [id for id in shop.template(shop.stack)["Outputs"] if "Commandone" in id] == []

    def test_output_has_the_command_that_sets_weights(self) -> None:
        shop = Shop()
        shop.implement()
        (output,) = (each for id, each in shop.template(shop.stack)["Outputs"].items() if "Command" in id)

        text = "".join(part for part in output["Value"]["Fn::Join"][1] if isinstance(part, str))
        assert text == (
            "aws servicediscovery register-instance --region  --service-id  --instance-id all --attributes old=1,new=0"
        )
        assert output["Description"] == "Sends all requests of route all to its first target, or by other weights."

    def test_route_that_is_added_after_its_targets_are_implemented_is_live(self) -> None:
        shop = Shop()
        shop.implement()
        shop.router.add_route("Late", name="late", prefix="/late", targets={shop.old: 1, shop.new: 1})

        assert only(shop.template(), INSTANCE, InstanceId="late")["InstanceAttributes"] == {"old": "1", "new": "1"}

    def test_names_of_routers_and_routes_may_be_alike(self) -> None:
        shop = Shop()
        shop.implement()
        router = MeshRouter(
            shop.stack, "Sale", mesh=shop.mesh, name="stock-sale", virtual_service_name="sale.shop.local"
        )
        router.add_route("Route", name="all", targets={shop.old: 1, shop.new: 1})
        shop.router.add_route("Sale", name="sale-all", prefix="/sale", targets={shop.old: 1, shop.new: 1})

        assert len(properties(shop.template(), INSTANCE)) == 3

    def test_route_to_a_node_without_an_implementation_has_the_weights_of_the_template(self) -> None:
        shop = Shop()
        shop.implement(shop.old, shop.cart)
        template = shop.template()

        assert properties(template, INSTANCE) == []
        (statement,) = (each for each in statements(template, "CartTaskRole") if each["Action"] == DISCOVER)
        assert statement["Condition"]["StringEquals"]["servicediscovery:ServiceName"] == ["new", "old"]

    def test_hostname_needs_no_implementation(self) -> None:
        shop = Shop()
        bank = shop.node("bank", hostname="bank.example")
        shop.router.add_route("Pay", name="pay", prefix="/pay", targets={shop.old: 9, bank: 1})
        shop.implement()

        assert only(shop.template(), INSTANCE, InstanceId="pay")["InstanceAttributes"] == {"old": "9", "bank": "1"}

    def test_targets_may_be_in_several_stacks(self) -> None:
        shop = Shop()
        shop.implement(shop.new)
        other = Stack(shop.app, "Other")
        shop.old.implement(other, "Old", cluster=shop.cluster, image=IMAGE("shop/app:1"))

        assert only(shop.template(other), INSTANCE)["InstanceAttributes"] == {"old": "4", "new": "1"}
        assert [stack.stack_name for stack in other.dependencies].count("Tasks") == 1

    def test_app_mesh_has_its_own_weights(self) -> None:
        shop = Shop(data_plane="app-mesh")
        shop.implement()

        assert properties(shop.template(), INSTANCE) == properties(shop.template(shop.stack), INSTANCE) == []


class TestRefreshInterval:
    @pytest.mark.parametrize("seconds", [0, 51, 1.5])
    def test_invalid_interval_is_refused(self, seconds: float) -> None:
        with pytest.raises(MeshError, match="mesh 'shop': refresh interval in seconds"):
            Shop(refresh_interval=Duration.millis(int(1000 * seconds)))

    def test_interval_of_app_mesh_is_refused(self) -> None:
        with pytest.raises(MeshError) as error:
            Shop(data_plane="app-mesh", refresh_interval=Duration.seconds(10))
        assert str(error.value) == (
            "mesh 'shop': App Mesh has no 'refresh_interval', got 10 (leave it out, or data_plane='envoy')"
        )


class TestQuotas:
    @pytest.mark.parametrize(("seconds", "tasks", "exceeds"), [(1, 500, False), (1, 501, True), (2, 501, False)])
    def test_more_calls_than_the_quota_are_warned_about(self, seconds: int, tasks: int, exceeds: bool) -> None:
        """Each task of the cart calls three services, on average every 1.5 intervals."""
        shop = Shop(refresh_interval=Duration.seconds(seconds))
        shop.implement(shop.old, shop.new)
        shop.implement(shop.cart, desired_count=tasks)
        warning = (
            "mesh 'shop': Envoys exceed the account's quota of calls of DiscoverInstances, got '1002 a second' "
            "(at most 1000 a second: a longer refresh_interval, or a higher quota) [ack: color-mesh:discover-instances]"
        )

        assert [each for each in _warnings(shop) if "quota" in each] == ([warning] if exceeds else [])

    @pytest.mark.parametrize(("tasks", "exceeds"), [(None, False), (500, False), (501, True)])
    def test_more_tasks_than_a_service_of_cloud_map_has_are_warned_about(
        self, tasks: int | None, exceeds: bool
    ) -> None:
        shop = Shop()
        shop.implement(shop.old, desired_count=tasks)
        warning = (
            "virtual node 'old': too many tasks for Cloud Map, got 501 (at most 500: a deployment doubles them, and a "
            "Cloud Map service has 1,000) [ack: color-mesh:tasks-of-a-node]"
        )

        assert _warnings(shop) == ([warning] if exceeds else [])


def _warnings(shop: Shop) -> list[str]:
    shop.app.synth()
    found = Annotations.from_stack(shop.stack).find_warning("*", Match.string_like_regexp("Cloud Map|Discover"))
    return [str(each.entry.data) for each in found]


def test_called_services_are_those_of_the_subscriptions() -> None:
    assert list(called_services({})) == []
