"""Environment variables of a terminal, which programs in a container need."""

from collections.abc import Mapping

_NAMES = ("TERM", "COLUMNS", "LINES", "LANG")


def terminal_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that describe its terminal and its language."""
    return {name: value for name, value in environment.items() if name in _NAMES or name.startswith("LC_")}
