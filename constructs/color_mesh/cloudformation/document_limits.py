"""Limits of the documents that are read, and the errors about files."""

from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import Any

from color_mesh.cloudformation.yaml_loader import MAX_VALUES
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

MAX_DEPTH = 100
MAX_KEY_LENGTH = 1000


def check_size(path: Path, document: Any) -> int:
    """Return the number of values, with aliases expanded, without expanding them.

    Raises:
        MeshError: If the document is nested too deeply or too large.
    """
    measured: dict[int, tuple[int, int]] = {}
    read = 0

    def measure(value: Any, depth: int) -> tuple[int, int]:
        """Return the number of values, and of the levels below this one; 100 characters count as a value."""
        nonlocal read
        if not isinstance(value, dict | list):
            _check_plain(path, value)
            # Aliases may repeat a long text, which takes time wherever it is read.
            return 1 + (len(value) // 100 if isinstance(value, str) else 0), 0
        if id(value) not in measured:
            if depth > MAX_DEPTH:
                raise too_deep(path)
            read += len(value)
            if read > MAX_VALUES:
                # Without reading the others, which would take longer than parsing them.
                raise file_error(path, "has too many values", f"more than {MAX_VALUES}", f"at most {MAX_VALUES}")
            size, levels = 1, 0
            _check_keys(path, value if isinstance(value, dict) else ())
            for child in [*value, *value.values()] if isinstance(value, dict) else value:
                inner_size, inner_levels = measure(child, depth + 1)
                size += inner_size
                levels = max(levels, inner_levels + 1)
            measured[id(value)] = size, levels
        if depth + measured[id(value)][1] > MAX_DEPTH:
            raise too_deep(path)
        return measured[id(value)]

    count, _ = measure(document, 0)
    if count > MAX_VALUES:
        raise file_error(
            path, "is too large when expanded", f"{count} values", f"at most {MAX_VALUES}, with aliases expanded"
        )
    return count


def _check_keys(path: Path, keys: Iterable[str]) -> None:
    for key in keys:
        if len(key) > MAX_KEY_LENGTH:
            raise file_error(path, "has a key that is too long", key, f"at most {MAX_KEY_LENGTH} characters")


def _check_plain(path: Path, value: Any) -> None:
    """Raise if a scalar cannot be printed or has no JSON equivalent."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise file_error(path, "has an unpaired surrogate", value, "write a complete character")
    elif isinstance(value, int):
        if value.bit_length() > 1000:
            raise file_error(path, "has a number that is too large", f"{value.bit_length()} bits", "at most 1000 bits")
    elif value is not None and not (isinstance(value, float) and isfinite(value)):
        raise file_error(
            path, "has a value that templates do not support", value, "text, a number, true, false or null"
        )


def too_deep(path: Path) -> MeshError:
    """Return the error of a document that is nested too deeply."""
    return file_error(
        path, "is nested too deeply", f"more than {MAX_DEPTH} levels", "remove levels, or an alias that contains itself"
    )


def file_error(path: Path, wrong: str, got: object, fix: str) -> MeshError:
    """Return the error of a file."""
    return MeshError([problem(str(path), wrong, got, fix)])
