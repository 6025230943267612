"""Certificates that are made for a run, in place of those of AWS Certificate Manager and AWS Secrets Manager."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from color_mesh.ecs.declarations import Declarations
from color_mesh.ecs.services import Service
from color_mesh.local.plan.certificate_names import service_names
from color_mesh.local.plan.runnable import RunnableTask
from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    ClientTls,
    Mesh,
    SecretsManagerCertificate,
    SecretsManagerTrust,
    VirtualGateway,
    VirtualNode,
)

_ARN = re.compile(
    r"(arn:[a-z-]+:(?:acm:[a-z0-9-]*:[0-9]*:certificate/|acm-pca:[a-z0-9-]*:[0-9]*:certificate-authority/|"
    r"secretsmanager:[a-z0-9-]*:[0-9]*:secret:)[\w+=.@/-]+)(?:#([a-z.]+))?"
)
_AUTHORITY_PART = "ca.crt"
# Secrets Manager ends the ARN of a secret with a hyphen and six random characters, which may be missing in a call.
_COMPLETE = re.compile(r".*-[A-Za-z0-9]{6}")
_DNS_NAME = re.compile(r"(?=.{1,253}\Z)(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCertificate:
    """Certificate that is made for a run.

    Attributes:
        arn: ARN of the certificate or secret for which it stands; of a secret, the complete one.
        names: DNS names; none if only the authority in a secret is used.
        authority: Key of the authority that issues it. Default: the authority of the run.
        name: Name of a secret. Default: it is not in a secret.
        exportable: Its private key can be exported. That of a public certificate can if it was requested so.
        encryption_key: Key of the KMS key of a secret. Default: that of AWS, which takes no permission.
    """

    arn: str
    names: tuple[str, ...]
    authority: str | None = None
    name: str | None = None
    exportable: bool = True
    encryption_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCertificates:
    """Certificates and authorities that are made for a run.

    Attributes:
        certificates: Certificates of AWS Certificate Manager, by ARN.
        secrets: Certificates in secrets, by ARN.
        authorities: Authorities of AWS Private CA, by ARN: whether each is active.
        declared_authorities: ARNs of the authorities that the templates declare. Others are the authority of the run.
    """

    certificates: Mapping[str, RunCertificate] = field(default_factory=dict)
    secrets: Mapping[str, RunCertificate] = field(default_factory=dict)
    authorities: Mapping[str, bool] = field(default_factory=dict)
    declared_authorities: frozenset[str] = frozenset()

    @property
    def every(self) -> list[RunCertificate]:
        """All certificates."""
        return [*self.certificates.values(), *(each for each in self.secrets.values() if each.names)]

    def secret(self, identifier: str) -> RunCertificate | None:
        """Look up a secret by its name, its ARN, or its ARN without the random characters."""
        return next(
            (each for each in self.secrets.values() if identifier in (each.arn, each.arn[:-7], each.name)), None
        )

    def named(self, name: str) -> list[RunCertificate]:
        """Return the certificates with an ARN, the name of a secret, or a DNS name."""
        secret = self.secret(name)
        return [each for each in self.every if each is secret or name in (each.arn, *each.names)]


def run_certificates(
    declarations: Declarations, tasks: Mapping[str, RunnableTask], meshes: Collection[Mesh]
) -> RunCertificates:
    """Return the certificates of a run.

    A certificate that the templates declare in AWS Certificate Manager has the names that they give it. Others have the
    names of the nodes and gateways whose Envoys use them.
    """
    used: dict[str, dict[str, None]] = {}
    for service in declarations.services.values():
        task = tasks[service.task_definition]
        names = dict.fromkeys(_names(declarations, service, task, meshes))
        for arn, part in used_arns(task, meshes):
            # Who trusts the authority in a secret does not have the certificate in it.
            used.setdefault(arn, {}).update(names if part != _AUTHORITY_PART else {})
    declared = [
        RunCertificate(arn=each.key, names=_dns_names(each.names), authority=each.authority, exportable=each.exportable)
        for each in declarations.certificates.values()
    ]
    secrets = {each.key: each.name for each in declarations.secrets.values()}
    keys = {each.key: each.encryption_key for each in declarations.secrets.values()}
    in_secrets: dict[str, RunCertificate] = {}
    for arn in _of_service(used, "secretsmanager"):
        complete, name = _secret(arn, secrets)
        before = in_secrets[complete].names if complete in in_secrets else ()
        in_secrets[complete] = RunCertificate(
            arn=complete, names=_dns_names((*before, *used[arn])), name=name, encryption_key=keys.get(complete)
        )
    authorities = {each.key: each.active for each in declarations.authorities.values()}
    return RunCertificates(
        certificates={
            **{arn: RunCertificate(arn=arn, names=_dns_names(used[arn])) for arn in _of_service(used, "acm")},
            **{each.arn: each for each in declared},
        },
        secrets=in_secrets,
        authorities={**dict.fromkeys(_of_service(used, "acm-pca"), True), **authorities},
        declared_authorities=frozenset(authorities),
    )


def _of_service(arns: Iterable[str], service: str) -> list[str]:
    return [arn for arn in arns if arn.split(":")[2] == service]


def _secret(arn: str, declared: Mapping[str, str]) -> tuple[str, str]:
    """Return the complete ARN of a secret, and its name.

    Args:
        arn: ARN, whose random characters may be missing.
        declared: Names of the secrets that the templates declare, by ARN.
    """
    name = arn.split(":", 6)[6]
    for complete, declared_name in declared.items():
        if arn == complete or name == declared_name:
            return complete, declared_name
    if _COMPLETE.fullmatch(name):
        return arn, name[:-7]
    return complete_arn(arn), name


def complete_arn(arn: str) -> str:
    """Return the ARN of a secret with six characters for the missing random ones."""
    return f"{arn}-{blake2b(arn.encode(), digest_size=3).hexdigest()}"


def _names(declarations: Declarations, service: Service, task: RunnableTask, meshes: Collection[Mesh]) -> Iterator[str]:
    """Yield the names under which others know the tasks of a service."""
    owners = [each.look_up(meshes) for each in task.mesh_resources.values()]
    nodes = [each[1] for each in owners if each is not None and isinstance(each[1], VirtualNode)]
    yield from service_names(declarations, service, task)
    yield from (node.discovery.dns_name for node in nodes if node.discovery is not None)
    if service.public or service.targets:
        # Clients of the machine reach published ports under this name.
        yield "localhost"


def used_arns(task: RunnableTask, meshes: Collection[Mesh]) -> Iterator[tuple[str, str]]:
    """Yield the ARNs of certificates, authorities and secrets that the Envoys of a task use.

    After the ARN of a secret comes the part of it that they use, such as ``tls.crt``.
    """
    for container in task.containers:
        if container.program.envoy:
            command = (*container.definition.entry_point, *container.definition.command)
            yield from _ARN.findall("\n".join((*command, json.dumps(container.bootstrap))))
    for resource in task.mesh_resources.values():
        declared = resource.look_up(meshes)
        if declared is not None:
            yield from ((match[1], match[2]) for match in map(_ARN.fullmatch, _arns_of(declared[1])) if match)


def _arns_of(part: VirtualNode | VirtualGateway) -> Iterator[str]:
    """Yield the ARNs in the TLS of the listeners and client policies of a node or gateway, as Envoy names them."""
    own = part.backends if isinstance(part, VirtualNode) else ()
    policies: list[ClientTls | None] = [part.client_tls, *(each.client_tls for each in own)]
    for tls in (*(each.tls for each in part.listeners), *policies):
        if tls is None:
            continue
        for source in (tls.certificate, tls.validation.trust if tls.validation is not None else None):
            match source:
                case AcmCertificate(arn=arn) | SecretsManagerCertificate(secret_arn=arn):
                    yield arn
                case SecretsManagerTrust(secret_arn=arn):
                    yield f"{arn}#{_AUTHORITY_PART}"
                case AcmTrust(certificate_authority_arns=arns):
                    yield from arns


def _dns_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.lower() for each in names if _DNS_NAME.fullmatch(each)))
