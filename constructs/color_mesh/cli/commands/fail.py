"""``color-mesh fail``: let an API of AWS fail in the running mesh."""

import argparse

from color_mesh.local.client.connection import request


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    effect = request({"command": "fail", "api": options.api, "kind": options.kind})["effect"]
    print(f"{options.api}: {effect}, until color-mesh heal {options.api}.")
    return 0
