"""JSON of a ``spec``."""

from typing import Any

Spec = dict[str, Any]


def compact(**fields: Any) -> Spec:
    """Return the fields that are neither ``None`` nor an empty list."""
    return {name: value for name, value in fields.items() if value is not None and value != []}
