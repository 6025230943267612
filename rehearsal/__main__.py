"""Rehearse the deployment of each data plane that is named: ``python -m rehearsal app-mesh``."""

import sys
import tempfile
import time
from pathlib import Path

from rehearsal.command_line import RehearsalError
from rehearsal.emulated_aws import trouble
from rehearsal.planes import PLANES
from rehearsal.steps import rehearse

# docs/rationale.md, "The rehearsal", says why.
NOT_CHECKED = (
    "whether tasks start, pull their images, become healthy and are reached (color-mesh up shows that)",
    "what roles may do",
    "quotas, and how long anything takes",
    "what only Fargate, or a load balancer, would say of what it is given",
    "change sets, and looking up a VPC",
)


def main() -> int:
    """Rehearse, and tell how long it took and what it says nothing about."""
    planes = {plane.name: plane for plane in PLANES}
    begin = time.perf_counter()
    for name in sys.argv[1:] or planes:
        print(f"{name}:")
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            try:
                rehearse(planes[name], Path(folder))
            except RehearsalError as error:
                print(f"failed\n\n{error}{trouble(Path(folder) / 'emulator.log')}", file=sys.stderr)
                return 1
    print(f"rehearsed in {time.perf_counter() - begin:.0f} s")
    print("not checked: " + "; ".join(NOT_CHECKED))
    return 0


if __name__ == "__main__":
    sys.exit(main())
