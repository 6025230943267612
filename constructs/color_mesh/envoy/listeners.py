"""Listeners and their filter chains."""

from collections.abc import Mapping, Sequence

from color_mesh.envoy.placement import EGRESS_PORT, Placement
from color_mesh.envoy.security import downstream
from color_mesh.envoy.typed import (
    ORIGINAL_DST,
    RUNTIME_FRACTION,
    SERVER_NAME_INPUT,
    SOURCE_PORT_INPUT,
    STRING_VALUE,
    TLS_INSPECTOR,
    Json,
    extension,
    present,
    socket_address,
)
from color_mesh.model import Listener

_ORIGINAL_DST = extension("envoy.filters.listener.original_dst", ORIGINAL_DST)
_TLS_INSPECTOR = extension("envoy.filters.listener.tls_inspector", TLS_INSPECTOR)
# The TLS inspector waits for the first bytes of the client, which never come in protocols where the server sends first,
# such as MySQL or SMTP. It is needed for the endpoints of AWS only, so it is disabled for other ports than 443.
_HTTPS_INSPECTOR = {
    **_TLS_INSPECTOR,
    "filter_disabled": {"not_match": {"destination_port_range": {"start": 443, "end": 444}}},
}
# Envoy matches destination addresses before server names, so each chain has all addresses and the match ignores them.
_ALL_ADDRESSES = [{"address_prefix": "0.0.0.0", "prefix_len": 0}, {"address_prefix": "::", "prefix_len": 0}]


def filter_chain(
    match: Json, network_filter: Json, transport_socket: Json | None = None, metadata: Json | None = None
) -> Json:
    """Render a filter chain."""
    return present(
        filter_chain_match=match or None,
        filters=[network_filter],
        transport_socket=transport_socket,
        metadata=metadata,
    )


def tls_filter_chains(
    match: Json,
    listener: Listener,
    placement: Placement,
    network_filter: Json,
    tls_network_filter: Json | None = None,
) -> list[Json]:
    """Render the filter chain of a listener, or one for TLS and one for plaintext in TLS mode ``PERMISSIVE``.

    Args:
        match: Match of the chains.
        listener: The listener.
        placement: Settings of the Envoy.
        network_filter: Network filter.
        tls_network_filter: Network filter of connections with TLS. Default: ``network_filter``.
    """
    tls = listener.tls
    tls_network_filter = tls_network_filter or network_filter
    if tls is None or tls.mode == "DISABLED":
        return [filter_chain(match, network_filter)]
    socket = downstream(listener, tls, placement)
    if tls.mode == "STRICT":
        return [filter_chain(match, tls_network_filter, transport_socket=socket)]
    return [
        filter_chain({**match, "transport_protocol": "tls"}, tls_network_filter, transport_socket=socket),
        filter_chain({**match, "transport_protocol": "raw_buffer"}, network_filter),
    ]


def inbound_listener(
    address: str, port: int, chains: Sequence[Json], *, redirected: bool, metadata: Json | None = None
) -> Json:
    """Render a listener for other tasks; with ``redirected``, for connections that were redirected to its port."""
    needs_inspector = any("transport_protocol" in chain.get("filter_chain_match", {}) for chain in chains)
    filters = [*([_ORIGINAL_DST] if redirected else []), *([_TLS_INSPECTOR] if needs_inspector else [])]
    return present(
        name=f"lds_ingress_{address}_{port}",
        address=socket_address(address, port),
        metadata=metadata,
        traffic_direction="INBOUND",
        listener_filters=filters or None,
        filter_chains=list(chains),
    )


def outbound_listener(address: str, port: int, chains: Sequence[Json]) -> Json:
    """Render a listener for connections of the task, on an address that only the task can reach."""
    return {
        "name": f"lds_egress_{address}_{port}",
        "address": socket_address(address, port),
        "traffic_direction": "OUTBOUND",
        "filter_chains": list(chains),
    }


def weighted_outbound_listener(address: str, port: int, chains: Mapping[str, Json]) -> Json:
    """Render a listener for connections of the task, which have filter chains by weight.

    Args:
        address: Address that only the task can reach.
        port: Port number.
        chains: Filter chains by runtime key of the share that a chain and those before it have of the connections.
            Until Envoy has read the shares, the first chain has all connections.
    """
    # The matcher compares a hash of the source port with the share. Without a seed all matchers have the same hash.
    source_port = extension("envoy.matching.inputs.source_port", SOURCE_PORT_INPUT)
    matchers = [
        {
            "predicate": {"single_predicate": {"input": source_port, "custom_match": _share(key)}},
            "on_match": {"action": extension(key, STRING_VALUE, value=key)},
        }
        for key in chains
    ]
    return {
        **outbound_listener(address, port, [{"name": key, **chain} for key, chain in chains.items()]),
        "filter_chain_matcher": {"matcher_list": {"matchers": matchers}},
    }


def with_chain_of_server_name(listener: Json, suffix: str, chain: Json) -> Json:
    """Return a listener with filter chains by weight that has another chain for the server names with a suffix."""
    server_name = extension("envoy.matching.inputs.server_name", SERVER_NAME_INPUT)
    matcher = {
        "predicate": {"single_predicate": {"input": server_name, "value_match": {"suffix": suffix}}},
        "on_match": {"action": extension(suffix, STRING_VALUE, value=suffix)},
    }
    matchers = [matcher, *listener["filter_chain_matcher"]["matcher_list"]["matchers"]]
    return {
        **listener,
        "listener_filters": [_TLS_INSPECTOR],
        "filter_chains": [{"name": suffix, **chain}, *listener["filter_chains"]],
        "filter_chain_matcher": {"matcher_list": {"matchers": matchers}},
    }


def redirected_outbound_listener(address: str, chains: Sequence[Json], *, hands_off: bool) -> Json:
    """Render the listener for all connections of the task, which are redirected to its port.

    With ``hands_off`` it leaves connections to the ports of other listeners to these.
    """
    chains_with_addresses = [
        {**chain, "filter_chain_match": {**chain.get("filter_chain_match", {}), "prefix_ranges": _ALL_ADDRESSES}}
        for chain in chains
    ]
    listener = outbound_listener(address, EGRESS_PORT, chains_with_addresses)
    hand_off = {"use_original_dst": True} if hands_off else {}
    return {**listener, **hand_off, "listener_filters": [_ORIGINAL_DST, _HTTPS_INSPECTOR]}


def _share(key: str) -> Json:
    everything = {"numerator": 1_000_000, "denominator": "MILLION"}
    fraction = {"runtime_key": key, "default_value": everything}
    return extension("envoy.matching.matchers.runtime_fraction", RUNTIME_FRACTION, runtime_fraction=fraction)
