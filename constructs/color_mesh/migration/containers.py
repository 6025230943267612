"""Containers, as far as the constructs support their properties."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from color_mesh.cloudformation import hidden_parameters
from color_mesh.ecs.containers import Container
from color_mesh.ecs.mesh_resources import IDENTITIES
from color_mesh.ecs.reading import Reference
from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.migration.placeholders import DEPLOYMENT_TEXT, PLACEHOLDERS
from color_mesh.model.arns import WILDCARDS
from color_mesh.model.errors import problem

_ACCOUNT, _REGION = (re.escape(PLACEHOLDERS[name]) for name in ("AWS::AccountId", "AWS::Region"))
_OWNER = rf"(?:[a-z0-9-]+|{_REGION}):(?:[0-9]+|{_ACCOUNT})"
# ECS API Reference, Secret: a secret by its ARN, with the key of a value in it, or a parameter by its ARN or name. The
# ARN becomes the resource of a grant, in which *, ? and ${...} would stand for other secrets. Only the characters of
# names are accepted (Secrets Manager API Reference, CreateSecret).
SECRET = re.compile(
    rf"(arn:aws[a-z-]*:secretsmanager:{_OWNER}:secret:(?:[A-Za-z0-9/_+=.@-]|{_REGION}|{_ACCOUNT})+)(?::([^:]*)::)?"
)
PARAMETER = re.compile(rf"(?:arn:aws[a-z-]*:ssm:{_OWNER}:parameter(?=/))?([A-Za-z0-9_./-]+)")


# Variables of App Mesh's Envoy that an argument of the mesh replaces.
_TRACING = ("ENABLE_ENVOY_XRAY_TRACING", "XRAY_SAMPLING_RATE")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertedContainer:
    """Container of the generated app.

    Attributes:
        definition: Container of the old task definition.
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


def convert_container(container: Container) -> ConvertedContainer:
    """Return a container without the properties that `container_findings` reports as lost."""
    secrets = _written(container.secrets)
    return ConvertedContainer(
        definition=container,
        image=container.image or "",
        environment=_written(container.environment),
        secrets={name: source for name, source in secrets.items() if _is_supported(source)},
    )


def container_findings(subject: str, container: Container) -> Iterator[Finding]:
    """Yield the properties of a container that are lost."""
    if container.mesh_resource is None:
        yield from _unknown_variables(subject, container.environment)
        yield from _hidden_variables(subject, container.environment)
    else:
        if container.environment.get("ENABLE_ENVOY_XRAY_TRACING") == "1":
            text = (
                "Envoy sent its traces to a container of the task: pass telemetry=Telemetry(sampling_percent=...) to "
                "ServiceMesh, with which Envoys send them to AWS X-Ray, and leave the container out if only Envoy used "
                "it"
            )
            yield to_do(subject, text)
        variables = ((name, value) for name, value in container.environment.items() if name not in _TRACING)
        removed = ", ".join(f"{name}={value}" for name, value in variables if name not in IDENTITIES)
        if removed:
            yield lost(subject, f"the environment of App Mesh's Envoy image is removed: {removed}")
    if container.log_driver not in (None, "awslogs"):
        yield lost(subject, f"the log driver {container.log_driver} is replaced: containers log to CloudWatch Logs")
    yield from _unknown_variables(subject, container.secrets)
    yield from _hidden_variables(subject, container.secrets)
    for name, source in _written(container.secrets).items():
        if not _is_supported(source):
            wrong = "is neither the current version of a secret nor a parameter"
            if set(source) & set(WILDCARDS):
                wrong = "has a wildcard, and a permission to read it would be one to read other secrets"
            yield lost(subject, f"the secret {name} is removed: {source} {wrong}")
        elif (parameter := PARAMETER.fullmatch(source)) and _has_other_owner(source):
            text = f"the secret {name} is parameter {parameter[1]} of the new app's account and region, not {source}"
            yield changed(subject, text)


def check_hidden(subject: str, text: str) -> Iterator[str]:
    """Validate that text of the generated app needs no value of a parameter with ``NoEcho``."""
    for parameter in hidden_parameters(text):
        fix = "use a value that is no secret, or an environment variable, for which the report has the work to do"
        yield problem(subject, "needs a secret value, which is written to no file", parameter, fix)


def check_deployment_text(subject: str, text: str) -> Iterator[str]:
    """Validate that a deployment replaces no part of a text of the generated app."""
    for found in DEPLOYMENT_TEXT.findall(text)[:1]:
        yield problem(subject, "has text that a deployment would replace by a value", found, "write the value itself")


def _known(values: Mapping[str, str | Reference]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _written(values: Mapping[str, str | Reference]) -> dict[str, str]:
    """Return the values that the generated app has: those of parameters with ``NoEcho`` are in no file."""
    known = _known(values)
    return {name: each for name, each in known.items() if not hidden_parameters(each) and not _resolved_later(each)}


def _resolved_later(text: str) -> str | None:
    """Return the first part of a text that a deployment would replace."""
    match = DEPLOYMENT_TEXT.search(text)
    return match[0] if match else None


def _hidden_variables(subject: str, values: Mapping[str, str | Reference]) -> Iterator[Finding]:
    for name, value in ((name, str(each)) for name, each in values.items()):
        if parameters := " and ".join(hidden_parameters(value)):
            text = (
                f"the variable {name} is removed, because its value is secret ({parameters}): "
                "store it in AWS Secrets Manager or the Parameter Store, and add it to the container as an ecs.Secret"
            )
            yield to_do(subject, text)
        elif found := _resolved_later(value):
            text = (
                f"the variable {name} is removed, because a deployment would replace its value {found}: add it to the "
                "container as an ecs.Secret"
            )
            yield to_do(subject, text)


def _unknown_variables(subject: str, values: Mapping[str, str | Reference]) -> Iterator[Finding]:
    for name, value in values.items():
        if isinstance(value, Reference) and not value.is_dynamic:
            text = f"the variable {name} is removed: {value} is known only at deployment ({value.fix})"
            yield lost(subject, text)


def _has_other_owner(source: str) -> bool:
    """Return whether a source is an ARN with a region and an account other than those of its stack."""
    return source.startswith("arn:") and not all(each in source for each in PLACEHOLDERS.values())


def _is_supported(source: str) -> bool:
    return (SECRET.fullmatch(source) or PARAMETER.fullmatch(source)) is not None
