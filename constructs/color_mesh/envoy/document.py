"""Configuration as words of a command: lines of JSON for people, or compressed where space is limited."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

WIDTH = 120
# The first word of what is compressed; the second is the rest. JSON never begins so.
COMPRESSED = "gzip"


def document(value: Any) -> list[str]:
    """Write ``value`` as lines of JSON, so that a change of one part is a change of few lines.

    Without indentation, which would be a third of it where space is limited.
    """
    return list(_lines(value, "", ""))


def compressed(value: Any) -> list[str]:
    """Write ``value`` as what bash, base64 and gzip make JSON of: a twentieth of it, and nothing to read."""
    return [COMPRESSED, base64.b64encode(gzip.compress(shortest(value).encode(), mtime=0)).decode()]


def shortest(value: Any) -> str:
    """Write ``value`` as JSON without a space."""
    return json.dumps(value, separators=(",", ":"))


def read(words: Sequence[str]) -> Any:
    """Read back what `document` or `compressed` wrote.

    Raises:
        ValueError: When it is neither.
    """
    if words[:1] == [COMPRESSED] and len(words) == 2:
        try:
            return json.loads(gzip.decompress(base64.b64decode(words[1], validate=True)))
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(str(error)) from None
    return json.loads(" ".join(words))


def _lines(value: Any, name: str, end: str) -> Iterator[str]:
    on_a_line = f"{name}{json.dumps(value)}{end}"
    if not value or not isinstance(value, dict | list) or len(on_a_line) <= WIDTH:
        yield on_a_line
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    parts = [(f"{json.dumps(key)}: ", part) for key, part in value.items()] if isinstance(value, dict) else None
    parts = parts or [("", part) for part in value]
    yield f"{name}{opening}"
    for number, (part_name, part) in enumerate(parts, start=1):
        yield from _lines(part, part_name, "," if number < len(parts) else "")
    yield f"{closing}{end}"
