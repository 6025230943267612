"""Rehearse the deployment of each data plane that is named: ``python -m rehearsal app-mesh``."""

import sys
import tempfile
import time
from pathlib import Path

from rehearsal.command_line import RehearsalError
from rehearsal.emulated_aws import trouble
from rehearsal.planes import PLANES
from rehearsal.steps import rehearse


def main() -> int:
    """Rehearse, and tell how long it took."""
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
