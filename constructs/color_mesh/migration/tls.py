"""TLS settings that self-managed Envoy keeps: those whose certificates are in files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.model import ClientTls, FileCertificate, FileTrust, Listener, ListenerTls, Mesh

_FILES_ONLY = (
    "Envoy gets no private keys from ACM, and no Secret Discovery Service runs beside it (certificates in files stay)"
)
_MOUNT = (
    "certificates are read from the same files, now in the upstream Envoy container: mount a volume that holds them "
    "with envoy_container.add_mount_points(...)"
)


def keep_tls_with_files(mesh: Mesh) -> tuple[Mesh, Sequence[Finding]]:
    """Remove TLS that takes certificates from ACM, AWS Private CA or SDS.

    When a listener loses TLS, no client policy enforces TLS any more.
    """
    findings = [*_listener_findings(mesh)]
    enforced = not any(finding.kind == "lost" for finding in findings)
    findings += chain.from_iterable(_policy_findings(*policy, enforced) for policy in _client_policies(mesh))
    nodes = (
        replace(
            node,
            listeners=_listeners(node.listeners),
            client_tls=_client_tls(node.client_tls, enforced),
            backends=tuple(replace(each, client_tls=_client_tls(each.client_tls, enforced)) for each in node.backends),
        )
        for node in mesh.nodes
    )
    gateways = (
        replace(
            gateway,
            listeners=_listeners(gateway.listeners),
            client_tls=_client_tls(gateway.client_tls, enforced),
        )
        for gateway in mesh.gateways
    )
    converted = replace(mesh, nodes=tuple(nodes), gateways=tuple(gateways))
    if any(_listener_settings(converted)) or any(_client_policies(converted)):
        findings.append(to_do("TLS", _MOUNT))
    return converted, findings


def _listener_findings(mesh: Mesh) -> Iterator[Finding]:
    for subject, tls in _listener_settings(mesh):
        if not _listener_files(tls):
            if tls.mode == "DISABLED":
                yield changed(subject, "the disabled TLS settings are removed")
            else:
                text = f"TLS ({tls.mode}) is removed and the listener accepts plaintext: {_FILES_ONLY}"
                yield lost(subject, text)


def _listener_settings(mesh: Mesh) -> Iterator[tuple[str, ListenerTls]]:
    """Yield the TLS settings of every listener, with the subject that messages name."""
    owners = (
        *((f"virtual node {node.name!r}", node.listeners) for node in mesh.nodes),
        *((f"virtual gateway {gateway.name!r}", gateway.listeners) for gateway in mesh.gateways),
    )
    for owner, listeners in owners:
        for listener in listeners:
            if listener.tls is not None:
                yield f"{owner} listener {listener.port}", listener.tls


def _client_policies(mesh: Mesh) -> Iterator[tuple[str, ClientTls]]:
    """Yield every TLS client policy, with the subject that messages name."""
    policies: Iterable[tuple[str, ClientTls | None]] = (
        *(
            policy
            for node in mesh.nodes
            for policy in (
                (f"virtual node {node.name!r}", node.client_tls),
                *(
                    (f"virtual node {node.name!r} backend {each.virtual_service!r}", each.client_tls)
                    for each in node.backends
                ),
            )
        ),
        *((f"virtual gateway {gateway.name!r}", gateway.client_tls) for gateway in mesh.gateways),
    )
    yield from ((subject, tls) for subject, tls in policies if tls is not None)


def _policy_findings(subject: str, tls: ClientTls, enforced: bool) -> Iterator[Finding]:
    if not _client_files(tls):
        yield lost(subject, f"the TLS client policy is removed: {_FILES_ONLY}")
    elif tls.enforce and not enforced:
        yield lost(subject, "TLS is not enforced any more, but used where listeners still have it")


def _listeners(listeners: Sequence[Listener]) -> tuple[Listener, ...]:
    return tuple(
        replace(each, tls=None) if each.tls is not None and not _listener_files(each.tls) else each
        for each in listeners
    )


def _client_tls(tls: ClientTls | None, enforced: bool) -> ClientTls | None:
    if tls is None or not _client_files(tls):
        return None
    return replace(tls, enforce=tls.enforce and enforced)


def _listener_files(tls: ListenerTls) -> bool:
    """Return whether all certificates of a listener are in files."""
    return isinstance(tls.certificate, FileCertificate) and (
        tls.validation is None or isinstance(tls.validation.trust, FileTrust)
    )


def _client_files(tls: ClientTls) -> bool:
    """Return whether all certificates of a client policy are in files."""
    return isinstance(tls.validation.trust, FileTrust) and isinstance(tls.certificate, FileCertificate | None)
