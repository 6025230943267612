"""Which TLS of a mesh self-managed Envoys can speak: that of certificates in files."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.model import ClientTls, FileCertificate, FileTrust, Listener, ListenerTls, Mesh

_NO_FILE = "no Envoy gets keys from ACM, and no Secret Discovery Service runs beside these; certificates in files stay"
_MOUNT = (
    "certificates are read from the files of before, now in the container of upstream Envoy: mount a volume that holds "
    "them with envoy_container.add_mount_points(...)"
)


def keep_files(mesh: Mesh, findings: list[Finding]) -> Mesh:
    """Leave out TLS that takes ACM, AWS Private CA or SDS, and hold no caller to TLS that is not spoken any more."""
    found = [*_listener_findings(mesh)]
    findings += found
    enforced = not any(finding.kind == "lost" for finding in found)

    def policy(of: str, tls: ClientTls | None) -> ClientTls | None:
        return _client_tls(of, tls, enforced, findings)

    nodes = (
        replace(
            node,
            listeners=_without_secrets(node.listeners),
            client_tls=policy(f"virtual node {node.name!r}", node.client_tls),
            backends=tuple(
                replace(
                    each,
                    client_tls=policy(f"virtual node {node.name!r} backend {each.virtual_service!r}", each.client_tls),
                )
                for each in node.backends
            ),
        )
        for node in mesh.nodes
    )
    gateways = (
        replace(
            gateway,
            listeners=_without_secrets(gateway.listeners),
            client_tls=policy(f"virtual gateway {gateway.name!r}", gateway.client_tls),
        )
        for gateway in mesh.gateways
    )
    kept = replace(mesh, nodes=tuple(nodes), gateways=tuple(gateways))
    if FileCertificate.__name__ in repr(kept) or FileTrust.__name__ in repr(kept):
        findings.append(to_do("TLS", _MOUNT))
    return kept


def _listener_findings(mesh: Mesh) -> Iterator[Finding]:
    owners = (
        *((f"virtual node {node.name!r}", node.listeners) for node in mesh.nodes),
        *((f"virtual gateway {gateway.name!r}", gateway.listeners) for gateway in mesh.gateways),
    )
    for subject, listeners in owners:
        for listener in listeners:
            if listener.tls is None or _in_files(listener.tls):
                continue
            of_listener = f"{subject} listener {listener.port}"
            if listener.tls.mode == "DISABLED":
                yield changed(of_listener, "TLS that was disabled is left out")
            else:
                yield lost(of_listener, f"TLS ({listener.tls.mode}): it takes plaintext now, for {_NO_FILE}")


def _without_secrets(listeners: Sequence[Listener]) -> tuple[Listener, ...]:
    return tuple(each if each.tls is None or _in_files(each.tls) else replace(each, tls=None) for each in listeners)


def _in_files(tls: ListenerTls) -> bool:
    trusted = tls.validation is None or isinstance(tls.validation.trust, FileTrust)
    return trusted and isinstance(tls.certificate, FileCertificate)


def _client_tls(subject: str, tls: ClientTls | None, enforced: bool, findings: list[Finding]) -> ClientTls | None:
    if tls is None:
        return None
    if not isinstance(tls.validation.trust, FileTrust) or not isinstance(tls.certificate, FileCertificate | None):
        findings.append(lost(subject, f"its client policy for TLS, for {_NO_FILE}"))
        return None
    if tls.enforce and not enforced:
        findings.append(lost(subject, "enforces no TLS any more: it speaks TLS to those that still do"))
        return replace(tls, enforce=False)
    return tls
