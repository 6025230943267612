"""Rehearse deployments: ``python -m rehearsal app-mesh``. Default: all of them."""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rehearsal.canary import rehearse_canary
from rehearsal.changes import rehearse_changes
from rehearsal.command_line import RehearsalError
from rehearsal.emulated_aws import last_error
from rehearsal.examples import rehearse_existing_service, rehearse_two_apps
from rehearsal.live_sources import rehearse_live_sources
from rehearsal.planes import PLANES
from rehearsal.steps import rehearse

# docs/rationale.md, "The rehearsal", says why.
NOT_CHECKED = (
    "whether tasks start, pull their images, become healthy and are reached (color-mesh up shows that)",
    "permissions of roles",
    "quotas and durations",
    "validation that only Fargate and load balancers do",
    "change sets, and the lookup of a VPC",
)


def main() -> int:
    """Run the rehearsal; print its duration and what it does not check."""
    rehearsals: dict[str, Callable[[Path], None]] = {plane.name: partial(rehearse, plane) for plane in PLANES}
    rehearsals["existing_service"] = rehearse_existing_service
    rehearsals["two_apps"] = rehearse_two_apps
    rehearsals["changes"] = rehearse_changes
    rehearsals["canary"] = rehearse_canary
    rehearsals["live_sources"] = rehearse_live_sources
    start = time.perf_counter()
    for name in sys.argv[1:] or rehearsals:
        print(f"{name}:")
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            try:
                rehearsals[name](Path(folder))
            except RehearsalError as error:
                print(f"failed\n\n{error}{last_error(Path(folder) / 'emulator.log')}", file=sys.stderr)
                return 1
    print(f"rehearsed in {time.perf_counter() - start:.0f} s")
    print("not checked: " + "; ".join(NOT_CHECKED))
    return 0


if __name__ == "__main__":
    sys.exit(main())
