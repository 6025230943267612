"""Parser of JSON and YAML files of any content, whose result is a document or an error with one message."""

import json
import stat
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from color_mesh.cloudformation.yaml_loader import MAX_VALUES, DuplicateKey, Loader, TemplateLoader
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

MAX_BYTES = 1_000_000  # AWS CloudFormation User Guide, Understand CloudFormation quotas: template body in S3
MAX_DEPTH = 100


def load(path: Path, max_bytes: int = MAX_BYTES) -> Mapping[str, Any]:
    """Parse a JSON or YAML file with an object, and the short forms of CloudFormation's functions in YAML.

    Raises:
        MeshError: If the file cannot be read or is too large, is not valid JSON or YAML, has duplicate keys, is nested
            too deeply, or is too large with its YAML aliases expanded.
    """
    text = _text(path, max_bytes)
    is_json = path.suffix == ".json" or (path.suffix not in (".yaml", ".yml") and text.lstrip().startswith("{"))
    document = _json(path, text) if is_json else _yaml(path, text)
    if not isinstance(document, dict):
        raise _error(path, "is not an object", type(document).__name__, "keys and values at its top")
    return document


def is_template(document: Mapping[str, Any]) -> bool:
    """Return whether a document is a CloudFormation template."""
    return "Resources" in document or "AWSTemplateFormatVersion" in document


def _text(path: Path, max_bytes: int) -> str:
    try:
        status = path.stat()
        size = status.st_size
        # Devices and pipes are not read: they may have no end.
        is_special = not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))
        text = path.read_text(encoding="utf-8-sig") if size <= max_bytes and not is_special else ""
    except OSError as error:
        raise _error(path, "cannot be read", error.strerror, "give an existing file or folder") from None
    except UnicodeDecodeError as error:
        raise _error(path, "is not text", f"byte {error.start} is not UTF-8", "JSON or YAML") from None
    except ValueError as error:
        # The path has a null character.
        raise _error(path, "cannot be read", str(error), "give an existing file or folder") from None
    if is_special:
        raise _error(path, "is not a regular file", stat.filemode(status.st_mode), "give a file or folder")
    if size > max_bytes:
        raise _error(path, "is too large", f"{size} bytes", f"at most {max_bytes}")
    return text


def _json(path: Path, text: str) -> Any:
    def with_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                raise _duplicate_key(path, key)
            result[key] = value
        return result

    try:
        document = json.loads(text, object_pairs_hook=with_unique_keys)
    except MeshError:
        raise
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise _error(path, "is not valid JSON", where, "correct it there") from None
    except RecursionError:
        raise _too_deep(path) from None
    except ValueError as error:
        raise _error(path, "is not valid JSON", _description(error), "correct it there") from None
    _check_size(path, document)
    return document


def _yaml(path: Path, text: str) -> Any:
    try:
        # The depth is checked by the parser's events first: PyYAML's loader is recursive.
        depth = 0
        for event in yaml.parse(text, Loader=Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise _too_deep(path)
        document = yaml.load(text, Loader=TemplateLoader)
    except MeshError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}" if mark else str(error.problem)
        raise _error(path, "is not valid YAML", where, "correct it there") from None
    except yaml.YAMLError as error:
        raise _error(path, "is not valid YAML", str(error).split("\n")[0], "correct it there") from None
    except DuplicateKey as error:
        raise _duplicate_key(path, error.args[0]) from None
    except (ArithmeticError, AttributeError, LookupError, ValueError) as error:
        # Errors of PyYAML for values that do not match their tags.
        raise _error(path, "is not valid YAML", _description(error), "write values that match their tags") from None
    _check_size(path, document)
    return document


def _check_size(path: Path, document: Any) -> None:
    """Raise if a document is nested too deeply or too large with its aliases expanded, without expanding them."""
    measured: dict[int, tuple[int, int]] = {}

    def measure(value: Any, depth: int) -> tuple[int, int]:
        """Return the number of values, and of the levels below this one."""
        if not isinstance(value, dict | list):
            _check_plain(path, value)
            return 1, 0
        if id(value) not in measured:
            if depth > MAX_DEPTH:
                raise _too_deep(path)
            size, levels = 1, 0
            for child in [*value, *value.values()] if isinstance(value, dict) else value:
                inner_size, inner_levels = measure(child, depth + 1)
                size += inner_size
                levels = max(levels, inner_levels + 1)
            measured[id(value)] = size, levels
        if depth + measured[id(value)][1] > MAX_DEPTH:
            raise _too_deep(path)
        return measured[id(value)]

    count, _ = measure(document, 0)
    if count > MAX_VALUES:
        raise _error(
            path, "is too large when expanded", f"{count} values", f"at most {MAX_VALUES}, with aliases expanded"
        )


def _check_plain(path: Path, value: Any) -> None:
    """Raise if a scalar cannot be printed or has no JSON equivalent."""
    if isinstance(value, int) and value.bit_length() > 1000:
        raise _error(path, "has a number that is too large", f"{value.bit_length()} bits", "at most 1000 bits")
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise _error(path, "has an unpaired surrogate", value, "write a complete character")
    if not isinstance(value, str | int | float | None) or (isinstance(value, float) and not isfinite(value)):
        raise _error(path, "has a value that templates do not support", value, "text, a number, true, false or null")


def _description(error: Exception) -> str:
    """Return the message of a conversion error, the same for each version of Python."""
    text = str(error)
    return "a number of too many digits" if "integer string conversion" in text else text.split(":")[0]


def _duplicate_key(path: Path, key: str) -> MeshError:
    return _error(path, "has a duplicate key", key, "remove or rename one of them")


def _too_deep(path: Path) -> MeshError:
    return _error(
        path, "is nested too deeply", f"more than {MAX_DEPTH} levels", "remove levels, or an alias that contains itself"
    )


def _error(path: Path, wrong: str, got: object, fix: str) -> MeshError:
    return MeshError([problem(str(path), wrong, got, fix)])
