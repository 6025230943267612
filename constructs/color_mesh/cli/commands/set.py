"""``color-mesh set``: change a route or a virtual node of the running mesh."""

import argparse
import re
from typing import Any

from color_mesh.local.client.connection import request
from color_mesh.model.errors import problem, refuse


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    change = _route_change(options) if options.part == "route" else _node_change(options)
    request({"command": "set", "part": options.part, "name": options.name, **change})
    print(f"Changed {options.part} {options.name}, until the mesh stops or its templates change.")
    return 0


def _route_change(options: argparse.Namespace) -> dict[str, Any]:
    weights = [target.partition("=") for target in options.weights.split(",")]
    refuse(
        problem(f"set route {options.name}", "not NODE=WEIGHT", "".join(target), "such as green=4,yellow=1")
        for target in weights
        if not (target[0] and re.fullmatch(r"[0-9]+", target[2]))
    )
    return {"weights": {node: int(weight) for node, _, weight in weights}}


def _node_change(options: argparse.Namespace) -> dict[str, Any]:
    return {"backends": [name.strip() for name in options.backends.split(",") if name.strip()]}
