"""Measure how long local meshes of several sizes take to become healthy, and how much memory they use."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
SIZES = (5, 20, 50)
DEADLINE_SECONDS = 120
HEALTHY = re.compile(r"^ *([0-9.]+) s  the mesh is healthy", re.MULTILINE)


def main() -> None:
    """Print the seconds and the memory of the tutorial's mesh, then those of meshes of each size."""
    command = shutil.which("color-mesh") or "color-mesh"
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores; memory: proportional set size of all processes")
    seconds, mebibytes = measure(command, ["app.py"])
    print(f"{'the tutorial, 6 tasks':22} healthy in {seconds:5.1f} s  {mebibytes:6.0f} MiB")
    first = 0.0
    for size in SIZES:
        seconds, mebibytes = measure(command, ["bench/mesh_app.py", str(size)])
        first = first or seconds / size
        print(
            f"{f'{size} nodes':22} healthy in {seconds:5.1f} s  {mebibytes:6.0f} MiB  "
            f"a node: {seconds / size / first:4.2f} times the first row's time, {mebibytes / size:3.0f} MiB"
        )


def measure(command: str, app: list[str]) -> tuple[float, float]:
    """Run what an app synthesizes, and return the seconds until it is healthy and its memory in MiB at that time."""
    with tempfile.TemporaryDirectory() as folder:
        synthesize(app, folder)
        output_file = Path(folder, "output")
        with output_file.open("wb") as output:
            run = subprocess.Popen([command, "up", "--port", "18080"], cwd=folder, stdout=output, stderr=output)
            try:
                deadline = time.monotonic() + DEADLINE_SECONDS
                while not (healthy := HEALTHY.search(output_file.read_text())):
                    if run.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit(f"the mesh did not become healthy:\n{output_file.read_text()}")
                    time.sleep(0.05)
                return float(healthy[1]), sum(map(_proportional_kibibytes, _descendants(run.pid))) / 1024
            finally:
                run.terminate()
                run.wait()


def synthesize(app: list[str], folder: str) -> None:
    """Synthesize an app to a folder, and copy the programs there that run in place of its images."""
    environment = {**os.environ, "CDK_OUTDIR": f"{folder}/cdk.out", "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    devnull = subprocess.DEVNULL
    subprocess.run([sys.executable, *app], check=True, cwd=ROOT, env=environment, stdout=devnull, stderr=devnull)
    shutil.copy(ROOT / "color-mesh.json", folder)
    shutil.copytree(ROOT / "images", f"{folder}/images")


def _descendants(pid: int) -> list[int]:
    """Return the ids of a process and of all its descendants."""
    pids = [pid]
    for parent in pids:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                pids += map(int, children.read_text().split())
    return pids


def _proportional_kibibytes(pid: int) -> int:
    """Return the proportional set size of a process in KiB; 0 if it has ended."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return 0


if __name__ == "__main__":
    main()
