"""A live view of who calls whom, from the statistics of the Envoys."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from color_mesh.local.client.connection import request
from color_mesh.report import columns

PAUSE_SECONDS = 1.0
_CLEAR = "\x1b[H\x1b[2J"

# A caller and whom it calls.
Call = tuple[str, str]


def watch() -> Iterator[str]:
    """Write a table every second of what happened in it, until nobody wants more."""
    before, then = _counted(), time.monotonic()
    while True:
        time.sleep(PAUSE_SECONDS)
        now, at = _counted(), time.monotonic()
        clear = _CLEAR if sys.stdout.isatty() else ""
        yield f"{clear}{datetime.now():%H:%M:%S}\n{table(before, now, at - then)}\n"
        before, then = now, at


def _counted() -> dict[str, Counter[Call]]:
    return count(request({"command": "traffic"}))


def count(answer: Any) -> dict[str, Counter[Call]]:
    """Add up what the Envoys counted: requests or connections of each caller, and how many of them failed."""
    counted: dict[str, Counter[Call]] = {"sent": Counter(), "failed": Counter(), "retried": Counter()}
    clusters: Mapping[str, str] = answer["clusters"]
    for envoy in answer["traffic"]:
        stats = envoy["stats"]
        for cluster, node in clusters.items():
            requests = stats.get(f"cluster.{cluster}.upstream_rq_total", 0)
            connections = stats.get(f"cluster.{cluster}.upstream_cx_total", 0)
            if not connections and not stats.get(f"cluster.{cluster}.upstream_cx_connect_fail", 0):
                continue
            call = (envoy["service"], node)
            refused = stats.get(f"cluster.{cluster}.upstream_cx_connect_fail", 0)
            counted["sent"][call] += requests or connections
            counted["failed"][call] += stats.get(f"cluster.{cluster}.upstream_rq_5xx", 0) if requests else refused
            counted["retried"][call] += stats.get(f"cluster.{cluster}.upstream_rq_retry", 0)
        if envoy["gateway"]:
            call = ("(clients)", envoy["service"])
            counted["sent"][call] += stats.get("http.ingress.downstream_rq_total", 0)
            counted["failed"][call] += stats.get("http.ingress.downstream_rq_5xx", 0)
    return counted


def table(before: Mapping[str, Counter[Call]], now: Mapping[str, Counter[Call]], seconds: float) -> str:
    """Write what was called between two counts, with each callee's share of its caller's calls."""
    sent = {call: max(0, count - before["sent"][call]) for call, count in now["sent"].items()}
    rows = [("CALLER", "CALLED", "PER SECOND", "SHARE", "FAILED", "RETRIED", "IN ALL")]
    for call in sorted(sent):
        of_caller = sum(count for other, count in sent.items() if other[0] == call[0])
        share = f"{100 * sent[call] / of_caller:.0f} %" if of_caller else "-"
        failed = now["failed"][call] - before["failed"][call]
        retried = now["retried"][call] - before["retried"][call]
        rows.append((*call, f"{sent[call] / seconds:.1f}", share, str(failed), str(retried), str(now["sent"][call])))
    return columns(rows)
