"""Permissions of tasks to pull images."""

from collections.abc import Callable

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager

from color_mesh import MeshGateway, MeshNode, ServiceMesh
from color_mesh.cdk.images import container_image
from tests.support.builders import refusal
from tests.support.cloudformation import Properties, Template, container, only, properties, statements

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


def private_ecr(stack: Stack) -> ecs.ContainerImage:
    return container_image(stack, "Mirror", f"{REGISTRY}/docker-hub/envoyproxy/envoy:v1.39.3")


def private_registry(stack: Stack) -> ecs.ContainerImage:
    credentials = secretsmanager.Secret.from_secret_name_v2(stack, "Credentials", "registry")
    return ecs.ContainerImage.from_registry("registry.example.com/envoy:v1.39.3", credentials=credentials)


@pytest.mark.parametrize(
    ("mirror", "action"),
    [(private_ecr, "ecr:BatchGetImage"), (private_registry, "secretsmanager:GetSecretValue")],
    ids=["amazon-ecr", "registry-with-credentials"],
)
def test_mirror_of_envoys_image_is_that_of_all_containers_of_the_mesh(
    stack: Stack,
    vpc: ec2.IVpc,
    cluster: ecs.Cluster,
    template: Callable[[], Template],
    mirror: Callable[[Stack], ecs.ContainerImage],
    action: str,
) -> None:
    """Also that of the deregistration delay, and of Envoy in an attached service."""
    mesh = ServiceMesh(stack, "Mirrored", vpc=vpc, domain="mirror.local", envoy_image=mirror(stack))
    app = ecs.ContainerImage.from_registry("shop/app:1")
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    cart.implement(stack, "CartTask", cluster=cluster, image=app)
    tasks = ecs.FargateTaskDefinition(stack, "StockTask")
    tasks.add_container("App", image=app, port_mappings=[ecs.PortMapping(container_port=81)])
    stock = ecs.FargateService(stack, "StockService", cluster=cluster, task_definition=tasks, min_healthy_percent=100)
    MeshNode(stack, "Stock", mesh=mesh, name="stock", port=81).attach(stock)
    gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
    gateway.add_route("Cart", to=cart)
    gateway.implement(stack, "GatewayTask", cluster=cluster)
    synthesized = template()
    definitions = properties(synthesized, "AWS::ECS::TaskDefinition")
    containers = [each for definition in definitions for each in definition["ContainerDefinitions"]]
    others = [each for each in containers if each["Image"] != "shop/app:1"]
    assert sorted(each["Name"] for each in others) == [
        "deregistration-delay",
        "deregistration-delay",
        "envoy-proxy",
        "envoy-sidecar",
        "envoy-sidecar",
    ]
    assert len({str((each["Image"], each.get("RepositoryCredentials"))) for each in others}) == 1
    roles = [f"{task}ExecutionRole" for task in ("CartTaskTaskDefinition", "StockTask", "GatewayTaskTaskDefinition")]
    assert all(action in str(statements(synthesized, role)) for role in roles)
