"""``color-mesh logs``: print the logs of a task's containers."""

import argparse

from color_mesh.local.client.logs import read_logs
from color_mesh.model.errors import printable


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    for stream, line in read_logs(options.target, options.follow):
        # Tabs have no effect beyond the line.
        print("\t".join(map(printable, f"{stream}  {line}".split("\t"))), flush=True)
    return 0
