"""Listeners: what Envoy listens on, and which filter chain a connection goes through."""

from collections.abc import Sequence

from color_mesh.envoy.placement import EGRESS_PORT
from color_mesh.envoy.typed import ORIGINAL_DST, TLS_INSPECTOR, Json, extension, present, socket_address

_ORIGINAL_DST = extension("envoy.filters.listener.original_dst", ORIGINAL_DST)
_TLS_INSPECTOR = extension("envoy.filters.listener.tls_inspector", TLS_INSPECTOR)
# Looking for TLS waits for the client to speak first, which clients of MySQL or SMTP never do: only AWS's own
# endpoints are told by it, and they are on port 443.
_HTTPS_INSPECTOR = {
    **_TLS_INSPECTOR,
    "filter_disabled": {"not_match": {"destination_port_range": {"start": 443, "end": 444}}},
}
# Envoy prefers a chain that names addresses to one that does not, whatever else they say. So all of them name all.
_ANYWHERE = [{"address_prefix": "0.0.0.0", "prefix_len": 0}, {"address_prefix": "::", "prefix_len": 0}]


def filter_chain(
    match: Json, network_filter: Json, transport_socket: Json | None = None, metadata: Json | None = None
) -> Json:
    """Write what connections that match go through."""
    return present(
        filter_chain_match=match or None,
        filters=[network_filter],
        transport_socket=transport_socket,
        metadata=metadata,
    )


def inbound_listener(
    address: str, port: int, chains: Sequence[Json], *, redirected: bool, metadata: Json | None = None
) -> Json:
    """Write a listener for others; ``redirected`` when connections were going to other ports."""
    inspected = any("transport_protocol" in chain.get("filter_chain_match", {}) for chain in chains)
    filters = [*([_ORIGINAL_DST] if redirected else []), *([_TLS_INSPECTOR] if inspected else [])]
    return present(
        name=f"lds_ingress_{address}_{port}",
        address=socket_address(address, port),
        metadata=metadata,
        traffic_direction="INBOUND",
        listener_filters=filters or None,
        filter_chains=list(chains),
    )


def outbound_listener(address: str, port: int, chains: Sequence[Json]) -> Json:
    """Write a listener for what the task itself sends, at an address of its own."""
    return {
        "name": f"lds_egress_{address}_{port}",
        "address": socket_address(address, port),
        "traffic_direction": "OUTBOUND",
        "filter_chains": list(chains),
    }


def redirected_outbound_listener(address: str, chains: Sequence[Json]) -> Json:
    """Write the listener for everything that the task sends."""
    anywhere = [
        {**chain, "filter_chain_match": {**chain.get("filter_chain_match", {}), "prefix_ranges": _ANYWHERE}}
        for chain in chains
    ]
    listener = outbound_listener(address, EGRESS_PORT, anywhere)
    return {**listener, "listener_filters": [_ORIGINAL_DST, _HTTPS_INSPECTOR]}
