"""Requests between the services of the running mesh, from the statistics of its Envoys."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from color_mesh.local.client.connection import request

# A caller and the virtual node or gateway that it calls.
Call = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """Calls since the Envoys started, counted by caller and called service.

    Attributes:
        sent: Requests, or connections where Envoy does not see requests.
        failed: Responses of status 5xx, or connections that failed.
        retried: Requests that Envoy has sent again.
        rates: Rates and latencies from the metrics that the Envoys have sent, by caller and called service.
    """

    sent: Counter[Call] = field(default_factory=Counter)
    failed: Counter[Call] = field(default_factory=Counter)
    retried: Counter[Call] = field(default_factory=Counter)
    rates: tuple[Mapping[str, Any], ...] = ()


def read_traffic() -> Traffic:
    """Read the traffic of the running mesh.

    Raises:
        MeshError: When no mesh runs from this folder.
    """
    return count_calls(request({"command": "traffic"}))


def count_calls(response: Any) -> Traffic:
    """Return the traffic that a response of the control socket reports."""
    traffic = Traffic(rates=tuple(response["rates"]))
    for envoy in response["traffic"]:
        stats = envoy["stats"]
        for cluster, node in response["clusters"].items():
            requests = stats.get(f"cluster.{cluster}.upstream_rq_total", 0)
            connections = stats.get(f"cluster.{cluster}.upstream_cx_total", 0)
            refused = stats.get(f"cluster.{cluster}.upstream_cx_connect_fail", 0)
            if not connections and not refused:
                continue
            call = (envoy["service"], node)
            traffic.sent[call] += requests or connections
            traffic.failed[call] += stats.get(f"cluster.{cluster}.upstream_rq_5xx", 0) if requests else refused
            traffic.retried[call] += stats.get(f"cluster.{cluster}.upstream_rq_retry", 0)
        if envoy["gateway"]:
            call = ("(clients)", envoy["service"])
            traffic.sent[call] += stats.get("http.ingress.downstream_rq_total", 0)
            traffic.failed[call] += stats.get("http.ingress.downstream_rq_5xx", 0)
    return traffic
