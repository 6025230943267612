"""``color-mesh logs``: print the logs of a task's containers."""

import argparse

from color_mesh.local.client.logs import read_logs


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    for stream, line in read_logs(options.target, options.follow):
        print(f"{stream}  {line}", flush=True)
    return 0
