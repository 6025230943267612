"""Processes that run a module of this package."""

import sys


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``main`` of a module in a new Python process.

    ``python -m`` would import from the working folder first, and so run a ``json.py`` beside the templates of somebody
    else (Python documentation, *sys.path*). The path is empty for that folder.
    """
    code = f"import sys; sys.path = [each for each in sys.path if each]; from {module} import main; sys.exit(main())"
    return [sys.executable, "-c", code, *arguments]
