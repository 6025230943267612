"""The containers of a task definition, as far as the constructs take them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Attribute
from color_mesh.ecs.reading import IDENTITIES, MeshResource, identity
from color_mesh.ecs.task_definitions import read_health_check
from color_mesh.migration.findings import Finding, lost
from color_mesh.model import ContainerHealthCheck

# ECS API Reference, Secret: a secret by its ARN, with the key of a value in it, or a parameter by its ARN or name.
SECRET = re.compile(r"(arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:[^:]+)(?::([^:]*)::)?")
PARAMETER = re.compile(r"(?:arn:[^:]*:ssm:[^:]*:[^:]*:parameter(?=/))?([A-Za-z0-9_./-]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerDefinition:
    """Hold what a task definition says of a container.

    Attributes:
        name: What it is called.
        image: Its image.
        entry_point: What stands in the place of the image's entry point, if anything does.
        command: What it is told, if not what the image says.
        environment: Its variables.
        secrets: Variables by what ECS reads for them: the ARN of a secret, or of a parameter, or a parameter's name.
        cpu: Its CPU units, if they are said.
        memory_mib: Its memory, if it is said: the limit, or else what is reserved.
        ports: The TCP ports that it says it listens on, and what each is called, if it is.
        essential: Whether the task ends with it.
        health_check: How ECS asks whether it is well.
        depends_on: The containers that it waits for, and what must be so of each.
        envoy_of: The node or gateway whose configuration it asks App Mesh for; of Envoys only.
    """

    name: str
    image: str
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    cpu: int | None = None
    memory_mib: int | None = None
    ports: tuple[tuple[int, str | None], ...] = ()
    essential: bool = True
    health_check: ContainerHealthCheck | None = None
    depends_on: tuple[tuple[str, str], ...] = ()
    envoy_of: MeshResource | None = None


def read_container(at: Fields, place: str, problems: list[str], findings: list[Finding]) -> ContainerDefinition:
    """Read a container; what only a deployment knows of its variables is left out, with a finding."""
    at.ignore("Image")
    name = at.text("Name")
    subject = f"{place} container {name!r}"
    environment = dict(at.many("Environment", _variable))
    secrets = dict(at.many("Secrets", lambda each: (each.text("Name"), each.value("ValueFrom"))))
    envoy_of = identity(environment, subject, problems)
    others = ", ".join(f"{variable}={value}" for variable, value in environment.items() if variable not in IDENTITIES)
    if envoy_of is not None and others:
        findings.append(lost(subject, f"variables of App Mesh's image, which upstream Envoy does not know: {others}"))
    if (log := at.optional("LogConfiguration", _log_driver)) not in (None, "awslogs"):
        findings.append(lost(subject, f"its log driver {log}: containers log to CloudWatch here"))
    limit, reserved = at.optional_integer("Memory"), at.optional_integer("MemoryReservation")
    return ContainerDefinition(
        name=name,
        image="" if envoy_of else at.text("Image"),
        entry_point=at.texts("EntryPoint"),
        command=at.texts("Command"),
        environment={} if envoy_of else _known(environment, subject, findings),
        secrets=_readable(_known(secrets, subject, findings), subject, findings),
        cpu=at.optional_integer("Cpu") or None,
        memory_mib=limit or reserved or None,
        ports=tuple(port for port in at.many("PortMappings", _port) if port is not None),
        essential=at.flag("Essential", True),
        health_check=at.optional("HealthCheck", read_health_check),
        depends_on=at.many("DependsOn", lambda each: (each.text("ContainerName"), each.text("Condition"))),
        envoy_of=envoy_of,
    )


def _variable(at: Fields) -> tuple[str, Any]:
    name, value = at.text("Name"), at.value("Value")
    return name, value if isinstance(value, Attribute) else at.optional_text("Value") or ""


def _known(values: Mapping[str, Any], subject: str, findings: list[Finding]) -> dict[str, str]:
    known = {}
    for name, value in values.items():
        if isinstance(value, Attribute):
            reference = f"{value.resource.logical_id}.{value.name}"
            text = f"its variable {name}: only a deployment knows {reference}; give it with --set {reference}=VALUE"
            findings.append(lost(subject, text))
        else:
            known[name] = str(value)
    return known


def _readable(secrets: Mapping[str, str], subject: str, findings: list[Finding]) -> dict[str, str]:
    readable = {name: each for name, each in secrets.items() if SECRET.fullmatch(each) or PARAMETER.fullmatch(each)}
    findings += (
        lost(subject, f"its secret {name}, {each}: the CDK reads the current version of a secret, or a parameter")
        for name, each in secrets.items()
        if name not in readable
    )
    return readable


def _log_driver(at: Fields) -> str:
    at.ignore("Options", "SecretOptions")
    return at.text("LogDriver")


def _port(at: Fields) -> tuple[int, str | None] | None:
    at.ignore("HostPort", "AppProtocol")
    port, name = at.optional_integer("ContainerPort"), at.optional_text("Name")
    return (port, name) if port is not None and (at.optional_text("Protocol") or "tcp") == "tcp" else None
