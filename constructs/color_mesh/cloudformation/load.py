"""Parser of JSON and YAML files of any content, whose result is a document or an error with one message."""

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import yaml

from color_mesh.cloudformation.document_limits import MAX_DEPTH, check_size, file_error, too_deep
from color_mesh.cloudformation.json_loader import load_documents
from color_mesh.cloudformation.yaml_loader import (
    MAX_NUMBER_LENGTH,
    TOO_MANY_DIGITS,
    DuplicateKey,
    Loader,
    TemplateLoader,
)
from color_mesh.model import MeshError

MAX_BYTES = 1_000_000  # AWS CloudFormation User Guide, Understand CloudFormation quotas: template body in S3
MAX_JSON_BYTES = 10_000_000  # Of other JSON, such as a Terraform state.
MAX_YAML_EVENTS = 200_000

T = TypeVar("T")
Document: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parsed:
    """Content of a file.

    Attributes:
        document: Document.
        size: Number of its characters.
        count: Number of its values, by the time that they take.
        duplicate_keys: Keys of YAML that occur twice.
    """

    document: Any
    size: int
    count: int
    duplicate_keys: tuple[str, ...]

    def object(self, path: Path) -> Document:
        """Return the document.

        Raises:
            MeshError: If it is not an object.
        """
        if not isinstance(self.document, dict):
            raise file_error(path, "is not an object", type(self.document).__name__, "keys and values at its top")
        return self.document


def load(path: Path, max_bytes: int = MAX_BYTES) -> Document:
    """Parse a JSON or YAML file with an object, and the short forms of CloudFormation's functions in YAML.

    Raises:
        MeshError: If the file cannot be read or is too large, is not valid JSON or YAML, has duplicate keys, is nested
            too deeply, or is too large with its YAML aliases expanded.
    """
    parsed = parse(path, max_bytes)
    for key in parsed.duplicate_keys:
        raise _duplicate_key(path, key)
    return parsed.object(path)


def parse(path: Path, max_bytes: int = MAX_BYTES) -> Parsed:
    """Parse a JSON or YAML file as `load` does, of any content.

    JSON that is no template may be as large as a Terraform state, and several documents that follow each other are a
    list, as when a shell appends the answers of the AWS CLI to a file.

    Raises:
        MeshError: As `load`, except for duplicate keys of YAML.
    """
    is_state = path.suffix in (".json", ".tfstate")
    text = _text(path, max(max_bytes, MAX_JSON_BYTES) if is_state else max_bytes)
    is_json = is_state or (path.suffix not in (".yaml", ".yml") and text.lstrip()[:1] == "{")
    document, duplicate_keys = (_json(path, text), ()) if is_json else _yaml(path, text)
    count = check_size(path, document)
    if is_template(document) and len(text.encode()) > max_bytes:
        raise file_error(path, "is too large", f"{len(text.encode())} bytes", f"at most {max_bytes}")
    # Values of YAML take the time of several values of JSON.
    return Parsed(document, len(text), count if is_json else 5 * count, duplicate_keys)


def is_template(document: Any) -> bool:
    """Return whether a document is a CloudFormation template."""
    return isinstance(document, dict) and ("Resources" in document or "AWSTemplateFormatVersion" in document)


def _text(path: Path, max_bytes: int) -> str:
    """Read a file of a limited size.

    Raises:
        MeshError: If the file cannot be read, is too large or is not text.
    """
    try:
        mode, size, content = _content(path, max_bytes + 1)
        text = content.decode("utf-8-sig") if len(content) <= max_bytes else ""
    except OSError as error:
        raise file_error(path, "cannot be read", error.strerror, "give an existing file or folder") from None
    except UnicodeDecodeError as error:
        raise file_error(path, "is not text", f"byte {error.start} is not UTF-8", "JSON or YAML") from None
    except ValueError as error:
        # The path has a null character.
        raise file_error(path, "cannot be read", str(error), "give an existing file or folder") from None
    if not stat.S_ISREG(mode):
        raise file_error(path, "is not a regular file", stat.filemode(mode), "give a file or folder")
    if len(content) > max_bytes:
        raise file_error(
            path, "is too large", f"{size} bytes" if size else f"more than {max_bytes} bytes", f"at most {max_bytes}"
        )
    return text


def _content(path: Path, max_bytes: int) -> tuple[int, int, bytes]:
    """Return the type of a file, the size it claims, and its first bytes; none of a device or a pipe."""
    # Devices and pipes may have no end. Without waiting, because some files of the kernel have content only later.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        content = file.read(max_bytes) if stat.S_ISREG(status.st_mode) else b""
        return status.st_mode, status.st_size, content or b""


def _json(path: Path, text: str) -> Any:
    def with_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                raise _duplicate_key(path, key)
            result[key] = value
        return result

    decoder = json.JSONDecoder(object_pairs_hook=with_unique_keys, parse_int=_number(int), parse_float=_number(float))
    try:
        return load_documents(decoder, text)
    except MeshError:
        raise
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise file_error(path, "is not valid JSON", where, "correct it there") from None
    except RecursionError:
        raise too_deep(path) from None
    except ValueError as error:
        raise file_error(path, "is not valid JSON", _description(error), "correct it there") from None


def _yaml(path: Path, text: str) -> tuple[Any, tuple[str, ...]]:
    try:
        # The depth is checked by the parser's events first: PyYAML's loader is recursive.
        depth = 0
        for count, event in enumerate(yaml.parse(text, Loader=Loader)):
            if count > MAX_YAML_EVENTS:
                got = f"more than {MAX_YAML_EVENTS} values"
                raise file_error(path, "has too many values", got, f"at most {MAX_YAML_EVENTS}, or write JSON")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise too_deep(path)
        loader = TemplateLoader(text)
        document = loader.get_single_data()
    except MeshError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}" if mark else str(error.problem)
        raise file_error(path, "is not valid YAML", where, "correct it there") from None
    except yaml.YAMLError as error:
        raise file_error(path, "is not valid YAML", str(error).split("\n")[0], "correct it there") from None
    except DuplicateKey as error:
        raise _duplicate_key(path, error.args[0]) from None
    except (ArithmeticError, AttributeError, LookupError, ValueError) as error:
        # Errors of PyYAML for values that do not match their tags.
        raise file_error(path, "is not valid YAML", _description(error), "write values that match their tags") from None
    return document, tuple(loader.duplicate_keys)


def _number(convert: Callable[[str], T]) -> Callable[[str], T]:
    """Return a conversion of numbers that does not take the time of converting many digits."""

    def converted(text: str) -> T:
        if len(text) > MAX_NUMBER_LENGTH:
            raise ValueError(TOO_MANY_DIGITS)
        return convert(text)

    return converted


def _description(error: Exception) -> str:
    """Return the message of a conversion error, the same for each version of Python."""
    text = str(error)
    return TOO_MANY_DIGITS if "integer string conversion" in text else text.split(":")[0]


def _duplicate_key(path: Path, key: str) -> MeshError:
    return file_error(path, "has a duplicate key", key, "remove or rename one of them")
