"""Measure synthesis against an empty CDK app, in alternating runs, all with the CDK's validation."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
RUNS = 5
FEW, MANY = 10, 50
APPS = {
    "empty app": ["bench/empty_app.py"],
    "the tutorial's mesh": ["app.py"],
    f"mesh of {FEW} nodes": ["bench/mesh_app.py", str(FEW)],
    f"mesh of {MANY} nodes": ["bench/mesh_app.py", str(MANY)],
}


def seconds(arguments: list[str]) -> float:
    """Return the duration of one run of an app, started as ``cdk synth`` starts it."""
    with tempfile.TemporaryDirectory() as out:
        environment = {**os.environ, "CDK_OUTDIR": out, "PYTHONPATH": str(ROOT)}
        # Without this, Python would compile every module again in each run.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        start = time.perf_counter()
        process = subprocess.run(
            [sys.executable, *arguments],
            check=False,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        duration = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"{' '.join(arguments)} failed:\n{process.stderr.decode()}")
    return duration


def main() -> None:
    """Print the medians, their ratios to the empty app, and the time for each added node."""
    for arguments in APPS.values():  # fill the caches
        seconds(arguments)
    times: dict[str, list[float]] = {name: [] for name in APPS}
    for run in range(RUNS):
        print(f"run {run + 1} of {RUNS} ...", file=sys.stderr, flush=True)
        for name, arguments in APPS.items():
            times[name].append(seconds(arguments))
    empty = median(times["empty app"])
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores, median of {RUNS} alternating runs")
    for name, durations in times.items():
        print(f"{name:22} {median(durations):5.2f} s  {median(durations) / empty:5.2f} times the empty app")
    few, many = (median(times[f"mesh of {count} nodes"]) for count in (FEW, MANY))
    print(f"each added node         {(many - few) / (MANY - FEW) * 1000:5.0f} ms")


if __name__ == "__main__":
    main()
