"""Warnings at synthesis about certificates that stand for several nodes, which admission cannot tell apart."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import jsii
from aws_cdk import Annotations, Token
from aws_cdk import aws_certificatemanager as acm
from constructs import Construct, IConstruct, IValidation

from color_mesh.cdk.certificate_calls import sources_of
from color_mesh.cdk.mesh_tls import MeshCertificates, subject_of
from color_mesh.model import AcmCertificate, Mesh, SecretsManagerCertificate, VirtualGateway, VirtualNode
from color_mesh.model.errors import problem

_ID = "color-mesh:shared-certificate"


@jsii.implements(IValidation)
class SharedCertificates:
    """Warnings at synthesis, if nodes cannot tell the callers of a mesh apart by their certificates."""

    def __init__(self, scope: Construct, mesh: Callable[[], Mesh], certificates: MeshCertificates) -> None:
        """Warn at a construct.

        Args:
            scope: Construct of the mesh.
            mesh: Function that returns the complete mesh.
            certificates: Certificates of the mesh.
        """
        self._scope = scope
        self._mesh = mesh
        self._certificates = certificates

    def validate(self) -> list[str]:
        """Add the warnings, which are no errors."""
        if self._certificates.admission is not None:
            for warning in self._warnings(self._mesh()):
                Annotations.of(self._scope).add_warning_v2(_ID, warning)
        return []

    def _warnings(self, mesh: Mesh) -> Iterator[str]:
        names = self._certificates.names
        holders: dict[str, set[str]] = {}
        nodes = map(self._certificates.of_own_envoy, mesh.nodes)
        everything: tuple[VirtualNode | VirtualGateway, ...] = (*nodes, *mesh.gateways)
        for part in everything:
            for arn in _arns(part):
                holders.setdefault(arn, set()).add(subject_of(part))
        known = _known_names(self._scope.node.root.node.find_all())
        for arn, own in holders.items():
            covered = {part for part, name in names.items() if any(_covers(each, name) for each in known.get(arn, ()))}
            parts = sorted(own | covered)
            if len(parts) > 1:
                shown = known.get(arn, "a token") if Token.is_unresolved(arn) else arn
                fix = f"a certificate for each of {', '.join(parts)}, with its own name only"
                yield problem(f"mesh {mesh.name!r}", "nodes cannot tell apart callers with one certificate", shown, fix)


def _arns(part: VirtualNode | VirtualGateway) -> Iterator[str]:
    """Yield the ARNs of the certificates of a part. Files and secrets of SDS may differ from task to task."""
    for source in sources_of([part]):
        match source:
            case AcmCertificate(arn=arn) | SecretsManagerCertificate(secret_arn=arn):
                yield arn


def _known_names(constructs: Iterable[IConstruct]) -> Mapping[str, Sequence[str]]:
    """Return the names in the certificates that the app creates, by ARN."""
    certificates = (each for each in constructs if isinstance(each, acm.CfnCertificate))
    return {each.ref: (each.domain_name, *(each.subject_alternative_names or ())) for each in certificates}


def _covers(pattern: str, name: str) -> bool:
    """Return whether a name in a certificate stands for a DNS name (RFC 6125: a wildcard is one label, the first)."""
    wanted, given = name.lower(), pattern.lower()
    return given == wanted or (given.startswith("*.") and given[2:] == wanted.partition(".")[2])
