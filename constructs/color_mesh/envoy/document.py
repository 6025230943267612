"""An Envoy configuration as arguments of a command: lines of JSON, or compressed where space is limited."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

WIDTH = 120
# Limits of a compressed configuration. `compressed` makes a twentieth of what a mesh compiles to.
MAX_BYTES = 5_000_000
MAX_RATIO = 100
# First argument of a compressed configuration, which is the second. It is not the beginning of a JSON document.
COMPRESSED = "gzip"
# Configurations may be read as YAML too, which has no pair of escapes for an emoji, as JSON has.
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_ENCODER_WITHOUT_SPACE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def document(value: Any) -> list[str]:
    """Render lines of JSON, so that a diff shows the changed lines only.

    The lines are not indented: indentation would add a third to the size, which ECS limits.
    """
    return list(_lines(value, "", ""))


def compressed(value: Any) -> list[str]:
    """Render JSON, compressed with gzip and encoded with base64: a twentieth of the size, but not readable."""
    return [COMPRESSED, base64.b64encode(gzip.compress(shortest(value).encode(), mtime=0)).decode()]


def shortest(value: Any) -> str:
    """Render JSON without white space."""
    return _ENCODER_WITHOUT_SPACE.encode(value)


def read(arguments: Sequence[str]) -> Any:
    """Return the value that `document` or `compressed` rendered.

    Raises:
        ValueError: If the arguments are neither.
    """
    if arguments[:1] == [COMPRESSED] and len(arguments) == 2:
        try:
            return json.loads(_decompressed(base64.b64decode(arguments[1], validate=True)))
        except zlib.error as error:
            raise ValueError(str(error)) from None
    return json.loads(" ".join(arguments))


def _decompressed(data: bytes) -> bytes:
    decompressor = zlib.decompressobj(wbits=31)  # The gzip format.
    content = decompressor.decompress(data, min(MAX_BYTES, MAX_RATIO * len(data)))
    if not decompressor.eof:
        raise ValueError("the configuration is incomplete or too large")
    return content


def _lines(value: Any, name: str, end: str) -> Iterator[str]:
    single_line = f"{name}{_ENCODER.encode(value)}{end}"
    if not value or not isinstance(value, dict | list) or len(single_line) <= WIDTH:
        yield single_line
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    parts = [(f"{_ENCODER.encode(key)}: ", part) for key, part in value.items()] if isinstance(value, dict) else None
    parts = parts or [("", part) for part in value]
    yield f"{name}{opening}"
    for number, (part_name, part) in enumerate(parts, start=1):
        yield from _lines(part, part_name, "," if number < len(parts) else "")
    yield f"{closing}{end}"
