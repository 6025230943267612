"""Entry point of the ``color-mesh`` command."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from color_mesh.cli.arguments import parse
from color_mesh.model import MeshError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Arguments of the command line. Default: those of this process.

    Returns:
        The exit status: 0 for success, 1 for invalid input. Invalid arguments exit with 2.
    """
    _open_closed_streams()
    options = parse(sys.argv[1:] if arguments is None else arguments)
    # Only the module of this command is imported, so that no command waits for what others need.
    command = import_module(f"color_mesh.cli.commands.{options.command}")
    try:
        status: int = command.run(options)
        sys.stdout.flush()
    except MeshError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0  # The normal end of `watch` and `logs --follow`.
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Without this, Python would fail again when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _open_closed_streams() -> None:
    """Open standard streams that were closed when this process started.

    Python has none then, and the next files that are opened would get their descriptors.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 -- open until the process ends
