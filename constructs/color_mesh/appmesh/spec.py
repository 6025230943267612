"""What a specification is: JSON in the App Mesh API's spelling."""

from typing import Any

Spec = dict[str, Any]


def given(**fields: Any) -> Spec:
    """Leave out what was not given; 0 and an empty object were given."""
    return {name: value for name, value in fields.items() if value is not None and value != []}
