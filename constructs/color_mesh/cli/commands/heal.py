"""``color-mesh heal``: let an API of AWS work again in the running mesh."""

import argparse

from color_mesh.local.client.connection import request


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    request({"command": "heal", "api": options.api})
    print(f"{options.api} works again.")
    return 0
