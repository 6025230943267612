"""Findings at synthesis: VPCs, zones, subnets, services, names."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Annotations, App, Environment, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Annotations as Found
from aws_cdk.assertions import Match

from color_mesh import MeshError, MeshGateway, MeshNode, MeshRouter, ServiceMesh

IMAGE = ecs.ContainerImage.from_registry("app")


@pytest.fixture(params=["app-mesh", "envoy"])
def mesh(stack: Stack, vpc: ec2.IVpc, request: pytest.FixtureRequest) -> ServiceMesh:
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", data_plane=request.param)


@pytest.fixture
def other_vpc(stack: Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack, "Other", vpc_id="vpc-other", availability_zones=["a"], private_subnet_ids=["b"], public_subnet_ids=["c"]
    )


def warnings(stack: Stack, id: str) -> list[str]:
    """Return the constructs with a warning of an id."""
    found = Found.from_stack(stack).find_warning("*", Match.string_like_regexp(rf"\[ack: color-mesh:{id}\]"))
    return [each.id.removeprefix(f"/{stack.node.path}/") for each in found]


class TestVpc:
    def test_cluster_in_another_vpc_is_refused(
        self, stack: Stack, mesh: ServiceMesh, other_vpc: ec2.IVpc, cluster: ecs.Cluster
    ) -> None:
        other = ecs.Cluster(stack, "OtherCluster", vpc=other_vpc)
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
        wrong = "cluster is in another VPC than the mesh, got 'Shop/Other' (that of the mesh, "
        with pytest.raises(MeshError) as error:
            cart.implement(stack, "Task", cluster=other, image=IMAGE)
        assert str(error.value).startswith(f"virtual node 'cart': {wrong}")
        with pytest.raises(MeshError) as error:
            gateway.implement(stack, "Door", cluster=other)
        assert str(error.value).startswith(f"virtual gateway 'door': {wrong}")
        task_definition = ecs.FargateTaskDefinition(stack, "Definition", cpu=512, memory_limit_mib=1024)
        task_definition.add_container("App", image=IMAGE)
        service = ecs.FargateService(stack, "Service", cluster=other, task_definition=task_definition)
        with pytest.raises(MeshError) as error:
            cart.attach(service)
        assert str(error.value).startswith(f"virtual node 'cart': {wrong}")

    def test_namespace_in_another_vpc_is_refused(self, stack: Stack, vpc: ec2.IVpc, other_vpc: ec2.IVpc) -> None:
        namespace = servicediscovery.PrivateDnsNamespace(stack, "Tasks", name="tasks.shop.local", vpc=other_vpc)
        with pytest.raises(MeshError, match=r"mesh 'shop': namespace is in another VPC than the mesh, got 'Shop/Tasks"):
            ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace)

    def test_two_vpcs_of_the_app_are_different(self, stack: Stack) -> None:
        first, second = (ec2.Vpc(stack, id, max_azs=1) for id in ("First", "Second"))
        mesh = ServiceMesh(stack, "Mesh", vpc=first, domain="shop.local")
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        cluster = ecs.Cluster(stack, "Cluster", vpc=second)
        with pytest.raises(MeshError, match="cluster is in another VPC than the mesh"):
            cart.implement(stack, "Task", cluster=cluster, image=IMAGE)

    def test_vpc_that_is_imported_twice_is_one(self, stack: Stack, mesh: ServiceMesh, vpc: ec2.IVpc) -> None:
        again = ec2.Vpc.from_vpc_attributes(
            stack, "Again", vpc_id=vpc.vpc_id, availability_zones=["a"], private_subnet_ids=["b"]
        )
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        cart.implement(stack, "Task", cluster=ecs.Cluster(stack, "Cluster", vpc=again), image=IMAGE)

    def test_vpc_of_an_unknown_id_may_be_that_of_the_mesh(self, stack: Stack, mesh: ServiceMesh) -> None:
        unknown = ec2.Vpc.from_vpc_attributes(
            stack, "Unknown", vpc_id=Fn.import_value("Vpc"), availability_zones=["a"], private_subnet_ids=["b"]
        )
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        cart.implement(stack, "Task", cluster=ecs.Cluster(stack, "Cluster", vpc=unknown), image=IMAGE)


class TestZones:
    @pytest.mark.parametrize("name", ["shop.local", "tasks.shop.local", "TASKS.shop.local"])
    @pytest.mark.parametrize("kind", [route53.PrivateHostedZone, servicediscovery.PrivateDnsNamespace])
    def test_zone_with_the_name_of_one_of_the_mesh_fails_the_synthesis(
        self, app: App, stack: Stack, vpc: ec2.IVpc, name: str, kind: Any
    ) -> None:
        ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local")
        argument = {"zone_name": name} if kind is route53.PrivateHostedZone else {"name": name}
        kind(stack, "Zone", vpc=vpc, **argument)
        with pytest.raises(RuntimeError) as error:
            app.synth()
        assert (
            f"zone '{name.lower()}': the mesh creates one of this name in the same VPC, got 'Shop/Zone/Resource' "
            "(leave it out, and give the records to the zone of the mesh, or another domain)"
        ) in str(error.value)

    def test_zone_of_the_name_in_another_vpc_is_accepted(
        self, app: App, stack: Stack, vpc: ec2.IVpc, other_vpc: ec2.IVpc
    ) -> None:
        ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local")
        route53.PrivateHostedZone(stack, "Zone", zone_name="shop.local", vpc=other_vpc)
        route53.PublicHostedZone(stack, "Public", zone_name="shop.local")
        app.synth()


class TestPhysicalNames:
    def test_two_stacks_with_the_cloud_map_service_of_a_node_fail_the_synthesis(
        self, app: App, stack: Stack, vpc: ec2.IVpc, cluster: ecs.Cluster
    ) -> None:
        mesh = ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local")
        MeshNode(stack, "Cart", mesh=mesh, name="cart").implement(stack, "Task", cluster=cluster, image=IMAGE)
        old = Stack(app, "Old")
        servicediscovery.Service(old, "Cart", namespace=mesh.namespace, name="Cart")
        with pytest.raises(RuntimeError) as error:
            app.synth()
        assert (
            "Cloud Map service 'cart': two resources of the app have this name, got 'Shop/Task/TaskDefinition/"
            "NodeAttachment/CloudMapService/Resource and Old/Cart/Resource' (another cloud_map_name; for a move one "
            "of them, in a stack that add_dependency deploys after the other)"
        ) in str(error.value)

    def test_service_outside_of_the_mesh_with_the_name_of_one_of_it_fails_the_synthesis(
        self, app: App, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster
    ) -> None:
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        cart.implement(stack, "Task", cluster=cluster, image=IMAGE, service_name="cart")
        add_service(Stack(app, "Old"), cluster)
        with pytest.raises(RuntimeError) as error:
            app.synth()
        assert (
            "ECS service 'cart': two resources of the app have this name, got 'Shop/Task/Service/Service and "
            "Old/Service/Service' (another service_name; for a move one of them, in a stack that add_dependency "
            "deploys after the other)"
        ) in str(error.value)

    def test_names_in_other_namespaces_clusters_and_regions_are_accepted(
        self, app: App, stack: Stack, mesh: ServiceMesh, vpc: ec2.IVpc
    ) -> None:
        cluster = ecs.Cluster.from_cluster_attributes(stack, "Existing", cluster_name="shop", vpc=vpc)
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        cart.implement(stack, "Task", cluster=cluster, image=IMAGE, service_name="cart")
        namespace = servicediscovery.HttpNamespace(stack, "Other", name="other")
        servicediscovery.Service(stack, "OtherCart", namespace=namespace, name="cart")
        add_service(stack, ecs.Cluster(stack, "OtherCluster", vpc=vpc))
        elsewhere = Stack(app, "Elsewhere", env=Environment(region="eu-west-1"))
        add_service(elsewhere, ecs.Cluster.from_cluster_attributes(elsewhere, "Same", cluster_name="shop", vpc=vpc))
        app.synth()


def add_service(stack: Stack, cluster: ecs.ICluster) -> None:
    """Add the service ``cart`` outside of the mesh."""
    task_definition = ecs.FargateTaskDefinition(stack, "Definition")
    task_definition.add_container("App", image=IMAGE)
    ecs.FargateService(stack, "Service", cluster=cluster, task_definition=task_definition, service_name="cart")


class TestServices:
    def test_service_name_that_is_taken_in_the_cluster_is_refused(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, vpc: ec2.IVpc
    ) -> None:
        cart, stock = (MeshNode(stack, id, mesh=mesh, name=id.lower(), port=8080) for id in ("Cart", "Stock"))
        cart.implement(stack, "CartTask", cluster=cluster, image=IMAGE, service_name="svc", app_address="127.0.0.1")
        with pytest.raises(MeshError) as error:
            stock.implement(
                stack, "StockTask", cluster=cluster, image=IMAGE, service_name="svc", app_address="127.0.0.1"
            )
        assert str(error.value) == (
            "virtual node 'stock': name of the ECS service is taken, got 'svc' "
            "(a name of its own: virtual node 'cart' has this one in the cluster)"
        )
        other = ecs.Cluster(stack, "OtherCluster", vpc=vpc)
        stock.implement(stack, "StockTask", cluster=other, image=IMAGE, service_name="svc", app_address="127.0.0.1")

    def test_node_that_is_implemented_and_attached_is_refused(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster
    ) -> None:
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        cart.implement(stack, "Task", cluster=cluster, image=IMAGE)
        task_definition = ecs.FargateTaskDefinition(stack, "Definition", cpu=512, memory_limit_mib=1024)
        task_definition.add_container("App", image=IMAGE)
        service = ecs.FargateService(stack, "Service", cluster=cluster, task_definition=task_definition)
        with pytest.raises(MeshError, match=r"virtual node 'cart': has a service already, got 'Shop/Task/Service'"):
            cart.attach(service)

    def test_gateway_that_is_implemented_twice_is_refused(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster
    ) -> None:
        gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
        gateway.implement(stack, "Door", cluster=cluster, exposure="none")
        with pytest.raises(MeshError, match=r"virtual gateway 'door': has a service already, got 'Shop/Door/Service'"):
            gateway.implement(stack, "Door2", cluster=cluster, exposure="none")

    def test_node_that_only_calls_may_be_added_to_several_task_definitions(
        self, stack: Stack, mesh: ServiceMesh
    ) -> None:
        job = MeshNode(stack, "Job", mesh=mesh, name="job", listeners=[], virtual_service=False)
        for id in ("First", "Second"):
            task_definition = ecs.FargateTaskDefinition(stack, id, cpu=512, memory_limit_mib=1024)
            task_definition.add_container("App", image=IMAGE)
            job.add_to(task_definition)

    def test_node_that_only_calls_may_have_scheduled_tasks_and_a_service(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster
    ) -> None:
        job = MeshNode(stack, "Job", mesh=mesh, name="job", listeners=[], virtual_service=False)
        task_definition = ecs.FargateTaskDefinition(stack, "Definition", cpu=512, memory_limit_mib=1024)
        task_definition.add_container("App", image=IMAGE)
        job.add_to(task_definition)
        job.implement(stack, "Task", cluster=cluster, image=IMAGE)


class TestNodeWithoutTasks:
    def test_node_that_is_called_and_never_implemented_is_a_warning(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster
    ) -> None:
        stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
        MeshNode(stack, "Idle", mesh=mesh, name="idle")
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", port=81, backends=[stock])
        cart.implement(stack, "Task", cluster=cluster, image=IMAGE)
        assert warnings(stack, "node-without-tasks") == ["Stock"]

    def test_targets_of_routers_are_called_by_their_weight(self, stack: Stack, mesh: ServiceMesh) -> None:
        red, blue = (MeshNode(stack, id, mesh=mesh, name=id.lower(), virtual_service=False) for id in ("Red", "Blue"))
        router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="red.shop.local")
        router.add_route("All", targets={red: 1, blue: 0})
        gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
        gateway.add_route("Red", to=router)
        assert warnings(stack, "node-without-tasks") == ["Red"]

    def test_implemented_and_acknowledged_nodes_are_no_warning(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster
    ) -> None:
        stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
        elsewhere = MeshNode(stack, "Elsewhere", mesh=mesh, name="elsewhere", port=81)
        MeshNode(stack, "Cart", mesh=mesh, name="cart", port=82, backends=[stock, elsewhere])
        stock.implement(stack, "Task", cluster=cluster, image=IMAGE)
        Annotations.of(elsewhere).acknowledge_warning("color-mesh:node-without-tasks")
        assert warnings(stack, "node-without-tasks") == []


def test_routers_and_gateways_without_routes_are_warnings(stack: Stack, mesh: ServiceMesh) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart", virtual_service=False)
    MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="cart.shop.local")
    MeshGateway(stack, "Gateway", mesh=mesh)
    assert sorted(warnings(stack, "routes-are-missing")) == ["Gateway", "Router"]


class TestSubnets:
    PUBLIC = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)

    def test_tasks_in_public_subnets_without_an_address_are_a_warning(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster
    ) -> None:
        cart, stock = (MeshNode(stack, id, mesh=mesh, name=id.lower(), port=8080) for id in ("Cart", "Stock"))
        cart.implement(stack, "Task", cluster=cluster, image=IMAGE, vpc_subnets=self.PUBLIC, app_address="127.0.0.1")
        task_definition = ecs.FargateTaskDefinition(stack, "Definition", cpu=512, memory_limit_mib=1024)
        task_definition.add_container("App", image=IMAGE)
        service = ecs.FargateService(
            stack, "Service", cluster=cluster, task_definition=task_definition, vpc_subnets=self.PUBLIC
        )
        stock.attach(service, app_address="127.0.0.1")
        assert sorted(warnings(stack, "no-public-address")) == ["Service", "Task/Service"]

    def test_tasks_with_a_public_address_or_in_private_subnets_are_no_warning(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster
    ) -> None:
        gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
        gateway.implement(stack, "Door", cluster=cluster, exposure="public-ip")
        MeshNode(stack, "Cart", mesh=mesh, name="cart").implement(stack, "Task", cluster=cluster, image=IMAGE)
        assert warnings(stack, "no-public-address") == []


class TestNames:
    def test_name_of_a_path_that_callers_use_is_a_warning(self, stack: Stack, mesh: ServiceMesh) -> None:
        MeshNode(stack, "Cart", mesh=mesh)
        assert warnings(stack, "name-from-path") == ["Cart"]

    @pytest.mark.parametrize(
        "arguments",
        [{"name": "cart"}, {"cloud_map_name": "cart"}, {"virtual_service": False}],
        ids=["name", "cloud-map-name", "behind-a-router"],
    )
    def test_other_names_are_no_warning(self, stack: Stack, mesh: ServiceMesh, arguments: Any) -> None:
        MeshNode(stack, "Cart", mesh=mesh, **arguments)
        assert warnings(stack, "name-from-path") == []

    def test_one_acknowledgment_is_enough_for_an_app(self, app: App, stack: Stack, mesh: ServiceMesh) -> None:
        MeshNode(stack, "Cart", mesh=mesh)
        MeshNode(stack, "Stock", mesh=mesh, port=81)
        Annotations.of(app).acknowledge_warning("color-mesh:name-from-path")
        assert warnings(stack, "name-from-path") == []


def test_complete_app_has_no_warning(
    stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Any]
) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", port=8080)
    gateway = MeshGateway(stack, "Gateway", mesh=mesh)
    gateway.add_route("Stock", to=stock)
    stock.implement(stack, "Task", cluster=cluster, image=IMAGE)
    gateway.implement(stack, "Door", cluster=cluster)
    found = Found.from_stack(stack).find_warning("*", Match.string_like_regexp(r"\[ack: color-mesh:(?!app-mesh-ended)"))
    assert [each.entry.data for each in found] == []
