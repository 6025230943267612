"""``color-mesh down``: stop the running mesh."""

import argparse

from color_mesh.local.client.connection import stop_mesh


def run(_options: argparse.Namespace) -> int:
    """Run the command."""
    print("The mesh has stopped." if stop_mesh() else "No mesh runs from here.")
    return 0
