"""Containers, as far as the constructs take their properties."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from color_mesh.ecs.containers import Container
from color_mesh.ecs.mesh_resources import IDENTITIES
from color_mesh.ecs.reading import Reference
from color_mesh.migration.findings import Finding, lost

# ECS API Reference, Secret: a secret by its ARN, with the key of a value in it, or a parameter by its ARN or name.
SECRET = re.compile(r"(arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:[^:]+)(?::([^:]*)::)?")
PARAMETER = re.compile(r"(?:arn:[^:]*:ssm:[^:]*:[^:]*:parameter(?=/))?([A-Za-z0-9_./-]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertedContainer:
    """Container that is carried over.

    Attributes:
        definition: Container of the task definition.
        image: Image.
        environment: Environment variables.
        secrets: Environment variables from AWS Secrets Manager or the Parameter Store, each by an ARN or a name.
    """

    definition: Container
    image: str
    environment: Mapping[str, str]
    secrets: Mapping[str, str]

    @property
    def name(self) -> str:
        """Name of the container."""
        return self.definition.name


def converted_container(container: Container) -> ConvertedContainer:
    """Return a container without what `container_findings` reports as lost."""
    secrets = _known(container.secrets)
    return ConvertedContainer(
        definition=container,
        image=container.image or "",
        environment=_known(container.environment),
        secrets={name: each for name, each in secrets.items() if _is_supported(each)},
    )


def container_findings(subject: str, container: Container) -> Iterator[Finding]:
    """Report the properties of a container that are lost."""
    if container.mesh_resource is None:
        yield from _unknown(subject, container.environment)
    else:
        variables = container.environment.items()
        others = ", ".join(f"{name}={value}" for name, value in variables if name not in IDENTITIES)
        if others:
            yield lost(subject, f"variables of App Mesh's image, which upstream Envoy does not know: {others}")
    if container.log_driver not in (None, "awslogs"):
        yield lost(subject, f"its log driver {container.log_driver}: containers log to CloudWatch here")
    yield from _unknown(subject, container.secrets)
    for name, each in _known(container.secrets).items():
        if not _is_supported(each):
            text = f"its secret {name}, {each}: the CDK reads the current version of a secret, or a parameter"
            yield lost(subject, text)


def _known(values: Mapping[str, str | Reference]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _unknown(subject: str, values: Mapping[str, str | Reference]) -> Iterator[Finding]:
    for name, value in values.items():
        if isinstance(value, Reference):
            fix = f"give it with --set {value}=VALUE"
            yield lost(subject, f"its variable {name}: only a deployment knows {value}; {fix}")


def _is_supported(secret: str) -> bool:
    return (SECRET.fullmatch(secret) or PARAMETER.fullmatch(secret)) is not None
