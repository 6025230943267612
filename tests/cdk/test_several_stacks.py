"""Nodes in several stacks: who owns what, changes of a deployed mesh, and its size."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from aws_cdk import App, Duration, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import MeshError, MeshGateway, MeshNode, MeshRouter, ServiceMesh, Telemetry
from tests.support.cloudformation import Assembly, Properties, Template, only, properties

INGRESS, EGRESS = "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"
GROUP, RECORD, SERVICE = "AWS::EC2::SecurityGroup", "AWS::Route53::RecordSet", "AWS::ECS::Service"


@dataclass(frozen=True)
class Shop:
    """App with a network, a mesh, and stacks of services."""

    app: App
    mesh: ServiceMesh
    cluster: ecs.Cluster

    def stack(self, name: str) -> Stack:
        return Stack(self.app, name)

    def node(
        self, stack: Stack, name: str, backends: Sequence[Any] = (), scope: Stack | None = None, **arguments: Any
    ) -> MeshNode:
        """Add a node with tasks in a stack, and its specification in ``scope`` or that stack."""
        node = MeshNode(scope or stack, name.title(), mesh=self.mesh, name=name, backends=backends, **arguments)
        image = ecs.ContainerImage.from_registry("shop/app:1")
        node.implement(stack, f"{name.title()}Task", cluster=self.cluster, image=image, app_address="127.0.0.1")
        return node

    def templates(self) -> Assembly:
        return {stack.stack_name: stack.template for stack in self.app.synth().stacks}

    def mesh_warnings(self) -> list[str]:
        return [
            str(entry.data)
            for entry in self.mesh.node.metadata
            if entry.type == "aws:cdk:warning" and "stack" in str(entry.data)
        ]


def shop(isolation: Literal["node", "mesh"] = "node") -> Shop:
    app = App(builtin_cloud_formation_validation=False)
    network = Stack(app, "Network")
    vpc = ec2.Vpc(network, "Vpc", max_azs=2)
    cluster = ecs.Cluster(network, "Cluster", vpc=vpc)
    stack = Stack(app, "Mesh")
    mesh = ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", isolation=isolation)
    return Shop(app=app, mesh=mesh, cluster=cluster)


def names_of(template: Template, type: str) -> list[str]:
    return [id[:-8] for id, resource in template["Resources"].items() if resource["Type"] == type]


def starts_after(template: Template, type: str) -> bool:
    """Return whether the only service that depends on resources of a type depends on all of them."""
    created = {id for id, resource in template["Resources"].items() if resource["Type"] == type}
    services = [each for each in template["Resources"].values() if each["Type"] == SERVICE]
    return any(created <= set(each.get("DependsOn", ())) for each in services) and bool(created)


# Ownership


@pytest.mark.parametrize("specified_in", ["Mesh", "Orders"])
def test_all_that_a_node_has_is_in_the_stack_of_its_tasks(specified_in: str) -> None:
    made = shop()
    orders = made.stack("Orders")
    scope = {"Mesh": Stack.of(made.mesh), "Orders": orders}[specified_in]
    cart = made.node(orders, "cart", scope=scope)
    made.node(orders, "orders", [cart], scope=scope)
    templates = made.templates()
    assert names_of(templates["Orders"], "AWS::ServiceDiscovery::Service") == [
        "CartTaskTaskDefinitionNodeAttachmentCloudMapService",
        "OrdersTaskTaskDefinitionNodeAttachmentCloudMapService",
    ]
    assert len(properties(templates["Orders"], GROUP)) == 2
    assert only(templates["Orders"], RECORD)["Name"] == "cart.shop.local"
    assert len(properties(templates["Orders"], INGRESS)) == 1
    # The stack of the mesh has nothing that changes with its nodes.
    assert {resource["Type"] for resource in templates["Mesh"]["Resources"].values()} == {
        "AWS::ServiceDiscovery::PrivateDnsNamespace",
        "AWS::Route53::HostedZone",
        GROUP,
    }


def test_rule_and_record_of_a_call_are_in_the_stack_of_the_caller_and_exist_before_its_tasks() -> None:
    made = shop()
    stock = made.node(made.stack("Stock"), "stock")
    made.node(made.stack("Orders"), "orders", [stock])
    templates = made.templates()
    assert [properties(templates["Stock"], each) for each in (INGRESS, EGRESS, RECORD)] == [[], [], []]
    for type in (INGRESS, EGRESS, RECORD):
        assert starts_after(templates["Orders"], type)
    rule = only(templates["Orders"], INGRESS)
    assert rule["GroupId"]["Fn::GetStackOutput"]["StackName"] == "Stock"
    assert "Fn::GetAtt" in rule["SourceSecurityGroupId"]
    assert made.mesh_warnings() == []


def test_record_exists_in_each_stack_with_callers() -> None:
    made = shop()
    stock = made.node(made.stack("Stock"), "stock")
    for name in ("orders", "prices"):
        made.node(made.stack(name.title()), name, [stock])
    templates = made.templates()
    records = [only(templates[each], RECORD) for each in ("Orders", "Prices")]
    assert [record["SetIdentifier"] for record in records] == ["Orders", "Prices"]
    assert [record["Weight"] for record in records] == [1, 1]
    assert records[0]["ResourceRecords"] == records[1]["ResourceRecords"]


def test_rule_for_a_callee_in_a_later_stack_is_in_that_stack_and_reported() -> None:
    made = shop()
    orders, stock = made.stack("Orders"), made.stack("Stock")
    mesh_stack = Stack.of(made.mesh)
    callee = made.node(stock, "stock", scope=mesh_stack)
    made.node(orders, "orders", [callee], scope=mesh_stack)
    templates = made.templates()
    assert properties(templates["Orders"], INGRESS) == []
    assert "Fn::ImportValue" in only(templates["Stock"], INGRESS)["SourceSecurityGroupId"]
    assert made.mesh_warnings() == [
        (
            "virtual node 'orders': stack 'Orders' calls stack 'Stock', which is created and deployed later, got "
            "\"backend 'stock'\" (create the stack of the callee first: a new call starts before its rule exists, and "
            "before a caller is removed, its backend must be taken away in a deployment of its own) "
            "[ack: color-mesh:callee-deployed-later[Orders:Stock]]"
        )
    ]


def test_stacks_may_call_each_other() -> None:
    made = shop()
    cart = made.node(made.stack("One"), "cart")
    stock = made.node(made.stack("Two"), "stock", [cart])
    cart.connect_to(stock)
    templates = made.templates()
    assert properties(templates["One"], INGRESS) == []
    assert len(properties(templates["Two"], INGRESS)) == 2
    assert [only(templates[each], RECORD)["Name"] for each in ("One", "Two")] == ["stock.shop.local", "cart.shop.local"]


def test_gateway_in_a_stack_of_its_own_has_its_rules_there() -> None:
    made = shop()
    cart = made.node(made.stack("Cart"), "cart")
    edge = made.stack("Edge")
    gateway = MeshGateway(edge, "Gateway", mesh=made.mesh, name="door")
    gateway.add_route("Cart", to=cart)
    gateway.implement(edge, "Door", cluster=made.cluster, exposure="none")
    templates = made.templates()
    assert only(templates["Edge"], INGRESS)["GroupId"]["Fn::GetStackOutput"]["StackName"] == "Cart"
    assert properties(templates["Cart"], INGRESS) == []


# Changes of a deployed mesh


@dataclass
class Deployment:
    """CloudFormation as far as the order of stacks and the protection of exports go."""

    stacks: dict[str, Template]

    def deploy(self, templates: Assembly) -> None:
        """Update all stacks in their order; an export that a deployed stack imports must stay."""
        for name, template in templates.items():
            removed = _exports(self.stacks.get(name, {})) - _exports(template)
            for other, deployed in self.stacks.items():
                used = removed & set(_imports(deployed)) if other != name else set()
                assert not used, f"export {used} cannot be deleted as it is in use by {other}"
            self._check_names(name, template)
            self.stacks[name] = template

    def _check_names(self, name: str, template: Template) -> None:
        """Check that no other stack has a Cloud Map service of the same name."""
        for other, deployed in self.stacks.items():
            if other != name:
                kept = set(_names(deployed)) & set(_names(template))
                assert not kept, f"service {kept} already exists"


def _exports(template: Mapping[str, Any]) -> set[str]:
    return {output["Export"]["Name"] for output in template.get("Outputs", {}).values() if "Export" in output}


def _imports(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Fn::ImportValue" in value:
            yield value["Fn::ImportValue"]
        for part in value.values():
            yield from _imports(part)
    elif isinstance(value, list):
        for part in value:
            yield from _imports(part)


def _names(template: Template) -> list[str]:
    services = properties({"Resources": {}, **template}, "AWS::ServiceDiscovery::Service")
    return [service["Name"] for service in services]


def base() -> Shop:
    """Orders calls stock, in stacks of their own."""
    made = shop()
    stock = made.node(made.stack("Stock"), "stock")
    made.node(made.stack("Orders"), "orders", [stock])
    return made


def with_prices() -> Shop:
    """A third node in the stack of the callee, which orders calls too."""
    made = shop()
    stack = made.stack("Stock")
    backends = [made.node(stack, "stock"), made.node(stack, "prices")]
    made.node(made.stack("Orders"), "orders", backends)
    return made


def renamed() -> Shop:
    made = shop()
    stock = made.node(made.stack("Stock"), "shelf")
    made.node(made.stack("Orders"), "orders", [stock])
    return made


def without_the_call() -> Shop:
    made = shop()
    made.node(made.stack("Stock"), "stock")
    made.node(made.stack("Orders"), "orders")
    return made


def without_the_callee() -> Shop:
    made = shop()
    made.stack("Stock")
    made.node(made.stack("Orders"), "orders")
    return made


def moved() -> Shop:
    """Stock is in the stack of orders."""
    made = shop()
    made.stack("Stock")
    orders = made.stack("Orders")
    stock = made.node(orders, "stock")
    made.node(orders, "orders", [stock])
    return made


def routed(weights: Mapping[str, int]) -> Shop:
    """Orders calls a router whose targets are in the stack before."""
    made = shop()
    stack = made.stack("Stock")
    targets = {made.node(stack, name, virtual_service=False): weight for name, weight in weights.items()}
    router = MeshRouter(stack, "Router", mesh=made.mesh, name="router", virtual_service_name="shelf.shop.local")
    router.add_route("All", targets=targets)
    made.node(made.stack("Orders"), "orders", [router])
    return made


STEPS = {
    "add and remove a node": (base, with_prices, base),
    "rename a node": (base, renamed, base),
    "take a backend away and give it back": (base, without_the_call, base),
    "remove the node that others call": (base, without_the_callee),
    "move a node to a later stack": (base, moved),
    "shift weights to a canary and remove it": (
        lambda: routed({"stock": 1}),
        lambda: routed({"stock": 9, "canary": 1}),
        lambda: routed({"stock": 1, "canary": 0}),
        lambda: routed({"stock": 1}),
    ),
}


@pytest.mark.parametrize("steps", [pytest.param(steps, id=name) for name, steps in STEPS.items()])
def test_change_is_one_deployment_that_no_export_blocks(steps: Sequence[Callable[[], Shop]]) -> None:
    deployment = Deployment({})
    for step in steps:
        # The network is another team's: it exports what it always exported.
        templates = {name: each for name, each in step().templates().items() if name != "Network"}
        deployment.deploy(templates)


@pytest.mark.parametrize("after", [without_the_call, lambda: routed({"stock": 1})], ids=["backend", "target"])
def test_network_is_closed_by_the_stack_that_changes_the_caller(after: Callable[[], Shop]) -> None:
    before = base if after is without_the_call else lambda: routed({"stock": 1, "canary": 1})
    here, there = before().templates(), after().templates()
    paths = {INGRESS, EGRESS, RECORD}
    lost = {
        (stack, resource["Type"])
        for stack, template in here.items()
        for id, resource in template["Resources"].items()
        if resource["Type"] in paths and id not in there[stack]["Resources"]
    }
    assert {stack for stack, _ in lost} == {"Orders"}
    assert ("Orders", INGRESS) in lost


# Isolation and size


def test_isolation_mesh_has_one_security_group_and_no_rule_for_a_caller() -> None:
    made = shop("mesh")
    stock = made.node(made.stack("Stock"), "stock")
    made.node(made.stack("Orders"), "orders", [stock])
    templates = made.templates()
    for name in ("Stock", "Orders"):
        assert [properties(templates[name], each) for each in (GROUP, INGRESS, EGRESS)] == [[], [], []]
        (group,) = only(templates[name], SERVICE)["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
        assert group["Fn::GetStackOutput"]["StackName"] == "Mesh"
    rule = only(templates["Mesh"], INGRESS)
    assert rule["GroupId"] == rule["SourceSecurityGroupId"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 15100, 15199)


# With six stacks, the five backends of a node are in five other stacks: more stacks would not have more resources each.
# With one security group for all nodes, a stack has fewer resources: three stacks show it.
@pytest.mark.parametrize(("isolation", "teams"), [("node", 6), ("mesh", 3)])
def test_stacks_of_twenty_nodes_stay_within_the_limits_of_a_stack(
    isolation: Literal["node", "mesh"], teams: int
) -> None:
    """Each node calls five others, and all stacks call each other: nodes are dealt out in turn."""
    made = shop(isolation)
    stacks = [made.stack(f"Team{number}") for number in range(teams)]
    nodes: list[MeshNode] = []
    for number in range(20 * teams):
        nodes.append(made.node(stacks[number % teams], f"node{number}", nodes[-5:]))
    for number in range(5):
        nodes[number].connect_to(*nodes[-5 + number :])
    sizes = {name: len(template["Resources"]) for name, template in made.templates().items()}
    assert max(sizes.values()) <= 500
    assert sizes["Mesh"] <= 10


def test_node_with_too_many_callers_for_a_security_group_is_refused() -> None:
    made = shop()
    stack = made.stack("Team")
    stock = MeshNode(stack, "Stock", mesh=made.mesh, name="stock")
    for number in range(61):
        caller = MeshNode(stack, f"Caller{number}", mesh=made.mesh, virtual_service=False, backends=[stock])
        assert caller.security_group is not None
    assert stock.security_group is not None
    with pytest.raises(RuntimeError) as error:
        made.app.synth()
    assert (
        "virtual node 'stock': too many callers for the rules of a security group, got 61 "
        "(at most 60; with ServiceMesh(isolation='mesh') callers need no rules)"
    ) in str(error.value)


def test_one_node_with_a_hundred_callers_is_possible_with_isolation_mesh() -> None:
    made = shop("mesh")
    stack = made.stack("Team")
    stock = MeshNode(stack, "Stock", mesh=made.mesh, name="stock")
    for number in range(100):
        MeshNode(stack, f"Caller{number}", mesh=made.mesh, virtual_service=False, backends=[stock])
    assert [len(properties(template, INGRESS)) for template in made.templates().values()] == [0, 1, 0]


# Another app


def imported_mesh(stack: Stack, isolation: Literal["node", "mesh"] = "node", **arguments: Any) -> ServiceMesh:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-shop", availability_zones=["a", "b"], private_subnet_ids=["one", "two"]
    )
    return ServiceMesh.from_attributes(
        stack,
        "Mesh",
        mesh_name="shop",
        vpc=vpc,
        namespace=servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
            stack,
            "Tasks",
            namespace_name="tasks.shop.local",
            namespace_id="ns-shop",
            namespace_arn="arn:aws:servicediscovery:eu-west-1:111122223333:namespace/ns-shop",
        ),
        zone=route53.PrivateHostedZone.from_hosted_zone_attributes(
            stack, "Zone", hosted_zone_id="Z1", zone_name="shop.local"
        ),
        security_group=ec2.SecurityGroup.from_security_group_id(stack, "MeshGroup", "sg-mesh"),
        isolation=isolation,
        **arguments,
    )


@pytest.fixture
def other() -> Stack:
    return Stack(App(builtin_cloud_formation_validation=False), "OtherApp")


def synthesized(stack: Stack) -> Template:
    app = stack.node.root
    assert isinstance(app, App)
    template: Template = app.synth().get_stack_by_name(stack.stack_name).template
    return template


def add(stack: Stack, mesh: ServiceMesh, name: str, backends: Sequence[Any] = ()) -> MeshNode:
    node = MeshNode(stack, name.title(), mesh=mesh, name=name, backends=backends)
    cluster = ecs.Cluster.from_cluster_attributes(stack, f"{name}Cluster", cluster_name="shop", vpc=mesh.vpc)
    image = ecs.ContainerImage.from_registry("shop/app:1")
    node.implement(stack, f"{name.title()}Task", cluster=cluster, image=image, app_address="127.0.0.1")
    return node


def stock_of(stack: Stack, mesh: ServiceMesh) -> Any:
    group = ec2.SecurityGroup.from_security_group_id(stack, "StockGroup", "sg-stock")
    return MeshNode.from_attributes(stack, "Stock", mesh=mesh, name="stock", port=8080, security_group=group)


def test_imported_mesh_creates_neither_a_zone_nor_a_namespace_nor_a_group_of_the_mesh(other: Stack) -> None:
    mesh = imported_mesh(other)
    assert mesh.domain == "shop.local"
    assert synthesized(other).get("Resources", {}) == {}


def test_envoys_of_an_app_that_imports_a_mesh_send_telemetry(other: Stack) -> None:
    add(other, imported_mesh(other, telemetry=Telemetry()), "orders")
    assert "cloudwatch:PutMetricData" in json.dumps(synthesized(other))


def test_tasks_of_an_app_that_imports_a_mesh_wait_for_the_refresh_interval_of_the_mesh(other: Stack) -> None:
    add(other, imported_mesh(other, refresh_interval=Duration.seconds(20)), "orders")
    delays = [
        container["StopTimeout"]
        for task in properties(Template(synthesized(other)), "AWS::ECS::TaskDefinition")
        for container in task["ContainerDefinitions"]
        if container["Name"] == "deregistration-delay"
    ]
    assert delays == [51]


def test_caller_of_another_apps_node_has_its_rule_its_record_and_its_endpoints(other: Stack) -> None:
    mesh = imported_mesh(other)
    add(other, mesh, "orders", [stock_of(other, mesh)])
    template = synthesized(other)
    rule = only(template, INGRESS)
    assert (rule["GroupId"], rule["FromPort"]) == ("sg-stock", 15100)
    assert only(template, EGRESS)["DestinationSecurityGroupId"] == "sg-mesh"
    record = only(template, RECORD)
    assert (record["HostedZoneId"], record["Name"], record["SetIdentifier"]) == ("Z1", "stock.shop.local", "OtherApp")
    assert only(template, "AWS::ServiceDiscovery::Service")["NamespaceId"] == "ns-shop"
    assert '"servicediscovery:ServiceName": ["stock"]' in json.dumps(template)


def test_router_weighs_between_a_node_here_and_one_of_another_app(other: Stack) -> None:
    mesh = imported_mesh(other)
    here = add(other, mesh, "canary")
    router = MeshRouter(other, "Router", mesh=mesh, virtual_service_name="shelf.shop.local", name="shelf")
    router.add_route("All", targets={stock_of(other, mesh): 9, here: 1})
    add(other, mesh, "orders", [router])
    template = synthesized(other)
    assert sorted(str(rule["GroupId"])[:8] for rule in properties(template, INGRESS)) == ["sg-stock", "{'Fn::Ge"]
    assert only(template, RECORD)["Name"] == "shelf.shop.local"


def test_imported_node_without_a_security_group_is_refused(other: Stack) -> None:
    mesh = imported_mesh(other)
    with pytest.raises(MeshError) as error:
        MeshNode.from_attributes(other, "Stock", mesh=mesh, name="stock")
    assert str(error.value) == (
        "virtual node 'stock': imported node has no security group, got None "
        "(SecurityGroup.from_security_group_id: its rules for callers of this app are created here)"
    )
    assert other.node.try_find_child("Stock") is None


def test_imported_node_needs_no_security_group_with_isolation_mesh(other: Stack) -> None:
    mesh = imported_mesh(other, "mesh")
    stock = MeshNode.from_attributes(other, "Stock", mesh=mesh, name="stock")
    add(other, mesh, "orders", [stock])
    template = synthesized(other)
    assert [properties(template, each) for each in (GROUP, INGRESS, EGRESS)] == [[], [], []]


def groups_of(template: Template) -> Properties:
    return {id: each for id, each in template["Resources"].items() if each["Type"] == GROUP}


def test_group_of_an_imported_node_that_must_not_change_is_left_to_its_owner(other: Stack) -> None:
    mesh = imported_mesh(other)
    group = ec2.SecurityGroup.from_security_group_id(other, "StockGroup", "sg-stock", mutable=False)
    stock = MeshNode.from_attributes(other, "Stock", mesh=mesh, name="stock", security_group=group)
    add(other, mesh, "orders", [stock])
    template = synthesized(other)
    assert properties(template, INGRESS) == []
    assert not Token.is_unresolved(only(template, EGRESS)["DestinationSecurityGroupId"])
    assert len(groups_of(template)) == 1
