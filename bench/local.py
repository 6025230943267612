"""Measure how soon meshes of several sizes are healthy on this machine, and the memory that they take."""

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
    """Print the seconds and the memory of each size; then that of the tutorial's mesh."""
    command = shutil.which("color-mesh") or "color-mesh"
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores; memory is the processes' proportional share")
    tutorial = measured([command], ["app.py"])
    print(f"{'the tutorial, 6 tasks':22} healthy in {tutorial[0]:5.1f} s  {tutorial[1]:6.0f} MiB")
    first = 0.0
    for size in SIZES:
        seconds, mebibytes = measured([command], ["bench/mesh_app.py", str(size)])
        first = first or seconds / size
        print(
            f"{f'{size} nodes':22} healthy in {seconds:5.1f} s  {mebibytes:6.0f} MiB  "
            f"a node: {seconds / size / first:4.2f} times the first row's time, {mebibytes / size:3.0f} MiB"
        )


def measured(command: list[str], app: list[str]) -> tuple[float, float]:
    """Run what an app synthesizes; find the seconds until it was healthy, and the mebibytes that it took then."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "CDK_OUTDIR": f"{folder}/cdk.out", "PYTHONPATH": str(ROOT)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        subprocess.run(
            [sys.executable, *app], check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=-3
        )
        shutil.copy(ROOT / "color-mesh.json", folder)
        shutil.copytree(ROOT / "images", Path(folder, "images"))
        said = Path(folder, "said")
        with said.open("wb") as output:
            run = subprocess.Popen([*command, "up", "--port", "18080"], cwd=folder, stdout=output, stderr=output)
            try:
                deadline = time.monotonic() + DEADLINE_SECONDS
                while not (found := HEALTHY.search(said.read_text())):
                    if run.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit(f"the mesh did not become healthy:\n{said.read_text()}")
                    time.sleep(0.05)
                return float(found[1]), sum(map(_share, _processes(run.pid))) / 1024
            finally:
                run.terminate()
                run.wait()


def _processes(first: int) -> list[int]:
    found = [first]
    for pid in found:
        for thread in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, thread.read_text().split())
    return found


def _share(pid: int) -> int:
    """Find the kibibytes of a process, what it shares with others counted by its share."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return 0


if __name__ == "__main__":
    main()
