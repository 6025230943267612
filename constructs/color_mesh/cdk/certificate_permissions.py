"""Permissions of task roles for the certificates that App Mesh's Envoys get from AWS."""

from collections.abc import Callable, Iterator

import jsii
from aws_cdk import IAspect
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from color_mesh.model import AcmCertificate, AcmTrust, ClientTls, VirtualGateway, VirtualNode
from color_mesh.model.certificates import Certificate, Trust


@jsii.implements(IAspect)
class CertificatePermissions:
    """Permissions of a task role for the certificates and authorities of a node or gateway, known at synthesis only.

    AWS App Mesh User Guide, *Transport Layer Security (TLS)*: Envoy needs ``acm:ExportCertificate`` for certificates of
    listeners, and ``acm-pca:GetCertificateAuthorityCertificate`` for the authorities of client policies.
    """

    def __init__(self, task_definition: ecs.TaskDefinition, part: Callable[[], VirtualNode | VirtualGateway]) -> None:
        """Give the task role of a task definition the permissions at synthesis.

        Args:
            task_definition: The task definition.
            part: Returns the node or gateway of its Envoy.
        """
        self._role = task_definition.task_role
        self._part = part

    def visit(self, node: IConstruct) -> None:
        """Add the statements when the role itself is visited."""
        if node.node.path != self._role.node.path:
            return
        certificates: dict[str, None] = {}
        authorities: dict[str, None] = {}
        for source in _sources(self._part()):
            if isinstance(source, AcmCertificate):
                certificates[source.arn] = None
            elif isinstance(source, AcmTrust):
                authorities |= dict.fromkeys(source.certificate_authority_arns)
        for action, arns in (
            ("acm:ExportCertificate", certificates),
            ("acm-pca:GetCertificateAuthorityCertificate", authorities),
        ):
            if arns:
                self._role.add_to_principal_policy(iam.PolicyStatement(actions=[action], resources=[*arns]))


def _sources(part: VirtualNode | VirtualGateway) -> Iterator[Certificate | Trust]:
    """Yield the sources of the certificates that an Envoy needs."""
    for listener in part.listeners:
        if listener.tls is not None:
            yield listener.tls.certificate
    backends = part.backends if isinstance(part, VirtualNode) else ()
    # The policy of a node without backends applies to no connection.
    of_part = [part.client_tls] if backends or isinstance(part, VirtualGateway) else []
    policies: list[ClientTls | None] = [*of_part, *(backend.client_tls for backend in backends)]
    for policy in policies:
        if policy is not None:
            yield policy.validation.trust
