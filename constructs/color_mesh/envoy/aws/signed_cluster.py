"""Clusters of AWS APIs that Envoy calls itself: over TLS, each request signed with the role of the task."""

from collections.abc import Sequence
from ipaddress import ip_address

from color_mesh.envoy.typed import (
    AWS_REQUEST_SIGNING,
    BUFFER,
    DNS_CLUSTER,
    HTTP_PROTOCOL_OPTIONS,
    UPSTREAM_CODEC,
    UPSTREAM_TLS,
    Json,
    extension,
    socket_address,
    typed,
)

# The run script of Envoy's container replaces these by the variables of its environment: the region of a stack may be
# known at deployment only, and a compressed configuration cannot refer to it.
REGION, URL_SUFFIX = "@AWS_REGION@", "@AWS_URL_SUFFIX@"
_TRUST_STORE = "/etc/ssl/certs/ca-certificates.crt"  # Of Debian and Ubuntu, on which the image is based.
_MAX_BODY_BYTES = 5_000_000
_CONNECT_TIMEOUT = "1s"
# Shorter than servers keep a connection, which would close it during a call.
_IDLE_TIMEOUT = "30s"
_REQUEST_TIMEOUT = "5s"
# Credentials are fetched after Envoy has initialized its clusters, so it would wait for the first answer in vain. The
# health check of the container waits for it instead.
_INITIAL_FETCH_TIMEOUT = "0.1s"


def signed_cluster(name: str, host: str, signing_name: str, filters: Sequence[Json] = ()) -> Json:
    """Render the cluster of an AWS API, with the HTTP filter that signs each request (Signature Version 4).

    Args:
        name: Name of the cluster.
        host: Host of the API, which may contain `REGION` and `URL_SUFFIX`.
        signing_name: Name of the service in the signature.
        filters: Upstream HTTP filters before the signature.
    """
    signing = extension(
        "envoy.filters.http.aws_request_signing",
        AWS_REQUEST_SIGNING,
        service_name=signing_name,
        region=REGION,
        host_rewrite=host,
        # Never the role of the EC2 instance: only the task's role has the permissions.
        credential_provider={"custom_credential_provider_chain": True, "container_credential_provider": {}},
    )
    return https_cluster(name, host, 443, [*filters, signing])


def rest_source(cluster: str, refresh_seconds: int) -> Json:
    """Render the configuration source whose REST subscriptions go to the cluster of an AWS API.

    Args:
        cluster: Name of the cluster.
        refresh_seconds: Time between two requests, to which Envoy adds a random time that is at most as long.
    """
    return {
        "resource_api_version": "V3",
        "initial_fetch_timeout": _INITIAL_FETCH_TIMEOUT,
        "api_config_source": {
            "api_type": "REST",
            "transport_api_version": "V3",
            "cluster_names": [cluster],
            "refresh_delay": f"{refresh_seconds}s",
            "request_timeout": _REQUEST_TIMEOUT,
        },
    }


def https_cluster(name: str, host: str, port: int, filters: Sequence[Json] = ()) -> Json:
    """Render the cluster of a server with a public certificate for its name."""
    validation = {
        "trusted_ca": {"filename": _TRUST_STORE},
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": host}}],
    }
    tls = {"sni": host, "common_tls_context": {"validation_context": validation}}
    socket = extension("envoy.transport_sockets.tls", UPSTREAM_TLS, **tls)
    return {**http_cluster(name, host, port, filters), "transport_socket": socket}


def http_cluster(name: str, host: str, port: int, filters: Sequence[Json] = ()) -> Json:
    """Render the cluster of a server that is called with HTTP/1.1, with upstream HTTP filters."""
    options = typed(
        HTTP_PROTOCOL_OPTIONS,
        common_http_protocol_options={"idle_timeout": _IDLE_TIMEOUT},
        explicit_http_config={"http_protocol_options": {}},
        http_filters=[*filters, extension("envoy.filters.http.upstream_codec", UPSTREAM_CODEC)],
    )
    return {
        "name": name,
        **_discovery(host),
        "connect_timeout": _CONNECT_TIMEOUT,
        "typed_extension_protocol_options": {HTTP_PROTOCOL_OPTIONS: options},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address(host, port)}}]}],
        },
    }


def whole_bodies() -> Json:
    """Render the upstream HTTP filter that sends the length of a body. Envoy's own requests have bodies in chunks."""
    return extension("envoy.filters.http.buffer", BUFFER, max_request_bytes=_MAX_BODY_BYTES)


def _discovery(host: str) -> Json:
    try:
        ip_address(host)
    except ValueError:
        return {
            "cluster_type": extension(
                "envoy.cluster.dns",
                DNS_CLUSTER,
                dns_failure_refresh_rate={"base_interval": "0.500s", "max_interval": "5s"},
                dns_lookup_family="V4_PREFERRED",
            )
        }
    return {"type": "STATIC"}  # DNS has no answer for an address.
