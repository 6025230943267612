"""Changes of bootstrap configurations: `adjust_bootstrap` of nodes and gateways."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from aws_cdk import App, Aws, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from color_mesh import MeshError, MeshGateway, MeshNode, ServiceMesh
from tests.support.cloudformation import Template, properties

TASK = "AWS::ECS::TaskDefinition"
IMAGE = ecs.ContainerImage.from_registry("app")


@pytest.fixture
def mesh(stack: Stack, vpc: ec2.IVpc) -> ServiceMesh:
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local")


@pytest.fixture
def cart(stack: Stack, mesh: ServiceMesh) -> MeshNode:
    return MeshNode(stack, "Cart", mesh=mesh, name="cart")


def marked(bootstrap: dict[str, Any]) -> dict[str, Any]:
    """Add a cluster."""
    bootstrap["static_resources"]["clusters"].append({"name": "mark", "type": "STATIC"})
    return bootstrap


def marks(template: Template) -> list[bool]:
    """Return whether the Envoy of each task definition has the cluster."""
    envoys = (
        container
        for task in properties(template, TASK)
        for container in task["ContainerDefinitions"]
        if container["Name"].startswith("envoy-") and "Command" in container and "HealthCheck" in container
    )
    configurations = [json.loads(" ".join(each["Command"])) for each in envoys]
    return ["mark" in [each["name"] for each in all_["static_resources"]["clusters"]] for all_ in configurations]


def test_implement_takes_a_function(
    stack: Stack, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    cart.implement(stack, "Task", cluster=cluster, image=IMAGE, adjust_bootstrap=marked)
    assert marks(template()) == [True]


def test_attach_and_add_to_take_a_function(
    stack: Stack, mesh: ServiceMesh, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    tasks = [ecs.FargateTaskDefinition(stack, id, cpu=512, memory_limit_mib=1024) for id in ("Attached", "Added")]
    for each in tasks:
        each.add_container("App", image=IMAGE)
    cart.attach(
        ecs.FargateService(stack, "Service", cluster=cluster, task_definition=tasks[0]), adjust_bootstrap=marked
    )
    job = MeshNode(stack, "Job", mesh=mesh, name="job", listeners=[], virtual_service=False)
    job.add_to(tasks[1], adjust_bootstrap=marked)
    assert marks(template()) == [True, True]


def test_gateway_takes_a_function(
    stack: Stack, mesh: ServiceMesh, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
    gateway.add_route("Cart", to=cart)
    gateway.implement(stack, "Door", cluster=cluster, adjust_bootstrap=marked)
    cart.implement(stack, "Task", cluster=cluster, image=IMAGE)
    assert sorted(marks(template())) == [False, True]


def test_function_gets_the_complete_mesh(
    stack: Stack, mesh: ServiceMesh, cart: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    seen: list[int] = []

    def count(bootstrap: dict[str, Any]) -> dict[str, Any]:
        seen.append(len(bootstrap["static_resources"]["listeners"]))
        return bootstrap

    cart.implement(stack, "Task", cluster=cluster, image=IMAGE, adjust_bootstrap=count)
    cart.connect_to(MeshNode(stack, "Stock", mesh=mesh, name="stock", port=8080))
    template()
    assert set(seen) == {2}


def failing(bootstrap: dict[str, Any]) -> dict[str, Any]:
    return {"node": bootstrap["no such field"]}


@pytest.mark.parametrize(
    ("adjust", "problem"),
    [
        (
            lambda bootstrap: None,
            "'adjust_bootstrap' returned no dictionary, got None (return the bootstrap)",
        ),
        (failing, "'adjust_bootstrap' failed, got KeyError('no such field') (line "),
        (
            lambda bootstrap: {**bootstrap, "layered_runtime": {1.5, 2}},
            "'adjust_bootstrap' returned what JSON cannot hold, got ",
        ),
        (
            lambda bootstrap: {**bootstrap, "flags_path": float("nan")},
            "'adjust_bootstrap' returned what JSON cannot hold, got ",
        ),
        (
            lambda bootstrap: {**bootstrap, "flags_path": Aws.REGION},
            "'adjust_bootstrap' returned a token, got 'a token' (literals: ",
        ),
        (
            lambda bootstrap: {key: value for key, value in bootstrap.items() if key != "admin"},
            "'adjust_bootstrap' changed 'admin', got None (leave it: the containers of the task depend on it)",
        ),
        (
            lambda bootstrap: {**bootstrap, "static_resources": []},
            "'adjust_bootstrap' returned no 'static_resources', got [] (a dictionary)",
        ),
        (
            lambda bootstrap: {**bootstrap, "static_resources": {"clusters": {"name": "a"}}},
            "'clusters' of 'adjust_bootstrap' are not a list, got {'name': 'a'} (a list of dictionaries)",
        ),
        (
            lambda bootstrap: {**bootstrap, "static_resources": {"listeners": [{"name": "a"}, {"name": "a"}]}},
            "'listeners' of 'adjust_bootstrap' have a name twice, got 'a' (a name for each)",
        ),
        (
            lambda bootstrap: {**bootstrap, "flags_path": Random(1).randbytes(80_000).hex()},
            "task definition is too large for ECS, got '",
        ),
    ],
    ids=["none", "failure", "set", "nan", "token", "admin", "resources", "clusters", "names", "size"],
)
def test_what_cannot_be_a_configuration_fails_the_synthesis(
    app: App, stack: Stack, cart: MeshNode, cluster: ecs.Cluster, adjust: Any, problem: str
) -> None:
    cart.implement(stack, "Task", cluster=cluster, image=IMAGE, adjust_bootstrap=adjust)
    with pytest.raises(RuntimeError) as error:
        app.synth()
    assert f"virtual node 'cart': {problem}" in str(error.value)


def test_app_mesh_does_not_support_it(stack: Stack, vpc: ec2.IVpc, cluster: ecs.Cluster) -> None:
    mesh = ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", data_plane="app-mesh")
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    with pytest.raises(MeshError, match=r"App Mesh does not support 'adjust_bootstrap', got <function marked"):
        cart.implement(stack, "Task", cluster=cluster, image=IMAGE, adjust_bootstrap=marked)


def test_result_of_a_call_in_place_of_a_function_is_refused(stack: Stack, cart: MeshNode, cluster: ecs.Cluster) -> None:
    wrong: Any = {"node": {}}
    with pytest.raises(MeshError) as error:
        cart.implement(stack, "Task", cluster=cluster, image=IMAGE, adjust_bootstrap=wrong)
    assert str(error.value) == (
        "MeshNode 'cart': 'adjust_bootstrap' is not a function, got {'node': {}} (a function, without calling it)"
    )
