"""Configuration as lines of JSON for people: small things on a line, everything else a line a part."""

import json
from collections.abc import Iterator
from typing import Any

WIDTH = 120


def document(value: Any) -> list[str]:
    """Write ``value`` as lines of JSON, so that a change of one part is a change of few lines.

    Without indentation, which would be a third of it where space is limited.
    """
    return list(_lines(value, "", ""))


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
