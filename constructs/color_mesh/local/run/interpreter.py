"""Processes that run a module or a script of this package."""

import sys


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``main`` of a module in a new Python process.

    ``python -m`` would import from the working folder first, and so run a ``json.py`` beside the templates of somebody
    else (Python documentation, *sys.path*). The path is empty for that folder.
    """
    code = f"import sys; sys.path = [each for each in sys.path if each]; from {module} import main; sys.exit(main())"
    return [sys.executable, "-c", code, *arguments]


def script_command(script: str, *arguments: str) -> list[str]:
    """Return the command that runs a script, which imports only the standard library, in a new Python process.

    It is isolated from the environment, the working folder and packages, so it starts fast and runs nobody else's code.
    """
    return [sys.executable, "-I", "-S", script, *arguments]
