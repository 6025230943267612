"""Permissions of tasks to pull images."""

from collections.abc import Callable

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs

from color_mesh import MeshNode, ServiceMesh
from color_mesh.cdk.images import container_image
from tests.support.builders import refusal
from tests.support.cloudformation import Properties, Template, container, only, statements

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "0123456789abcdef" * 4
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
REPOSITORY = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":ecr:eu-west-1:123456789012:repository/team/app"]]}
TO_APP = ["123456789012.dkr.ecr.eu-west-1.", {"Ref": "AWS::URLSuffix"}]


@pytest.fixture
def run(
    stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
) -> Callable[[str], Template]:
    """Create a task definition with the image of a name."""

    def run(name: str) -> Template:
        node = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        node.implement(stack, "CartTask", cluster=cluster, image=container_image(stack, "Image", name))
        return template()

    return run


def image_of(template: Template) -> object:
    return container(only(template, "AWS::ECS::TaskDefinition"), "cart-app")["Image"]


def grants_of(template: Template) -> list[Properties]:
    """Return the permissions of the execution role in Amazon ECR."""
    return [
        statement
        for statement in statements(template, "CartTaskTaskDefinitionExecutionRole")
        if "ecr:" in str(statement["Action"])
    ]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nginx", id="docker-hub"),
        pytest.param("team/app:1.2", id="docker-hub-with-a-tag"),
        pytest.param("public.ecr.aws/nginx/nginx:1", id="public-gallery"),
        pytest.param(f"ghcr.io:443/team/app@{DIGEST}", id="another-registry-with-a-digest"),
    ],
)
def test_image_of_a_public_registry_needs_no_permission(run: Callable[[str], Template], name: str) -> None:
    synthesized = run(name)
    assert image_of(synthesized) == name
    assert grants_of(synthesized) == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"{REGISTRY}/team/app:1.2", id="tag"),
        pytest.param(f"{REGISTRY}/team/app@{DIGEST}", id="digest"),
        pytest.param(f"{REGISTRY}/team/app", id="neither"),
    ],
)
def test_image_of_a_private_registry_grants_pulling_from_its_repository_only(
    run: Callable[[str], Template], name: str
) -> None:
    assert grants_of(run(name)) == [
        {"Action": PULL, "Effect": "Allow", "Resource": REPOSITORY},
        {"Action": "ecr:GetAuthorizationToken", "Effect": "Allow", "Resource": "*"},
    ]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        pytest.param(f"{REGISTRY}/team/app:1.2", "/team/app:1.2", id="tag"),
        pytest.param(f"{REGISTRY}/team/app@{DIGEST}", f"/team/app@{DIGEST}", id="digest"),
        pytest.param(f"{REGISTRY}/team/app", "/team/app:latest", id="neither"),
        pytest.param(f"{REGISTRY}/app:1", "/app:1", id="no-folder"),
    ],
)
def test_image_of_a_private_registry_has_the_name_given(run: Callable[[str], Template], name: str, suffix: str) -> None:
    assert image_of(run(name)) == {"Fn::Join": ["", [*TO_APP, suffix]]}


@pytest.mark.parametrize("name", [f"{REGISTRY}/*", f"{REGISTRY}/team/a?p:1", f"{REGISTRY}/team/${{aws:username}}"])
def test_image_whose_permission_would_reach_other_repositories_is_refused(stack: Stack, name: str) -> None:
    assert refusal(container_image, stack, "Image", name) == (
        f"image 'Image': image has invalid characters, got {name!r} (letters, digits, '.', '_', '-', '/', ':' and '@')"
    )
