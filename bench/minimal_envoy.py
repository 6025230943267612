"""Minimal configurations of Envoy, written by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def tls_sockets(certificates: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the transport sockets of a server and of its client, which validate each other."""

    def socket(kind: str, name: str, peer: str, **more: Any) -> dict[str, Any]:
        files = {"certificate_chain": f"{name}.pem", "private_key": f"{name}.key"}
        validation = {
            "trusted_ca": {"filename": str(certificates / "ca.pem")},
            "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": f"{peer}.bench.local"}}],
        }
        context = {
            "@type": f"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{kind}TlsContext",
            "common_tls_context": {
                "tls_certificates": [{key: {"filename": str(certificates / file)} for key, file in files.items()}],
                "validation_context": validation,
            },
            **more,
        }
        return {"name": "envoy.transport_sockets.tls", "typed_config": context}

    return (
        socket("Downstream", "callee", "caller", require_client_certificate=True),
        socket("Upstream", "caller", "callee"),
    )


def proxy(
    address: str,
    port: int,
    upstream: str | None,
    server: Mapping[str, Any] | None = None,
    client: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a minimal configuration that forwards requests to an address, or answers them without one.

    Args:
        address: Address of the Envoy.
        port: Port of the Envoy, and of the next one.
        upstream: Address to which requests are forwarded. ``None``: they are answered.
        server: Transport socket of the listener. Default: plaintext.
        client: Transport socket of the connections to ``upstream``. Default: plaintext.
    """
    route: dict[str, Any] = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "x"}},
    }
    clusters: list[dict[str, Any]] = []
    if upstream:
        route = {"match": {"prefix": "/"}, "route": {"cluster": "next"}}
        endpoint = {"endpoint": {"address": {"socket_address": {"address": upstream, "port_value": port}}}}
        assignment = {"cluster_name": "next", "endpoints": [{"lb_endpoints": [endpoint]}]}
        cluster = {"name": "next", "type": "STATIC", "load_assignment": assignment}
        clusters = [{**cluster, **({"transport_socket": client} if client else {})}]
    extensions = "type.googleapis.com/envoy.extensions.filters"
    filters = [{"name": "router", "typed_config": {"@type": f"{extensions}.http.router.v3.Router"}}]
    if not upstream:
        # Envoy closes the connection of a request that it answers before it has read the body.
        buffer = {"@type": f"{extensions}.http.buffer.v3.Buffer", "max_request_bytes": 5_000_000}
        filters.insert(0, {"name": "buffer", "typed_config": buffer})
    manager = {
        "@type": f"{extensions}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "http_filters": filters,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    listener = {
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [
            {
                "filters": [{"name": "http", "typed_config": manager}],
                **({"transport_socket": server} if server else {}),
            }
        ],
    }
    return {
        "admin": {"address": {"socket_address": {"address": address, "port_value": 9901}}},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }
