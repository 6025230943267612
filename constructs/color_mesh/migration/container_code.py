"""Code of a container: its image, command, environment, secrets and health check."""

import re
from collections.abc import Iterator

from color_mesh.migration.containers import PARAMETER, SECRET, ConvertedContainer, check_deployment_text, check_hidden
from color_mesh.migration.placeholders import (
    check_placeholders,
    own_repository,
    readable,
    stack_text,
    without_placeholders,
)
from color_mesh.migration.python import Code, Identifiers, call, listed, mapping, value
from color_mesh.model import ContainerHealthCheck
from color_mesh.model.checks import check_image

# Secrets Manager adds a hyphen and six characters to the name of a secret; without them the ARN is a partial one.
_COMPLETE_ARN = re.compile(r".*-[A-Za-z0-9]{6}")


def container_arguments(ids: Identifiers, id: str, container: ConvertedContainer) -> dict[str, Code]:
    """Render the arguments for a container's image, command, environment and secrets.

    Args:
        ids: Ids of the stack's constructs; the image and each secret get one.
        id: Prefix of these ids.
        container: The container.
    """
    arguments: dict[str, Code] = {"image": _image(ids, id, container.image)}
    definition = container.definition
    if definition.entry_point:
        arguments["entry_point"] = listed(map(stack_text, definition.entry_point))
    if definition.command:
        arguments["command"] = listed(map(stack_text, definition.command))
    if container.environment:
        variables = ((value(name), stack_text(text)) for name, text in container.environment.items())
        arguments["environment"] = mapping(variables)
    if container.secrets:
        secrets = ((value(name), _secret(ids, id, name, source)) for name, source in container.secrets.items())
        arguments["secrets"] = mapping(secrets)
    return arguments


def health_check_code(health_check: ContainerHealthCheck) -> Code:
    """Render the health check of a container that no construct of this library creates."""
    seconds = {
        "interval": health_check.interval_seconds,
        "timeout": health_check.timeout_seconds,
        "start_period": health_check.start_period_seconds,
    }
    durations = {name: call("Duration.seconds", value(each)) for name, each in seconds.items() if each is not None}
    command = listed(map(value, health_check.command))
    return call("ecs.HealthCheck", command=command, retries=value(health_check.retries), **durations)


def check_container(owner: str, container: ConvertedContainer) -> Iterator[str]:
    """Validate the image, and that literals depend on no account, no region and no parameter with ``NoEcho``."""
    texts = {
        "name": container.name,
        "image": None if own_repository(container.image) else container.image,
        **{f"name of port {port}": name for port, name in container.definition.ports.items()},
        **{f"name of variable {name!r}": name for name in (*container.environment, *container.secrets)},
        **{f"key of secret {name!r}": _secret_key(source) for name, source in container.secrets.items()},
    }
    texts["user"] = container.definition.user
    texts |= {f"mount point {number}": each.path for number, each in enumerate(container.definition.mount_points)}
    health_check = container.definition.health_check
    if health_check is not None:
        texts["health check"] = " ".join(health_check.command)
    subject = f"{owner} container {container.name!r}"
    if any(check_image(subject, without_placeholders(container.image))):
        yield from check_image(subject, readable(container.image))
    yield from check_placeholders(subject, texts)
    texts |= {"image": container.image, "command": " ".join(container.definition.command)}
    texts["entry point"] = " ".join(container.definition.entry_point)
    for property_name, text in texts.items():
        yield from check_hidden(f"{subject} {property_name}", text or "")
        yield from check_deployment_text(f"{subject} {property_name}", text or "")


def _image(ids: Identifiers, id: str, name: str) -> Code:
    if ".dkr.ecr." not in name:
        return call("ecs.ContainerImage.from_registry", value(name))
    image_id = value(ids.construct_id(f"{id}-Image", "Image"))
    if parts := own_repository(name):
        repository = call("ecr.Repository.from_repository_name", Code("self"), image_id, value(parts[0]))
        return call("ecs.ContainerImage.from_ecr_repository", repository, value(parts[1]))
    return call("container_image", Code("self"), image_id, value(name))


def _secret(ids: Identifiers, id: str, name: str, source: str) -> Code:
    secret_id = value(ids.construct_id(f"{id}-{name}", "Secret"))
    if match := SECRET.fullmatch(source):
        completeness = "complete" if _COMPLETE_ARN.fullmatch(match[1]) else "partial"
        from_arn = f"secretsmanager.Secret.from_secret_{completeness}_arn"
        secret = call(from_arn, Code("self"), secret_id, stack_text(match[1]))
        return call("ecs.Secret.from_secrets_manager", secret, *([value(match[2])] if match[2] else []))
    parameter_name = PARAMETER.fullmatch(source)
    assert parameter_name is not None
    from_name = "ssm.StringParameter.from_secure_string_parameter_attributes"
    parameter = call(from_name, Code("self"), secret_id, parameter_name=value(parameter_name[1]))
    return call("ecs.Secret.from_ssm_parameter", parameter)


def _secret_key(source: str) -> str | None:
    match = SECRET.fullmatch(source)
    return match[2] if match else None
