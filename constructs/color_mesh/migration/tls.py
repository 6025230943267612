"""TLS settings that self-managed Envoy keeps: those whose certificates are in files, in ACM or in AWS Private CA."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from color_mesh.analysis.facts import subject_of
from color_mesh.analysis.traffic import calls, deliveries
from color_mesh.envoy.security import policy_for, speaks_tls
from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    ClientTls,
    FileCertificate,
    FileTrust,
    Listener,
    ListenerTls,
    Mesh,
    SdsCertificate,
    SdsTrust,
)
from color_mesh.model.arns import DECLARED_ARN
from color_mesh.model.tls import sources

_NO_SDS = "no Secret Discovery Service runs beside Envoy (certificates in files, ACM and AWS Private CA stay)"
_MOUNT = (
    "certificates are read from the same files, now in the upstream Envoy container: mount a volume that holds them "
    "with envoy_container.add_mount_points(...)"
)


def keep_tls_without_sds(mesh: Mesh) -> tuple[Mesh, Sequence[Finding]]:
    """Remove TLS that takes certificates from SDS.

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
    findings += _validation_findings(converted)
    findings += _source_findings(converted)
    return converted, findings


def _listener_findings(mesh: Mesh) -> Iterator[Finding]:
    for subject, tls in _listener_settings(mesh):
        if not _uses_sds(tls):
            continue
        if tls.mode == "DISABLED":
            yield changed(subject, "the disabled TLS settings are removed")
        else:
            yield lost(subject, f"TLS ({tls.mode}) is removed and the listener accepts plaintext: {_NO_SDS}")


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
    if _uses_sds(tls):
        yield lost(subject, f"the TLS client policy is removed: {_NO_SDS}")
    elif tls.enforce and not enforced:
        yield lost(subject, "TLS is not enforced any more, but used where listeners still have it")


def _listeners(listeners: Sequence[Listener]) -> tuple[Listener, ...]:
    return tuple(
        replace(each, tls=None) if each.tls is not None and _uses_sds(each.tls) else each for each in listeners
    )


def _client_tls(tls: ClientTls | None, enforced: bool) -> ClientTls | None:
    if tls is None or _uses_sds(tls):
        return None
    return replace(tls, enforce=tls.enforce and enforced)


def _uses_sds(tls: ListenerTls | ClientTls) -> bool:
    return any(isinstance(source, SdsCertificate | SdsTrust) for source in sources([tls]))


def _validation_findings(mesh: Mesh) -> Iterator[Finding]:
    """Yield the callers that App Mesh let validate certificates of ACM without a client policy."""
    subjects = [
        subject_of(call.caller)
        for call in calls(mesh)
        for way in deliveries(mesh, call.service)
        if way.listener.tls is not None
        and speaks_tls(way.listener)
        and isinstance(way.listener.tls.certificate, AcmCertificate)
        and policy_for(way.listener, call.client_tls) is None
    ]
    for subject in dict.fromkeys(subjects):
        text = (
            "it uses TLS, and does not validate certificates of ACM any more, as App Mesh did: give it "
            "client_tls=ClientTls(validation=...) with the certificate authority"
        )
        yield lost(subject, text)


def _source_findings(mesh: Mesh) -> Iterator[Finding]:
    listeners, policies = _listener_settings(mesh), _client_policies(mesh)
    used = [*sources(tls for _, tls in listeners), *sources(tls for _, tls in policies)]
    if any(isinstance(source, FileCertificate | FileTrust) for source in used):
        yield to_do("TLS", _MOUNT)
    arns = [source.arn for source in used if isinstance(source, AcmCertificate)]
    arns += [arn for source in used if isinstance(source, AcmTrust) for arn in source.certificate_authority_arns]
    for arn in dict.fromkeys(arns):
        if arn.startswith(DECLARED_ARN):
            name = arn.removeprefix(DECLARED_ARN)
            text = f"replace {arn!r} by the ARN of {name!r}, which the old templates declare: it is not migrated"
            yield to_do("TLS", text)
