"""Data plane without App Mesh: DNS records, configurations of Envoys, security groups, and invalid arguments."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import AccessLog, MeshError, MeshGateway, MeshNode, MeshRouter, MeshService, ServiceMesh
from color_mesh.envoy import Loopback, Transparent, configure, loopback_address
from color_mesh.envoy.document import read, shortest
from color_mesh.model import Listener
from color_mesh.model.deployment import ENVOY_IMAGES, Exposure
from tests.support.cloudformation import Properties, Template, container, only, properties

TASK = "AWS::ECS::TaskDefinition"
SERVICE = "AWS::ECS::Service"
GROUP = "AWS::EC2::SecurityGroup"


@pytest.fixture
def namespace(stack: Stack, vpc: ec2.IVpc) -> servicediscovery.PrivateDnsNamespace:
    return servicediscovery.PrivateDnsNamespace(stack, "Namespace", name="tasks.shop.local", vpc=vpc)


@pytest.fixture
def mesh(stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace) -> ServiceMesh:
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, data_plane="envoy")


@pytest.fixture
def redirected(stack: Stack, vpc: ec2.IVpc) -> ServiceMesh:
    """Mesh on the same data plane with transparent interception."""
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Services", name="shop.local", vpc=vpc)
    return ServiceMesh(
        stack,
        "Mesh",
        mesh_name="shop",
        vpc=vpc,
        namespace=namespace,
        data_plane="envoy",
        interception="transparent",
    )


def implement(node: MeshNode, cluster: ecs.Cluster, **arguments: Any) -> None:
    image = ecs.ContainerImage.from_registry("shop/app:1")
    node.implement(node, "Task", cluster=cluster, image=image, family=node.name, **arguments)


def envoy_of(template: Template, family: str, name: str = "envoy-sidecar") -> Properties:
    return container(only(template, TASK, Family=family), name)


def bootstrap_of(template: Template, family: str, name: str = "envoy-sidecar") -> Any:
    return json.loads(" ".join(envoy_of(template, family, name)["Command"]))


def problems(app: App) -> str:
    """Return the message of the error that synthesis raises."""
    with pytest.raises(RuntimeError) as error:
        app.synth()
    return str(error.value)


def groups(template: Template, direction: str) -> list[tuple[int, int]]:
    return [(rule["FromPort"], rule["ToPort"]) for rule in properties(template, f"AWS::EC2::SecurityGroup{direction}")]


class TestNames:
    def test_service_has_a_record_of_its_loopback_address(
        self, stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
    ) -> None:
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        MeshNode(stack, "Orders", mesh=mesh, name="orders", backends=[cart])
        record = only(template(), "AWS::Route53::RecordSet")
        assert cart.virtual_service_name == "cart.shop.local"
        assert (record["Name"], record["Type"]) == ("cart.shop.local", "A")
        assert record["ResourceRecords"] == [loopback_address("cart.shop.local")]

    def test_records_are_in_a_private_zone_of_the_vpc(
        self, stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
    ) -> None:
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        MeshNode(stack, "Orders", mesh=mesh, name="orders", backends=[cart])
        synthesized = template()
        zone = only(synthesized, "AWS::Route53::HostedZone")
        assert zone["Name"] == "shop.local."
        assert [vpc["VPCId"] for vpc in zone["VPCs"]] == ["vpc-shop"]
        (zone_id,) = (id for id, each in synthesized["Resources"].items() if each["Type"] == "AWS::Route53::HostedZone")
        assert only(synthesized, "AWS::Route53::RecordSet")["HostedZoneId"] == {"Ref": zone_id}

    def test_tasks_are_registered_in_the_namespace_with_a_short_ttl(
        self, stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
    ) -> None:
        MeshNode(stack, "Cart", mesh=mesh, name="cart")
        service = only(template(), "AWS::ServiceDiscovery::Service")
        assert (service["Name"], service["DnsConfig"]["DnsRecords"]) == ("cart", [{"TTL": 5, "Type": "A"}])
        assert mesh.model.node("cart").discovery is not None
        assert mesh.model.node("cart").discovery.dns_name == "cart.tasks.shop.local"  # type: ignore[union-attr]

    def test_node_without_a_service_of_its_own_has_no_record(
        self, stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
    ) -> None:
        stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
        assert stock.mesh_resources == {}
        assert properties(template(), "AWS::Route53::RecordSet") == []

    def test_router_needs_no_cloud_map_service_of_its_name(
        self, stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
    ) -> None:
        router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="anything.shop.local")
        MeshNode(stack, "Orders", mesh=mesh, name="orders", backends=[router])
        assert only(template(), "AWS::Route53::RecordSet")["Name"] == "anything.shop.local"

    def test_service_name_outside_the_domain_of_the_mesh_is_refused(self, stack: Stack, mesh: ServiceMesh) -> None:
        with pytest.raises(MeshError) as error:
            MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.office.local")
        assert str(error.value) == (
            "virtual service 'stock.office.local': name is not in a domain of the mesh, "
            "got 'stock.office.local' (such as 'router.shop.local', or add its domain to other_domains)"
        )

    def test_service_name_that_is_the_domain_of_the_mesh_is_refused(self, stack: Stack, mesh: ServiceMesh) -> None:
        with pytest.raises(MeshError) as error:
            MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="Shop.local")
        assert str(error.value) == (
            "virtual service 'Shop.local': name is a whole domain, got 'Shop.local' "
            "(a name in it, such as 'router.shop.local')"
        )

    @pytest.mark.parametrize("name", ["stock.tasks.shop.local", "tasks.shop.local"])
    def test_service_name_in_the_namespace_of_the_tasks_is_refused(
        self, stack: Stack, mesh: ServiceMesh, name: str
    ) -> None:
        with pytest.raises(MeshError) as error:
            MeshRouter(stack, "Router", mesh=mesh, virtual_service_name=name)
        assert str(error.value) == (
            f"virtual service '{name}': name is in the namespace of the tasks, "
            f"got '{name}' (a name in 'shop.local': its namespace below is for tasks)"
        )

    @pytest.mark.parametrize("name", ["shop.local", "tasks"])
    def test_namespace_that_is_not_below_a_domain_is_refused(self, stack: Stack, vpc: ec2.IVpc, name: str) -> None:
        namespace = servicediscovery.PrivateDnsNamespace(stack, "Namespace", name=name, vpc=vpc)
        with pytest.raises(MeshError) as error:
            ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, data_plane="envoy")
        assert str(error.value) == (
            f"mesh 'shop': namespace is not below the domain of the services, got '{name}' "
            f"('tasks.' before the domain, such as 'tasks.{name}')"
        )
        assert stack.node.try_find_child("Mesh") is None


class TestOtherDomains:
    @pytest.fixture
    def new_mesh(
        self, stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
    ) -> Callable[..., ServiceMesh]:
        """Create a mesh with the arguments of the test."""
        return partial(ServiceMesh, stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace)

    @pytest.fixture
    def paying(self, new_mesh: Callable[..., ServiceMesh]) -> ServiceMesh:
        """Mesh with a further domain, ``pay.example``."""
        return new_mesh(data_plane="envoy", other_domains=["pay.example"])

    @pytest.mark.parametrize("name", ["bank.pay.example", "Bank.PAY.example", "eu.bank.pay.example"])
    def test_service_in_another_domain_has_a_private_zone_of_its_own_name(
        self, stack: Stack, paying: ServiceMesh, template: Callable[[], Template], name: str
    ) -> None:
        bank = MeshService(stack, "Bank", mesh=paying, virtual_service_name=name)
        synthesized = template()
        zone = only(synthesized, "AWS::Route53::HostedZone", Name=f"{name}.")
        assert [vpc["VPCId"] for vpc in zone["VPCs"]] == ["vpc-shop"]
        record = only(synthesized, "AWS::Route53::RecordSet")
        assert (record["Name"], record["ResourceRecords"]) == (name, [loopback_address(name)])
        assert record["HostedZoneId"] == stack.resolve(bank.mesh_resources["ServiceZone"].ref)
        assert list(bank.mesh_resources) == ["ServiceZone", "ServiceRecord"]

    def test_zone_of_a_service_is_created_in_the_scope_of_the_mesh(self, app: App, paying: ServiceMesh) -> None:
        bank = MeshService(Stack(app, "Team"), "Bank", mesh=paying, virtual_service_name="bank.pay.example")
        path = "Shop/Mesh/Services/Zone-bank.pay.example/Resource"
        assert bank.mesh_resources["ServiceZone"].node.path == path

    def test_service_in_the_domain_of_the_mesh_has_no_zone_of_its_own(
        self, stack: Stack, paying: ServiceMesh, template: Callable[[], Template]
    ) -> None:
        assert MeshNode(stack, "Cart", mesh=paying, name="cart").mesh_resources == {}
        assert only(template(), "AWS::Route53::HostedZone")["Name"] == "shop.local."

    def test_task_of_a_caller_depends_on_the_record(
        self, stack: Stack, paying: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        bank = MeshService(stack, "Bank", mesh=paying, virtual_service_name="bank.pay.example")
        implement(MeshNode(stack, "Cart", mesh=paying, name="cart", backends=[bank]), cluster)
        resources = template()["Resources"].values()
        (task,) = (resource for resource in resources if resource["Type"] == TASK)
        assert stack.resolve(bank.mesh_resources["ServiceRecord"].logical_id) in task["DependsOn"]

    def test_service_name_that_is_another_domain_is_refused(self, stack: Stack, paying: ServiceMesh) -> None:
        with pytest.raises(MeshError) as error:
            MeshService(stack, "Pay", mesh=paying, virtual_service_name="Pay.example")
        assert str(error.value) == (
            "virtual service 'Pay.example': name is a whole domain, got 'Pay.example' "
            "(a name in it, such as 'router.shop.local')"
        )
        assert stack.node.try_find_child("Pay") is None

    def test_service_name_outside_all_domains_is_refused(self, stack: Stack, paying: ServiceMesh) -> None:
        with pytest.raises(MeshError) as error:
            MeshService(stack, "Pay", mesh=paying, virtual_service_name="bank.repay.example")
        assert str(error.value) == (
            "virtual service 'bank.repay.example': name is not in a domain of the mesh, "
            "got 'bank.repay.example' (such as 'router.shop.local', or add its domain to other_domains)"
        )

    def test_hostname_that_is_a_service_name_in_another_domain_is_refused(
        self, stack: Stack, paying: ServiceMesh
    ) -> None:
        with pytest.raises(MeshError) as error:
            MeshNode(
                stack,
                "Bank",
                mesh=paying,
                name="bank",
                hostname="bank.pay.example",
                virtual_service_name="bank.pay.example",
            )
        assert str(error.value) == (
            "virtual node 'bank': hostname is the name of a virtual service, got 'bank.pay.example' "
            "(give the service another name: DNS answers for it with a loopback address)"
        )

    def test_invalid_other_domain_and_domain_of_the_mesh_are_refused(
        self, stack: Stack, new_mesh: Callable[..., ServiceMesh]
    ) -> None:
        with pytest.raises(MeshError) as error:
            new_mesh(data_plane="envoy", other_domains=["pay..example", "local", "Shop.local", "eu.shop.local"])
        assert str(error.value).splitlines() == [
            (
                "mesh 'shop': other domain is not a DNS name, got 'pay..example' "
                "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"
            ),
            (
                "mesh 'shop': other domain is the mesh's domain or in it, got 'Shop.local' "
                "(leave it out: services may have any name in 'shop.local')"
            ),
            (
                "mesh 'shop': other domain is the mesh's domain or in it, got 'eu.shop.local' "
                "(leave it out: services may have any name in 'shop.local')"
            ),
        ]
        assert stack.node.try_find_child("Mesh") is None

    @pytest.mark.parametrize(
        "plane",
        [
            pytest.param({"data_plane": "app-mesh"}, id="app-mesh"),
            pytest.param({"data_plane": "envoy", "interception": "transparent"}, id="envoy"),
        ],
    )
    def test_other_domains_with_transparent_interception_are_refused(
        self, new_mesh: Callable[..., ServiceMesh], plane: Any
    ) -> None:
        with pytest.raises(MeshError) as error:
            new_mesh(other_domains=("pay.example",), **plane)
        assert str(error.value) == (
            "mesh 'shop': 'other_domains' needs loopback interception, got ('pay.example',) "
            "(leave it out: with transparent interception Cloud Map and hostnames answer for services)"
        )


class TestSidecar:
    @pytest.fixture
    def cart(self, stack: Stack, mesh: ServiceMesh) -> MeshNode:
        return MeshNode(stack, "Cart", mesh=mesh, name="cart", port=8080)

    def test_configuration_is_the_compiled_one_of_its_node(
        self, cart: MeshNode, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        expected = configure(mesh.model, mesh.model.node("cart"), interception=Loopback(app_address="0.0.0.0"))
        assert bootstrap_of(template(), "cart") == expected.bootstrap

    def test_configuration_includes_backends_that_are_added_after_the_implementation(
        self,
        stack: Stack,
        cart: MeshNode,
        mesh: ServiceMesh,
        cluster: ecs.Cluster,
        template: Callable[[], Template],
    ) -> None:
        implement(cart, cluster)
        cart.connect_to(MeshNode(stack, "Stock", mesh=mesh, name="stock"))
        names = [cluster["name"] for cluster in bootstrap_of(template(), "cart")["static_resources"]["clusters"]]
        assert names == ["aws_servicediscovery", "cds_ingress_shop_cart_http_8080", "cds_egress_shop_stock_http_80"]

    def test_image_is_upstream_envoy_of_a_pinned_version(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        assert envoy_of(template(), "cart")["Image"] == ENVOY_IMAGES["envoy"]

    def test_envoy_runs_as_a_non_root_user_that_may_bind_low_ports(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        envoy = envoy_of(template(), "cart")
        assert envoy["User"] == "101"
        assert envoy["SystemControls"] == [{"Namespace": "net.ipv4.ip_unprivileged_port_start", "Value": "0"}]

    @pytest.mark.parametrize("path", ["/dev/stdout", "/dev/stderr", "/tmp/access.log"])
    def test_file_system_of_envoy_is_read_only_unless_it_has_the_access_log(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template], path: str
    ) -> None:
        node = MeshNode(stack, "Cart", mesh=mesh, name="cart", access_log=AccessLog(path=path))
        implement(node, cluster, execute_command=True)
        synthesized = template()
        assert envoy_of(synthesized, "cart")["ReadonlyRootFilesystem"] is (path != "/tmp/access.log")
        assert envoy_of(synthesized, "cart", "deregistration-delay")["ReadonlyRootFilesystem"] is True

    def test_stop_timeout_is_longer_than_the_drain_time(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        envoy = envoy_of(template(), "cart")
        assert envoy["StopTimeout"] == 30
        assert "--drain-time-s 5 " in envoy["EntryPoint"][2]

    @pytest.mark.parametrize(("cpu", "memory", "workers"), [(256, 512, 1), (2048, 4096, 1), (4096, 8192, 3)])
    def test_envoy_has_one_worker_thread_for_each_vcpu(
        self,
        cart: MeshNode,
        cluster: ecs.Cluster,
        template: Callable[[], Template],
        cpu: int,
        memory: int,
        workers: int,
    ) -> None:
        implement(cart, cluster, cpu=cpu, memory_mib=memory, envoy_cpu=cpu * 3 // 4)
        assert f"--concurrency {workers} " in envoy_of(template(), "cart")["EntryPoint"][2]

    def test_application_starts_after_envoy_is_healthy(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        app = container(only(template(), TASK), "cart-app")
        assert app["DependsOn"] == [{"Condition": "HEALTHY", "ContainerName": "envoy-sidecar"}]

    def test_template_has_no_proxy_configuration_and_no_app_mesh(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        synthesized = template()
        assert "ProxyConfiguration" not in only(synthesized, TASK)
        assert "appmesh" not in json.dumps(synthesized).lower().replace("aws-solutions", "")

    def test_long_configuration_is_compressed(
        self,
        stack: Stack,
        cart: MeshNode,
        mesh: ServiceMesh,
        cluster: ecs.Cluster,
        template: Callable[[], Template],
    ) -> None:
        """The limit of App Mesh is 50 backends."""
        implement(cart, cluster)
        cart.connect_to(*many(stack, mesh, 50))
        synthesized = template()
        command = envoy_of(synthesized, "cart")["Command"]
        expected = configure(mesh.model, mesh.model.node("cart"), interception=Loopback(app_address="0.0.0.0"))
        assert command[0] == "gzip"
        assert read(command) == expected.bootstrap
        assert len(json.dumps(only(synthesized, TASK))) < 20_000

    def test_gateway_with_many_routes_fits_into_a_task_definition(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
        gateway.implement(gateway, "Task", cluster=cluster, family="door")
        for number, node in enumerate(many(stack, mesh, 90)):
            gateway.add_route(f"Route{number}", to=node, prefix=f"/{number}")
        command = envoy_of(template(), "door", "envoy-proxy")["Command"]
        assert len(shortest(read(command))) > 128 * 1024  # Linux, execve(2): MAX_ARG_STRLEN

    def test_task_definition_that_is_too_large_is_refused(self, app: App, cart: MeshNode, cluster: ecs.Cluster) -> None:
        implement(cart, cluster, environment={"LONG": "x" * 60_000})
        message = problems(app)
        assert "virtual node 'cart': task definition is too large for ECS, got '" in message
        assert "bytes' (at most 63488 bytes: less environment, fewer backends or routes)" in message


def many(stack: Stack, mesh: ServiceMesh, count: int) -> list[MeshNode]:
    return [MeshNode(stack, f"N{number}", mesh=mesh, name=f"n{number}", port=90) for number in range(count)]


class TestStopTimeout:
    @pytest.fixture
    def cart(self, stack: Stack, mesh: ServiceMesh) -> MeshNode:
        return MeshNode(stack, "Cart", mesh=mesh, name="cart", port=8080)

    def test_application_has_the_stop_timeout_of_ecs_by_default(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        assert "StopTimeout" not in container(only(template(), TASK), "cart-app")

    def test_application_and_envoy_have_the_stop_timeout_given(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster, stop_timeout=Duration.seconds(120))
        task = only(template(), TASK)
        assert [container(task, name)["StopTimeout"] for name in ("cart-app", "envoy-sidecar")] == [120, 120]

    def test_drain_time_is_at_most_half_of_the_stop_timeout(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster, stop_timeout=Duration.seconds(4))
        assert "--drain-time-s 2 " in envoy_of(template(), "cart")["EntryPoint"][2]

    def test_envoy_of_a_gateway_has_the_stop_timeout_given(
        self,
        stack: Stack,
        cart: MeshNode,
        mesh: ServiceMesh,
        cluster: ecs.Cluster,
        template: Callable[[], Template],
    ) -> None:
        gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
        gateway.add_route("Cart", to=cart)
        gateway.implement(gateway, "Task", cluster=cluster, family="door", stop_timeout=Duration.seconds(90))
        assert envoy_of(template(), "door", "envoy-proxy")["StopTimeout"] == 90

    def test_stop_timeout_above_the_limit_of_fargate_is_refused(self, cart: MeshNode, cluster: ecs.Cluster) -> None:
        with pytest.raises(MeshError) as error:
            implement(cart, cluster, stop_timeout=Duration.seconds(121))
        assert str(error.value).splitlines() == [
            "container 'cart-app': stop timeout out of range, got 121 (2 to 120)",
            "container 'envoy-sidecar': stop timeout out of range, got 121 (2 to 120)",
        ]
        assert cart.node.try_find_child("Task") is None


class TestDeregistrationDelay:
    NAME = "deregistration-delay"
    # Amazon Route 53 FAQs: time in which a change reaches all servers.
    PROPAGATION_SECONDS, CALL_SECONDS = 5, 1

    @pytest.fixture
    def cart(self, stack: Stack, mesh: ServiceMesh) -> MeshNode:
        stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
        return MeshNode(stack, "Cart", mesh=mesh, name="cart", port=8080, backends=[stock])

    def test_delay_is_the_sum_of_propagation_and_the_longest_interval_of_calls(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        synthesized = template()
        clusters = bootstrap_of(synthesized, "cart")["static_resources"]["clusters"]
        (refresh,) = (
            each["eds_cluster_config"]["eds_config"]["api_config_source"]["refresh_delay"]
            for each in clusters
            if "_egress_" in each["name"]
        )
        heard = self.PROPAGATION_SECONDS + 2 * int(refresh.removesuffix("s")) + self.CALL_SECONDS
        delay = container(only(synthesized, TASK), self.NAME)
        assert delay["Command"] == [str(heard), "8080"] == ["26", "8080"]
        assert delay["StopTimeout"] > heard

    @pytest.mark.parametrize(("refresh", "seconds"), [(1, "8"), (50, "106")])
    def test_delay_follows_from_the_refresh_interval(
        self,
        stack: Stack,
        vpc: ec2.Vpc,
        cluster: ecs.Cluster,
        template: Callable[[], Template],
        refresh: int,
        seconds: str,
    ) -> None:
        interval = Duration.seconds(refresh)
        mesh = ServiceMesh(stack, "Slow", vpc=vpc, domain="slow.local", refresh_interval=interval)
        implement(MeshNode(stack, "Node", mesh=mesh, name="slow"), cluster)
        delay = container(only(template(), TASK), self.NAME)
        assert (delay["Command"][0], delay["StopTimeout"] <= 120) == (seconds, True)

    def test_containers_stop_in_the_order_delay_application_envoy(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        task = only(template(), TASK)
        assert container(task, self.NAME)["DependsOn"] == [{"Condition": "START", "ContainerName": "cart-app"}]
        assert container(task, "cart-app")["DependsOn"] == [{"Condition": "HEALTHY", "ContainerName": "envoy-sidecar"}]

    def test_delay_container_is_not_essential_and_reserves_no_cpu_or_memory(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster)
        delay = container(only(template(), TASK), self.NAME)
        assert (delay["Essential"], "Cpu" in delay, "Memory" in delay) == (False, False, False)
        assert (delay["Image"], delay["User"]) == (ENVOY_IMAGES["envoy"], "101")
        assert delay["LogConfiguration"]["Options"]["awslogs-stream-prefix"] == "cart-deregistration-delay"

    def test_delay_container_checks_the_ports_of_the_application(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        listeners = [Listener(port=9000, protocol="tcp"), Listener(port=9001, protocol="tcp")]
        implement(MeshNode(stack, "Two", mesh=mesh, name="two", listeners=listeners), cluster)
        implement(MeshNode(stack, "Other", mesh=mesh, name="other"), cluster, app_port=3000)
        synthesized = template()
        commands = [container(only(synthesized, TASK, Family=name), self.NAME)["Command"] for name in ("two", "other")]
        assert commands == [["26", "9000", "9001"], ["26", "3000"]]

    def test_node_without_a_listener_has_no_delay_container(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(MeshNode(stack, "Job", mesh=mesh, name="job", listeners=[], virtual_service=False), cluster)
        assert [each["Name"] for each in only(template(), TASK)["ContainerDefinitions"]] == ["job-app", "envoy-sidecar"]

    def test_application_container_with_the_name_of_the_delay_container_is_refused(
        self, cart: MeshNode, cluster: ecs.Cluster
    ) -> None:
        with pytest.raises(MeshError) as error:
            implement(cart, cluster, container_name=self.NAME)
        assert str(error.value) == (
            "task 'cart': duplicate container, got 'deregistration-delay' (occurs 2 times, must be unique)"
        )


class TestApplication:
    @pytest.fixture
    def cart(self, stack: Stack, mesh: ServiceMesh) -> MeshNode:
        stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
        return MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])

    def test_application_on_all_addresses_with_the_port_of_a_backend_is_refused(
        self, app: App, cart: MeshNode, cluster: ecs.Cluster
    ) -> None:
        implement(cart, cluster)
        assert (
            "[Shop/Cart/Task/TaskDefinition] virtual node 'cart': the application listens on all addresses, which "
            "include those of services with the same port, got ('stock.shop.local',) (make the application listen on "
            "127.0.0.1 and set app_address='127.0.0.1', or give the services another port than the application, such "
            "as 80, and set app_port to that of the application)"
        ) in problems(app)

    def test_application_on_all_addresses_with_the_port_of_a_service_that_is_not_a_backend_is_refused(
        self, app: App, stack: Stack, mesh: ServiceMesh, cart: MeshNode, cluster: ecs.Cluster
    ) -> None:
        other = Stack(app, "Other")
        leaf = MeshNode(stack, "Leaf", mesh=mesh, name="leaf")
        leaf.implement(
            other, "Task", cluster=cluster, image=ecs.ContainerImage.from_registry("shop/app:1"), family="leaf"
        )
        MeshNode(stack, "Elsewhere", mesh=mesh, name="elsewhere", port=81)
        assert (
            "virtual node 'leaf': the application listens on all addresses, which include those of services with the "
            "same port, got ('stock.shop.local', 'cart.shop.local') "
        ) in problems(app)

    def test_application_on_all_addresses_may_have_the_port_of_a_service_that_it_provides(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        blue = MeshNode(stack, "Blue", mesh=mesh, name="blue", virtual_service=False)
        router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="price.shop.local")
        router.add_route("All", targets={blue: 1})
        MeshService(stack, "Alias", mesh=mesh, virtual_service_name="cost.shop.local", provider=router)
        implement(blue, cluster)
        assert app_port_of(bootstrap_of(template(), "blue")) == 80

    def test_application_on_the_loopback_interface_may_have_the_port_of_a_backend(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster, app_address="127.0.0.1")
        assert app_port_of(bootstrap_of(template(), "cart")) == 80

    def test_application_may_have_another_port_than_the_listener(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster, app_port=8080)
        synthesized = template()
        assert app_port_of(bootstrap_of(synthesized, "cart")) == 8080
        assert container(only(synthesized, TASK), "cart-app")["PortMappings"][0]["ContainerPort"] == 8080

    @pytest.mark.parametrize("port", [9901, 15100])
    def test_application_on_a_port_of_envoy_is_refused(
        self, app: App, cart: MeshNode, cluster: ecs.Cluster, port: int
    ) -> None:
        implement(cart, cluster, app_port=port)
        assert f"virtual node 'cart': port of the application is used by Envoy, got {port} (" in problems(app)

    @pytest.mark.parametrize("port", [0, 65536, 80.5, "80", True])
    def test_invalid_application_port_is_refused(self, cart: MeshNode, cluster: ecs.Cluster, port: Any) -> None:
        with pytest.raises(MeshError) as error:
            implement(cart, cluster, app_port=port)
        assert str(error.value) == (f"virtual node 'cart': application's port out of range, got {port!r} (1 to 65535)")

    @pytest.mark.parametrize("argument", ["command", "entry_point"])
    def test_command_that_is_text_is_refused(self, cart: MeshNode, cluster: ecs.Cluster, argument: str) -> None:
        with pytest.raises(MeshError) as error:
            implement(cart, cluster, **{argument: "serve now"})
        assert str(error.value) == (
            f"MeshNode 'cart': '{argument}' is not a list, got 'serve now' ({argument}=['serve', 'now'])"
        )

    def test_unknown_application_address_is_refused(self, cart: MeshNode, cluster: ecs.Cluster) -> None:
        with pytest.raises(MeshError) as error:
            implement(cart, cluster, app_address="localhost")
        assert str(error.value) == (
            "virtual node 'cart': unknown application's address, got 'localhost' (one of: 0.0.0.0, 127.0.0.1)"
        )

    def test_application_has_the_command_given(
        self, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        implement(cart, cluster, app_address="127.0.0.1", command=["serve", "127.0.0.1"])
        assert container(only(template(), TASK), "cart-app")["Command"] == ["serve", "127.0.0.1"]


def app_port_of(bootstrap: Any) -> int:
    (ingress,) = (each for each in bootstrap["static_resources"]["clusters"] if "_ingress_" in each["name"])
    address = ingress["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    assert address["address"] == "127.0.0.1"
    return int(address["port_value"])


class TestGateway:
    @pytest.fixture
    def gateway(self, stack: Stack, mesh: ServiceMesh) -> MeshGateway:
        gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
        gateway.add_route("Cart", to=MeshNode(stack, "Cart", mesh=mesh, name="cart"))
        return gateway

    def test_configuration_is_the_compiled_one_of_the_gateway(
        self, gateway: MeshGateway, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        gateway.implement(gateway, "Task", cluster=cluster, family="door")
        # Its load balancer has a deregistration delay of its own.
        assert len(only(template(), TASK, Family="door")["ContainerDefinitions"]) == 1
        expected = configure(mesh.model, mesh.model.gateway("door"), interception=Loopback())
        assert bootstrap_of(template(), "door", "envoy-proxy") == expected.bootstrap

    def test_load_balancer_preserves_the_addresses_of_clients(
        self, gateway: MeshGateway, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        gateway.implement(gateway, "Task", cluster=cluster, family="door")
        group = only(template(), "AWS::ElasticLoadBalancingV2::TargetGroup")
        assert {"Key": "preserve_client_ip.enabled", "Value": "true"} in group["TargetGroupAttributes"]

    def test_number_of_trusted_hops_is_in_the_configuration(
        self, gateway: MeshGateway, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        proxies = ec2.SecurityGroup(gateway, "Proxies", vpc=cluster.vpc)
        gateway.implement(gateway, "Task", cluster=cluster, family="door", trusted_hops=1, entry_security_group=proxies)
        expected = configure(mesh.model, mesh.model.gateway("door"), interception=Loopback(), trusted_hops=1)
        assert bootstrap_of(template(), "door", "envoy-proxy") == expected.bootstrap
        assert '"xff_num_trusted_hops": 1' in json.dumps(expected.bootstrap)

    @pytest.mark.parametrize("exposure", ["internal", "internet", "public-ip"])
    def test_trusted_hops_are_refused_if_all_clients_could_forge_addresses(
        self, gateway: MeshGateway, cluster: ecs.Cluster, exposure: Exposure
    ) -> None:
        with pytest.raises(MeshError) as error:
            gateway.implement(gateway, "Task", cluster=cluster, exposure=exposure, trusted_hops=1)
        assert str(error.value) == (
            "virtual gateway 'door': 'trusted_hops' needs an entry_security_group, got 1 (one that admits the trusted "
            "proxies only: other clients could forge their addresses)"
        )
        assert gateway.node.try_find_child("Task") is None

    @pytest.mark.parametrize("trusted_hops", [-1, 11, True, 1.0, "1"])
    def test_invalid_number_of_trusted_hops_is_refused(
        self, gateway: MeshGateway, cluster: ecs.Cluster, trusted_hops: Any
    ) -> None:
        with pytest.raises(MeshError) as error:
            gateway.implement(gateway, "Task", cluster=cluster, trusted_hops=trusted_hops)
        assert error.value.problems == (
            f"virtual gateway 'door': trusted_hops out of range, got {trusted_hops!r} (0 to 10)",
        )

    @pytest.mark.parametrize("execute_command", [False, True])
    def test_file_system_is_read_only_unless_ecs_exec_is_enabled(
        self, gateway: MeshGateway, cluster: ecs.Cluster, template: Callable[[], Template], execute_command: bool
    ) -> None:
        gateway.implement(gateway, "Task", cluster=cluster, family="door", execute_command=execute_command)
        envoy = envoy_of(template(), "door", "envoy-proxy")
        assert envoy["ReadonlyRootFilesystem"] is not execute_command
        assert envoy.get("LinuxParameters", {}).get("InitProcessEnabled", False) is execute_command


class TestPlane:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param(
                {"data_plane": ["envoy"]}, "unknown data plane, got ['envoy'] (one of: app-mesh, envoy)", id="list"
            ),
            pytest.param(
                {"data_plane": "envoy", "interception": ""},
                "unknown interception, got '' (one of: loopback, transparent)",
                id="empty",
            ),
        ],
    )
    def test_invalid_data_plane_or_interception_is_refused(
        self,
        stack: Stack,
        vpc: ec2.IVpc,
        namespace: servicediscovery.PrivateDnsNamespace,
        arguments: Any,
        message: str,
    ) -> None:
        with pytest.raises(MeshError) as error:
            ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, **arguments)
        assert str(error.value) == f"mesh 'shop': {message}"


class TestStacks:
    """Tasks of several stacks that call each other, and their dependencies."""

    @pytest.fixture
    def nodes(self, app: App, mesh: ServiceMesh) -> tuple[MeshNode, MeshNode]:
        """Two nodes in two stacks that call each other."""
        cart = MeshNode(Stack(app, "One"), "Cart", mesh=mesh, name="cart", port=8080)
        stock = MeshNode(Stack(app, "Two"), "Stock", mesh=mesh, name="stock", port=8081, backends=[cart])
        cart.connect_to(stock)
        return cart, stock

    def test_service_depends_on_records_that_are_declared_after_it(
        self, stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", port=8080)
        implement(cart, cluster)
        cart.connect_to(MeshNode(stack, "Stock", mesh=mesh, name="stock"))
        resources = template()["Resources"]
        (service,) = (each for each in resources.values() if each["Type"] == SERVICE)
        records = {id for id, each in resources.items() if each["Type"] == "AWS::Route53::RecordSet"}
        assert len(records) == 1
        assert records <= set(service["DependsOn"])

    def test_two_meshes_of_one_domain_in_a_vpc_are_refused(
        self, stack: Stack, mesh: ServiceMesh, vpc: ec2.IVpc
    ) -> None:
        with pytest.raises(MeshError) as error:
            ServiceMesh(stack, "Other", mesh_name="other", vpc=vpc, domain=mesh.domain)
        assert str(error.value) == (
            "mesh 'other': another mesh has this domain in the VPC, got 'shop.local' "
            "(give each mesh of a VPC a domain of its own)"
        )
        assert stack.node.try_find_child("Other") is None


class TestGroups:
    def test_security_group_of_all_tasks_is_refused(
        self,
        stack: Stack,
        vpc: ec2.IVpc,
        namespace: servicediscovery.PrivateDnsNamespace,
        mesh_group: ec2.ISecurityGroup,
    ) -> None:
        with pytest.raises(MeshError) as error:
            ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, data_plane="envoy", security_group=mesh_group)
        assert str(error.value) == (
            "mesh 'Shop-Mesh': one security group would allow requests to nodes that are no backends, "
            "got 'Shop/MeshGroup' (leave it out: each node gets its own group, or isolation='mesh')"
        )

    def test_security_group_admits_callers_on_the_port_of_envoy_only(
        self, stack: Stack, mesh: ServiceMesh, ingress: Callable[[], list[str]]
    ) -> None:
        stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", port=8080)
        MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])
        assert ingress() == ["Cart -> Stock tcp 15100"]

    def test_egress_filter_allow_all_allows_all_egress(
        self,
        stack: Stack,
        vpc: ec2.IVpc,
        namespace: servicediscovery.PrivateDnsNamespace,
        template: Callable[[], Template],
    ) -> None:
        mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, data_plane="envoy", egress_filter="ALLOW_ALL")
        stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
        MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])
        synthesized = template()
        assert [rules[0]["IpProtocol"] for rules in node_egress(synthesized)] == ["-1", "-1"]
        assert groups(synthesized, "Egress") == []


def node_egress(template: Template) -> list[list[Properties]]:
    """Return the egress rules in the security groups of nodes."""
    return [
        group["SecurityGroupEgress"]
        for group in properties(template, GROUP)
        if group["GroupDescription"] == "Tasks of a virtual node."
    ]


@pytest.mark.parametrize(("kind", "port"), [("mesh", 15100), ("redirected", 80)])
def test_security_group_allows_egress_to_backends_and_port_443_only(
    kind: str, port: int, stack: Stack, request: pytest.FixtureRequest, template: Callable[[], Template]
) -> None:
    mesh: ServiceMesh = request.getfixturevalue(kind)
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])
    synthesized = template()
    assert [[(rule["IpProtocol"], rule["ToPort"]) for rule in rules] for rules in node_egress(synthesized)] == [
        [("tcp", 443)],
        [("tcp", 443)],
    ]
    (mesh_group,) = (id for id in synthesized["Resources"] if id.startswith("MeshSecurityGroup"))
    (rule,) = properties(synthesized, "AWS::EC2::SecurityGroupEgress")
    assert rule["DestinationSecurityGroupId"] == {"Fn::GetAtt": [mesh_group, "GroupId"]}
    assert groups(synthesized, "Egress") == [(port, port)]


class TestTransparent:
    def test_traffic_is_redirected_by_ecs(
        self, stack: Stack, redirected: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
    ) -> None:
        stock = MeshNode(stack, "Stock", mesh=redirected, name="stock")
        implement(MeshNode(stack, "Cart", mesh=redirected, name="cart", backends=[stock]), cluster)
        synthesized = template()
        proxy = only(synthesized, TASK)["ProxyConfiguration"]["ProxyConfigurationProperties"]
        assert {"Name": "ProxyEgressPort", "Value": "15001"} in proxy
        assert envoy_of(synthesized, "cart")["User"] == "1337"
        model = redirected.model
        assert (
            bootstrap_of(synthesized, "cart")
            == configure(model, model.node("cart"), interception=Transparent()).bootstrap
        )

    def test_cloud_map_answers_for_services(
        self, stack: Stack, redirected: ServiceMesh, template: Callable[[], Template]
    ) -> None:
        cart = MeshNode(stack, "Cart", mesh=redirected, name="cart")
        assert cart.virtual_service_name == "cart.shop.local"
        synthesized = template()
        assert properties(synthesized, "AWS::Route53::HostedZone") == []
        assert only(synthesized, "AWS::ServiceDiscovery::Service")["Name"] == "cart"

    def test_application_port_that_is_not_the_port_of_the_listener_is_refused(
        self, stack: Stack, redirected: ServiceMesh, cluster: ecs.Cluster
    ) -> None:
        cart = MeshNode(stack, "Cart", mesh=redirected, name="cart")
        with pytest.raises(MeshError) as error:
            implement(cart, cluster, app_port=8080)
        assert str(error.value) == (
            "virtual node 'cart': the application's port is not the listener's, got 8080 "
            "(transparent interception keeps the port: the application receives requests on 80)"
        )

    def test_app_mesh_with_loopback_interception_is_refused(self, stack: Stack, vpc: ec2.IVpc) -> None:
        namespace = servicediscovery.PrivateDnsNamespace(stack, "Namespace", name="tasks.shop.local", vpc=vpc)
        with pytest.raises(MeshError) as error:
            ServiceMesh(
                stack,
                "Mesh",
                mesh_name="shop",
                vpc=vpc,
                namespace=namespace,
                interception="loopback",
                data_plane="app-mesh",
            )
        assert str(error.value) == (
            "mesh 'shop': App Mesh does not support the interception, got 'loopback' "
            "(transparent, or data_plane='envoy')"
        )

    def test_unknown_interception_is_refused(
        self, stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
    ) -> None:
        with pytest.raises(MeshError) as error:
            ServiceMesh(
                stack,
                "Mesh",
                mesh_name="shop",
                vpc=vpc,
                namespace=namespace,
                data_plane="envoy",
                interception="tproxy",  # type: ignore[arg-type]
            )
        assert str(error.value) == ("mesh 'shop': unknown interception, got 'tproxy' (one of: loopback, transparent)")


def test_external_service_is_refused(mesh: ServiceMesh) -> None:
    with pytest.raises(MeshError) as error:
        mesh.external_service("ledger.shop.local")
    assert str(error.value) == (
        "virtual service 'ledger.shop.local': Envoy needs to know where its tasks are, got 'ledger.shop.local' "
        "(import its node with MeshNode.from_attributes; outside a mesh, MeshNode(hostname=...))"
    )
    assert mesh.model.external_services == ()


@pytest.mark.parametrize("kind", ["mesh", "redirected"])
def test_security_groups_admit_exactly_the_callers_that_the_mesh_declares(
    kind: str, stack: Stack, request: pytest.FixtureRequest, ingress: Callable[[], list[str]]
) -> None:
    """Callers are a node and a gateway, callees a node and the targets of routes that come before and after them."""
    mesh: ServiceMesh = request.getfixturevalue(kind)
    port = {"mesh": 15100, "redirected": 80}[kind]
    names = ("green", "yellow", "drained", "cart", "idle", "stock")
    nodes = {name: MeshNode(stack, name, mesh=mesh, name=name) for name in names}
    # With transparent interception, the name of the router must be that of a node.
    MeshNode(stack, "router", mesh=mesh, name="router", virtual_service=False)
    router = MeshRouter(stack, "Prices", mesh=mesh, virtual_service_name="router.shop.local")
    router.add_route("Before", prefix="/before", targets={nodes["green"]: 1, nodes["drained"]: 0})
    nodes["cart"].connect_to(router, nodes["stock"])
    gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
    gateway.add_route("Prices", to=router)
    router.add_route("After", prefix="/after", targets={nodes["yellow"]: 1})
    assert sorted(ingress()) == sorted(
        f"{caller} -> {node} tcp {port}"
        for caller, callees in (
            ("cart", ("green", "drained", "yellow", "stock")),
            ("Gateway", ("green", "drained", "yellow")),
        )
        for node in callees
    )
