"""Certificates of the nodes and gateways of a mesh with TLS."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from color_mesh.envoy import Admission
from color_mesh.model import ClientTls, DnsDiscovery, MeshError, SdsCertificate, VirtualGateway, VirtualNode
from color_mesh.model.certificates import Certificate
from color_mesh.model.checks import check_dns_name, check_text
from color_mesh.model.errors import problem, refuse
from color_mesh.model.index import MeshParts
from color_mesh.model.mesh_tls import MeshTls, certificate_name
from color_mesh.model.tls import check_listener_tls

# Callers need to know that a node of another app has TLS, and not with which certificate.
_OF_ANOTHER_APP = SdsCertificate(secret_name="of-another-app")


class MeshCertificates:
    """Certificates of the nodes and gateways of a mesh, and the names that nodes admit.

    Attributes:
        tls: TLS of the mesh. ``None``: it has none.
    """

    def __init__(self, tls: MeshTls | None, namespace: str, *, admits_by_name: bool) -> None:
        """Ask for no certificates yet.

        Args:
            tls: TLS of the mesh. ``None``: it has none.
            namespace: Name of the Cloud Map namespace of the mesh.
            admits_by_name: The data plane admits callers by the names in their certificates.
        """
        self.tls = tls
        self._namespace = namespace
        self._admits_by_name = admits_by_name
        self._owners: dict[str, str] = {}
        self._certificates: dict[str, Certificate] = {}
        self._listeners: dict[str, Certificate] = {}
        self._other_callers: dict[str, tuple[str, ...]] = {}

    @property
    def admission(self) -> Admission | None:
        """Admission of callers by the names in their certificates. ``None``: all certificates are admitted."""
        if self.tls is None or not self.tls.client_certificates or not self._admits_by_name:
            return None
        return Admission(namespace=self._namespace, other_callers=self._other_callers)

    @property
    def names(self) -> Mapping[str, str]:
        """Names in the certificates, in lower case, by the nodes and gateways that have them."""
        return {owner: name for name, owner in self._owners.items()}

    def check(self, parts: MeshParts) -> Iterator[str]:
        """Validate that no two parts of a mesh with TLS have the same name in their certificates."""
        if self.admission is None:
            return
        for part in _holders(parts):
            name, subject = certificate_name(part, self._namespace), subject_of(part)
            owner = self._owners.get(name.lower(), subject)
            if owner != subject:
                fix = "rename one of them: nodes admit callers by this name"
                yield problem(subject, f"its certificate has the name of {owner}", name, fix)

    def add(self, parts: MeshParts) -> None:
        """Take note of the names in the certificates of parts that are valid."""
        for part in _holders(parts):
            self._owners[certificate_name(part, self._namespace).lower()] = subject_of(part)

    def node(self, node: VirtualNode) -> VirtualNode:
        """Return a node with the TLS of the mesh, where it has none of its own. One with a hostname stays as it is."""
        if self.tls is None or isinstance(node.discovery, DnsDiscovery):
            return node
        if node.backends:
            node = replace(node, client_tls=self.client_tls(node))
        if all(listener.tls for listener in node.listeners):
            return node
        certificate = self._certificate(self.tls, node)
        if self.tls.callers == "plaintext":
            # Callers look up the listeners in the mesh: those of the node's own Envoy alone have TLS.
            refuse(check_listener_tls(subject_of(node), self.tls.listener_tls(certificate)))
            self._listeners[node.name] = certificate
            return node
        return _with_listener_tls(node, self.tls, certificate)

    def client_tls(self, caller: VirtualNode | VirtualGateway) -> ClientTls | None:
        """Return the client policy of a caller: its own, or else that of the mesh."""
        if self.tls is None or self.tls.callers == "plaintext" or caller.client_tls is not None:
            return caller.client_tls
        if isinstance(caller, VirtualNode) and isinstance(caller.discovery, DnsDiscovery):
            return None  # It has no tasks in the mesh.
        return self.tls.client_tls(self._certificate(self.tls, caller) if self.tls.client_certificates else None)

    def node_elsewhere(self, node: VirtualNode) -> VirtualNode:
        """Return a node whose tasks another app deploys, with TLS of the mesh."""
        if self.tls is None or self.tls.callers == "plaintext":
            return node
        return _with_listener_tls(node, self.tls, _OF_ANOTHER_APP)

    def gateway(self, gateway: VirtualGateway) -> VirtualGateway:
        """Return a gateway with the TLS of the mesh for its calls. Its clients are not in the mesh."""
        return replace(gateway, client_tls=self.client_tls(gateway))

    def of_own_envoy(self, node: VirtualNode) -> VirtualNode:
        """Return a node as its own Envoy knows it: with listeners that have TLS before callers use it."""
        if self.tls is None or node.name not in self._listeners:
            return node
        return _with_listener_tls(node, self.tls, self._listeners[node.name])

    def admit(self, node: str, names: Sequence[str]) -> None:
        """Admit further callers of a node."""
        self._other_callers[node] = (*self._other_callers.get(node, ()), *names)

    def _certificate(self, tls: MeshTls, part: VirtualNode | VirtualGateway) -> Certificate:
        """Return the certificate of a node or a gateway, or raise if the function of the user returns none."""
        if subject_of(part) in self._certificates:
            return self._certificates[subject_of(part)]
        certificate = tls.certificate_of(part.name, certificate_name(part, self._namespace))
        is_one = isinstance(certificate, get_args(Certificate))
        if not is_one:
            fix = "return TlsCertificate.acm(...), or another certificate"
            raise MeshError([problem(subject_of(part), "'certificate_of' returns no certificate", certificate, fix)])
        self._certificates[subject_of(part)] = certificate
        return certificate


def check_admitted(node: VirtualNode, certificates: MeshCertificates, names: Sequence[str]) -> Iterator[str]:
    """Validate the names of further callers of a node."""
    subject = subject_of(node)
    listeners = certificates.of_own_envoy(node).listeners
    if certificates.admission is None:
        fix = "ServiceMesh(tls=MeshTls(...), data_plane='envoy') with client certificates: now every caller is admitted"
        yield problem(subject, "mesh does not admit callers by name", tuple(names), fix)
    elif not any(listener.tls is not None and listener.tls.accepts_any_name for listener in listeners):
        fix = "a listener with the TLS of the mesh; one with 'tls' has 'subject_alternative_names' for that"
        yield problem(subject, "has no listener that admits callers by the TLS of the mesh", tuple(names), fix)
    for name in names:
        if "://" in name:
            yield from check_text(subject, "name of a caller", name, 254, "such as 'spiffe://billing/worker'")
        else:
            yield from check_dns_name(subject, "name of a caller", name)


def check_mesh_tls(subject: str, data_plane: str, tls: MeshTls | None) -> Iterator[str]:
    """Validate that the data plane supports the TLS of a mesh."""
    if tls is not None and data_plane == "app-mesh" and tls.callers == "plaintext":
        fix = "leave it out, or data_plane='envoy'"
        yield problem(subject, "App Mesh's callers use TLS as soon as listeners have it", tls.callers, fix)


def _holders(parts: MeshParts) -> Iterator[VirtualNode | VirtualGateway]:
    """Yield the parts that have a certificate."""
    everything: tuple[VirtualNode | VirtualGateway, ...] = (*parts.nodes, *parts.gateways)
    for part in everything:
        if not (isinstance(part, VirtualNode) and isinstance(part.discovery, DnsDiscovery)):
            yield part


def subject_of(part: VirtualNode | VirtualGateway) -> str:
    """Return the beginning of messages about a node or a gateway."""
    return f"virtual {'node' if isinstance(part, VirtualNode) else 'gateway'} {part.name!r}"


def _with_listener_tls(node: VirtualNode, tls: MeshTls, certificate: Certificate) -> VirtualNode:
    of_mesh = tls.listener_tls(certificate)
    listeners = (listener if listener.tls else replace(listener, tls=of_mesh) for listener in node.listeners)
    return replace(node, listeners=tuple(listeners))
