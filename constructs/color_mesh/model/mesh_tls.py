"""TLS of all connections between the tasks of a mesh."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from color_mesh.model.certificates import Certificate, Trust
from color_mesh.model.checks import check_choice, check_flag
from color_mesh.model.discovery import CloudMapDiscovery
from color_mesh.model.errors import problem, refuse
from color_mesh.model.node import VirtualNode
from color_mesh.model.router import VirtualGateway
from color_mesh.model.tls import ClientTls, ListenerTls, TlsMode, TlsValidation

CallerTls = Literal["tls", "plaintext"]
CALLER_TLS: tuple[CallerTls, ...] = get_args(CallerTls)
MESH_TLS_MODES: tuple[TlsMode, ...] = ("STRICT", "PERMISSIVE")


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshTls:
    """TLS of all connections between the tasks of a mesh.

    Each node has a certificate with its own name. It is the server certificate of its listeners, and its client
    certificate at its backends. Gateways have one for the nodes that they call. Callers validate the names of nodes,
    and nodes admit the names of their callers only.

    Attributes:
        trust: Certificate authorities of all certificates.
        certificate_of: Function that returns the certificate of a node or a gateway. Its arguments are the name of the
            node or gateway, and the DNS name that the certificate must have as a subject alternative name: that of the
            Cloud Map service of a node, and the own name in the namespace of the mesh for gateways and for nodes
            without a listener.
        mode: ``STRICT``: TLS only. ``PERMISSIVE``: listeners accept plaintext too, admit all clients, and count those
            that they will refuse in mode ``STRICT``. Default: ``STRICT``.
        callers: ``tls``: callers use TLS. ``plaintext``: callers do not use TLS yet, for the first deployment in mode
            ``PERMISSIVE``, while some tasks have none. Default: ``tls``.
        client_certificates: Callers present certificates (mutual TLS). With ``False`` nodes admit all clients. Default:
            ``True``.

    Raises:
        MeshError: If an attribute is not valid.
    """

    trust: Trust
    certificate_of: Callable[[str, str], Certificate]
    mode: TlsMode = "STRICT"
    callers: CallerTls = "tls"
    client_certificates: bool = True

    def __post_init__(self) -> None:
        refuse(_check_mesh_tls(self))

    def listener_tls(self, certificate: Certificate) -> ListenerTls:
        """Return the TLS of the listeners of a node with this certificate."""
        validation = TlsValidation(trust=self.trust) if self.client_certificates else None
        return ListenerTls(mode=self.mode, certificate=certificate, validation=validation)

    def client_tls(self, certificate: Certificate | None) -> ClientTls:
        """Return the client policy of a caller with this certificate.

        It applies to the listeners that have TLS, and not to workloads outside the mesh that have none.
        """
        return ClientTls(validation=TlsValidation(trust=self.trust), enforce=False, certificate=certificate)


def certificate_name(part: VirtualNode | VirtualGateway, namespace: str) -> str:
    """Return the DNS name in the certificate of a node or a gateway.

    Args:
        part: The node or gateway.
        namespace: Name of the Cloud Map namespace of the mesh.
    """
    if isinstance(part, VirtualNode) and isinstance(part.discovery, CloudMapDiscovery):
        return part.discovery.dns_name
    return f"{part.name}.{namespace}"


def _check_mesh_tls(tls: MeshTls) -> Iterator[str]:
    subject = "TLS of a mesh"
    yield from check_choice(subject, "TLS mode", tls.mode, MESH_TLS_MODES)
    yield from check_choice(subject, "TLS of callers", tls.callers, CALLER_TLS)
    yield from check_flag(subject, "client_certificates", tls.client_certificates)
    if not callable(tls.certificate_of):
        fix = "certificate_of=lambda name, dns_name: TlsCertificate..."
        yield problem(subject, "'certificate_of' is not a function", tls.certificate_of, fix)
    if tls.callers == "plaintext" and tls.mode == "STRICT":
        yield problem(subject, "callers without TLS cannot call strict listeners", tls.mode, "mode='PERMISSIVE'")
