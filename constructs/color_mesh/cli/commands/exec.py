"""``color-mesh exec``: run a command in a container."""

import argparse
import signal

from color_mesh.local.client.connection import execute
from color_mesh.model.errors import problem, refuse


def run(options: argparse.Namespace) -> int:
    """Run the command; the exit status is that of the command in the container."""
    arguments = [*options.arguments, *options.rest]
    if not arguments:
        refuse([problem("exec", "no command", None, f"such as: color-mesh exec {options.target} -- curl localhost")])
    try:
        return execute(options.target, options.container, arguments)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
