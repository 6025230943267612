"""A resource that was not declared in a template."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from color_mesh.model.errors import shortened

Object: TypeAlias = Mapping[str, Any]
APP_MESH = "AWS::AppMesh::"


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """A resource in the form of CloudFormation.

    Attributes:
        type: Resource type, such as ``AWS::AppMesh::Mesh``.
        label: Text that names it within its file, such as ``virtualNode/red``.
        properties: Properties.
        key: Names that tell it from others of its type. A later resource with the same ones is an update.
        ids: Ids and ARNs by which others refer to it.
    """

    type: str
    label: str
    properties: dict[str, Any]
    key: tuple[str, ...]
    ids: tuple[str, ...] = ()


_MAX_NAME = 200
_MAX_DEPTH = 50  # Of JSON within a text.


class Secret(str):
    """Text that must not be printed."""


# Returns the resources that an object declares; ``None`` if it declares none.
Recognizer: TypeAlias = Callable[[Object, str], "list[Converted] | None"]


def pascal(key: str) -> str:
    """Return a key of the AWS CLI in the spelling of CloudFormation: with a capital letter."""
    return key[:1].upper() + key[1:]


def capitalized(value: Any, spellings: Mapping[str, str], maps: Collection[str] = ()) -> Any:
    """Return a value whose keys, at all levels, are in the spelling of CloudFormation.

    Args:
        value: Value with keys of the AWS CLI.
        spellings: Spellings that differ by more than a capital letter.
        maps: Keys whose values have keys of the user, which stay as they are.
    """
    if isinstance(value, dict):
        return {
            spellings.get(key, pascal(key)): each if key in maps else capitalized(each, spellings, maps)
            for key, each in value.items()
            if each is not None
        }
    return [capitalized(each, spellings, maps) for each in value] if isinstance(value, list) else value


def only(value: Object, keys: Collection[str]) -> dict[str, Any]:
    """Return an object without the keys that are not in ``keys``, and without values that are ``None``."""
    return {key: each for key, each in value.items() if key in keys and each is not None}


def label_of(kind: str, name: object) -> str:
    """Return the label of a resource, whose name may be any value."""
    return f"{kind}/{shortened(str(name), _MAX_NAME)}"


def texts(*values: Any) -> tuple[str, ...]:
    """Return the values that are text and not empty."""
    return tuple(each for each in values if isinstance(each, str) and each)


def embedded_json(text: Any) -> Any:
    """Return the value of a text that is JSON; ``None`` if it is not, or is nested too deeply."""
    if not isinstance(text, str):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [each for item in level for each in _members(item)]
        if not level:
            return value
    return None


def _members(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
