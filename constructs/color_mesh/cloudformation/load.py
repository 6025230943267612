"""Parser of JSON and YAML files of any content, whose result is a document or an error with one message."""

import json
import stat
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import yaml

from color_mesh.model import MeshError
from color_mesh.model.errors import problem

MAX_BYTES = 1_000_000  # AWS CloudFormation User Guide, Understand CloudFormation quotas: template body in S3
MAX_DEPTH = 100
MAX_VALUES = 400_000  # Including keys.

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise _too_deep(path)
        document = yaml.load(text, Loader=_TemplateLoader)
    except MeshError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}" if mark else str(error.problem)
        raise _error(path, "is not valid YAML", where, "correct it there") from None
    except yaml.YAMLError as error:
        raise _error(path, "is not valid YAML", str(error).split("\n")[0], "correct it there") from None
    except _DuplicateKey as error:
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


class _DuplicateKey(Exception):
    """A duplicate key of a YAML mapping."""


class _TemplateLoader(_Loader):  # type: ignore[misc, valid-type]
    """YAML loader with CloudFormation's tags, and with timestamps as text."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in _Loader.yaml_implicit_resolvers.items()
    }

    _merged_keys = 0

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        merging: set[str] = set()
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                if key.value in merging:
                    raise _DuplicateKey(key.value)
                merging.add(key.value)
                merged = self._construct_merged(value)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key that is not text", problem_mark=node.start_mark)
            if key.value in own:
                raise _DuplicateKey(key.value)
            own[key.value] = self.construct_object(value, deep=True)
        return {**merged, **own}

    def _construct_merged(self, node: yaml.Node) -> dict[str, Any]:
        """Construct the value of a merge key (``<<``), without PyYAML's copies for each level of nested merges."""
        value = self.construct_object(node, deep=True)
        merged: dict[str, Any] = {}
        for mapping in value if isinstance(value, list) else [value]:
            if not isinstance(mapping, dict):
                raise yaml.MarkedYAMLError(
                    problem="a merge of a value that is not a mapping", problem_mark=node.start_mark
                )
            # The number of merged keys is limited, since merging many large mappings takes long.
            self._merged_keys += len(mapping)
            if self._merged_keys > MAX_VALUES:
                raise yaml.MarkedYAMLError(
                    problem=f"merges of more than {MAX_VALUES} keys", problem_mark=node.start_mark
                )
            # The first of several mappings with a key takes precedence.
            for key, item in mapping.items():
                merged.setdefault(key, item)
        return merged

    def construct_tagged(self, name: str, node: yaml.Node) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            value: Any = self.construct_scalar(node)
        elif isinstance(node, yaml.MappingNode):
            value = self.construct_mapping(node, deep=True)
        else:
            value = self.construct_sequence(node, deep=True)
        if name == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


def _construct_map(loader: _TemplateLoader, node: yaml.MappingNode) -> Iterator[dict[str, Any]]:
    # In two steps, as PyYAML requires for mappings that contain an alias of themselves.
    mapping: dict[str, Any] = {}
    yield mapping
    mapping.update(loader.construct_mapping(node))


_TemplateLoader.add_constructor("tag:yaml.org,2002:map", _construct_map)
_TemplateLoader.add_multi_constructor("!", _TemplateLoader.construct_tagged)


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
