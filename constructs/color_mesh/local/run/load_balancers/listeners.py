"""Listeners of load balancers."""

from color_mesh.ecs.listeners import LoadBalancerListener
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.envoy.discovery import config_source, routes_file
from color_mesh.envoy.placement import ServerEndpoints
from color_mesh.envoy.typed import (
    DOWNSTREAM_TLS,
    EARLY_HEADER_MUTATION,
    HTTP_CONNECTION_MANAGER,
    LUA,
    ROUTER,
    TCP_PROXY,
    Json,
    extension,
    present,
    socket_address,
)
from color_mesh.local.run.certificate_authority import ServerCertificate
from color_mesh.local.run.load_balancers.redirects import REDIRECTS
from color_mesh.local.run.load_balancers.rules import PATH_HEADER, SOURCE_HEADER
from color_mesh.local.run.load_balancers.timeouts import idle_timeout, keep_alive

# Network Load Balancers User Guide, Connection idle timeout.
_TCP_IDLE_TIMEOUT = "350s"
_TLS_PROTOCOLS = ("HTTPS", "TLS")
# Responses 502 of application load balancers (User Guide, Troubleshoot, HTTP 502: Bad gateway): the connection to the
# target fails or ends, or its response is none. Envoy has 503 in their place.
_BAD_GATEWAY = ["UF", "UC", "UR", "UPE"]


def listener_name(listener: LoadBalancerListener) -> str:
    """Return the name of a listener and of its routes."""
    return f"{str(listener.protocol).lower()}_{listener.port}"


def tcp_listener(
    listener: LoadBalancerListener, _: LoadBalancer, _server: ServerEndpoints, certificate: ServerCertificate
) -> Json:
    """Render a listener of a network load balancer."""
    weights = listener.actions[-1].weights
    clusters = [{"name": group, "weight": weight} for group, weight in weights.items() if weight]
    name = listener_name(listener)
    # The proxy of TCP needs a cluster, even if no target group has a weight.
    used = next((each["name"] for each in clusters), next(iter(weights)))
    destination = {"weighted_clusters": {"clusters": clusters}} if len(clusters) > 1 else {"cluster": used}
    proxy = extension(
        "envoy.filters.network.tcp_proxy", TCP_PROXY, stat_prefix=name, idle_timeout=_TCP_IDLE_TIMEOUT, **destination
    )
    return _listener(listener, proxy, certificate, alpn=())


def http_listener(
    listener: LoadBalancerListener,
    load_balancer: LoadBalancer,
    server: ServerEndpoints,
    certificate: ServerCertificate,
) -> Json:
    """Render a listener of an application load balancer."""
    name, tls = listener_name(listener), listener.protocol == "HTTPS"
    timeout = idle_timeout(load_balancer)
    headers = {SOURCE_HEADER: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%", PATH_HEADER: "%PATH(NQ:PATH)%"}
    mutations = [
        {"append": {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
        for key, value in headers.items()
    ]
    mode = load_balancer.attributes.get("routing.http.xff_header_processing.mode", "append")
    bad_gateway = {"filter": {"response_flag_filter": {"flags": _BAD_GATEWAY}}, "status_code": 502}
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        HTTP_CONNECTION_MANAGER,
        stat_prefix=name,
        # Only listeners with HTTPS accept HTTP/2 (Application Load Balancers User Guide, Listener configuration).
        codec_type="AUTO" if tls else "HTTP1",
        http_protocol_options={"accept_http_10": True, "default_host_for_http_10": load_balancer.name},
        use_remote_address=True,
        skip_xff_append=True if mode != "append" else None,
        scheme_header_transformation={"scheme_to_overwrite": "https" if tls else "http"},
        server_header_transformation="PASS_THROUGH",
        generate_request_id=False,
        preserve_external_request_id=True,
        stream_idle_timeout=timeout,
        common_http_protocol_options={"idle_timeout": timeout, "max_connection_duration": keep_alive(load_balancer)},
        upgrade_configs=[{"upgrade_type": "websocket"}],
        early_header_mutation_extensions=[
            extension("envoy.http.early_header_mutation.header_mutation", EARLY_HEADER_MUTATION, mutations=mutations)
        ],
        local_reply_config={"mappers": [bad_gateway]},
        http_filters=[
            extension("envoy.filters.http.lua", LUA, default_source_code={"inline_string": REDIRECTS}),
            extension("envoy.filters.http.router", ROUTER, suppress_envoy_headers=True),
        ],
        rds={"route_config_name": name, "config_source": config_source(server, routes_file(name))},
    )
    return _listener(listener, manager, certificate, alpn=("h2", "http/1.1"))


def _listener(
    listener: LoadBalancerListener, network_filter: Json, certificate: ServerCertificate, alpn: tuple[str, ...]
) -> Json:
    tls = _tls(certificate, alpn) if listener.protocol in _TLS_PROTOCOLS else None
    return {
        "name": listener_name(listener),
        "address": socket_address("0.0.0.0", listener.port),
        "filter_chains": [present(filters=[network_filter], transport_socket=tls)],
    }


def _tls(certificate: ServerCertificate, alpn: tuple[str, ...]) -> Json:
    context = present(
        tls_certificates=[
            {
                "certificate_chain": {"inline_string": certificate.chain},
                "private_key": {"inline_string": certificate.private_key},
            }
        ],
        alpn_protocols=list(alpn) or None,
    )
    return extension("envoy.transport_sockets.tls", DOWNSTREAM_TLS, common_tls_context=context)
