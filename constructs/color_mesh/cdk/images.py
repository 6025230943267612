"""Container images by name."""

import re

from aws_cdk import Stack, Token
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from color_mesh.model.checks import check_image
from color_mesh.model.errors import refuse

_PRIVATE_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+)(?:[:@](?P<tag>.+))?"
)


def container_image(scope: Construct, id: str, name: str) -> ecs.ContainerImage:
    """Return the image of a name, with permission to pull it.

    The name of an image in a private Amazon ECR registry becomes an image of that repository. The execution roles of
    tasks with the image get permission to pull from it. Images of other registries must be public.

    Args:
        scope: Scope of the imported repository.
        id: Construct id of the imported repository.
        name: Name of the image. Default tag: ``latest``.

    Raises:
        MeshError: When the name has characters that no image has, such as a wildcard.
    """
    if not Token.is_unresolved(name):
        refuse(check_image(f"image {id!r}", name))
    private = _PRIVATE_ECR.fullmatch(name)
    if private is None:
        return ecs.ContainerImage.from_registry(name)
    arn = Stack.of(scope).format_arn(
        service="ecr",
        account=private["account"],
        region=private["region"],
        resource="repository",
        resource_name=private["repository"],
    )
    repository = ecr.Repository.from_repository_attributes(
        scope, id, repository_arn=arn, repository_name=private["repository"]
    )
    return ecs.ContainerImage.from_ecr_repository(repository, private["tag"] or "latest")
