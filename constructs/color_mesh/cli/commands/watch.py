"""``color-mesh watch``: print the requests between services every second."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from color_mesh.local.client.traffic import Traffic, read_traffic
from color_mesh.report import columns

_PAUSE_SECONDS = 1.0
_CLEAR_SCREEN = "\x1b[H\x1b[2J"


def run(_options: argparse.Namespace) -> int:
    """Run the command, until it is interrupted."""
    before, before_time = read_traffic(), time.monotonic()
    while True:
        time.sleep(_PAUSE_SECONDS)
        now, now_time = read_traffic(), time.monotonic()
        clear = _CLEAR_SCREEN if sys.stdout.isatty() else ""
        table = traffic_table(before, now, now_time - before_time)
        metrics = f"\n\n{metrics_table(now.rates)}" if now.rates else ""
        print(f"{clear}{datetime.now():%H:%M:%S}\n{table}{metrics}\n", flush=True)
        before, before_time = now, now_time


def traffic_table(before: Traffic, now: Traffic, seconds: float) -> str:
    """Render the calls between two readings, each with its share of all calls of its caller."""
    sent = {call: max(0, count - before.sent[call]) for call, count in now.sent.items()}
    rows = [("CALLER", "CALLED", "PER SECOND", "SHARE", "FAILED", "RETRIED", "TOTAL")]
    for call in sorted(sent):
        sent_by_caller = sum(count for other, count in sent.items() if other[0] == call[0])
        share = f"{100 * sent[call] / sent_by_caller:.0f} %" if sent_by_caller else "-"
        failed = now.failed[call] - before.failed[call]
        retried = now.retried[call] - before.retried[call]
        rows.append((*call, f"{sent[call] / seconds:.1f}", share, str(failed), str(retried), str(now.sent[call])))
    return columns(rows)


def metrics_table(rates: Sequence[Mapping[str, Any]]) -> str:
    """Render the rates and latencies of the metrics that the Envoys have sent."""
    rows = [("METRICS OF", "CALLED", "PER SECOND", "FAILED", "P50", "P99")]
    for rate in rates:
        per_second = rate["requests"] / rate["seconds"] if rate["seconds"] else 0.0
        latencies = (_latency(rate["p50"]), _latency(rate["p99"]))
        rows.append(
            (
                rate["service"],
                rate["peer"] or "-",
                f"{per_second:.1f}",
                str(rate["failed"]),
                *latencies,
            )
        )
    return columns(rows)


def _latency(milliseconds: float | None) -> str:
    """Render the upper bound of the bucket that has a latency."""
    return "-" if milliseconds is None else f"< {milliseconds:g} ms"
