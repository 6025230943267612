"""Load on pairs of sidecars, and the comparison of two pairs."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.envoys import cpu_seconds

SECONDS = 3
CONNECTIONS = 20
AUTOCANNON = Path(__file__).parent / "node_modules" / ".bin" / "autocannon"
SERVICE = "callee.bench.local"
PORT = 8080
COMPARISONS = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two sidecars, the first of which calls the second.

    Attributes:
        title: Title.
        network: Network of their addresses; the first has ``.1``.
        pids: Process ids.
    """

    title: str
    network: str
    pids: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measurement:
    rate: float
    p99: float
    micros: float


def load(network: str) -> dict[str, Any]:
    """Send requests to a pair of sidecars for some seconds, and return the results of autocannon."""
    address = f"{network}.1"
    command = [str(AUTOCANNON), "--json", "--no-progress", "-c", str(CONNECTIONS), "-d", str(SECONDS)]
    process = subprocess.run(
        [*command, "-H", f"Host={SERVICE}", f"http://{address}:{PORT}/"], capture_output=True, text=True, check=True
    )
    results: dict[str, Any] = json.loads(process.stdout)
    if results["non2xx"] or results["errors"]:
        sys.exit(f"{address}: {results['non2xx']} responses were not 2xx, {results['errors']} requests failed")
    return results


def compare(reference: Pair, *pairs: Pair) -> None:
    """Print the requests a second, the latency and the CPU time of pairs against those of another pair.

    Each pair is under load at the same time as the other one: what else the machine does then slows both down.
    """
    print(
        f"{os.cpu_count()} cores, {CONNECTIONS} connections to each of two pairs at the same time, "
        f"median of {COMPARISONS} runs of {SECONDS} s"
    )
    for pair in pairs:
        runs: list[tuple[_Measurement, _Measurement]] = []
        for run in range(COMPARISONS):
            print(f"{pair.title}: run {run + 1} of {COMPARISONS} ...", file=sys.stderr, flush=True)
            # The first one to start has the machine to itself.
            both = (reference, pair) if run % 2 else (pair, reference)
            with ThreadPoolExecutor(len(both)) as pool:
                results = dict(zip((each.title for each in both), pool.map(_measure, both), strict=True))
            runs.append((results[pair.title], results[reference.title]))
        for index, each in enumerate((pair, reference)):
            of_pair = [run[index] for run in runs]
            print(
                f"pair with {each.title:19} {median(one.rate for one in of_pair):6.0f} requests/s   "
                f"p99 {median(one.p99 for one in of_pair):4.1f} ms   "
                f"{median(one.micros for one in of_pair):4.0f} us of CPU a request"
            )
        rate, p99, micros = (_ratio(runs, figure) for figure in ("rate", "p99", "micros"))
        title = f"{pair.title} to {reference.title}"
        print(f"{title}: requests {rate:.3f}   p99 {p99:.3f}   CPU time a request {micros:.3f}")


def _measure(pair: Pair) -> _Measurement:
    before = sum(map(cpu_seconds, pair.pids))
    result = load(pair.network)
    micros = (sum(map(cpu_seconds, pair.pids)) - before) * 1e6 / result["requests"]["total"]
    return _Measurement(rate=result["requests"]["average"], p99=result["latency"]["p99"], micros=micros)


def _ratio(runs: Sequence[tuple[_Measurement, _Measurement]], figure: str) -> float:
    """Return the median of the ratios of the first pair to the other."""
    ratios: list[float] = [getattr(pair, figure) / getattr(reference, figure) for pair, reference in runs]
    return median(ratios)
