"""Reader of JSON objects, field by field, that reports all problems and all unknown fields."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from color_mesh.cloudformation.templates import Attribute
from color_mesh.cloudformation.values import Unresolved, set_option
from color_mesh.model.errors import add_problems, listed, problem

T = TypeVar("T")
Spelling = Callable[[str], str]


def api_spelling(key: str) -> str:
    """Return a key in the spelling of the App Mesh API and the AWS CLI."""
    return key


class Fields:
    """Fields of one JSON object.

    Keys are given in the spelling of the API. A field that is missing or of a wrong type is a problem; the reader gets
    a substitute of the right type, so that it can go on. A key that the reader does not know is a problem too, by
    default.

    Args:
        value: The object.
        place: Place of the object in error messages.
        spelling: Spelling of the object's keys.
        problems: List to which problems are added.
        report_unknown: Report keys that the reader does not know.
        unknown: List to which problems of such keys are added. Default: ``problems``.
    """

    def __init__(
        self,
        value: object,
        place: str,
        spelling: Spelling,
        problems: list[str],
        report_unknown: bool = True,
        unknown: list[str] | None = None,
    ) -> None:
        self._place = place
        self._spelling = spelling
        self._problems = problems
        self._report_unknown = report_unknown
        self._unknown = unknown
        self._known: list[str] = []
        self._reported: set[str] = set()
        self._values: Mapping[str, Any] = {}
        if isinstance(value, Mapping):
            self._values = value
        else:
            self._report(place, "is not an object", value, "keys and values")
            # Missing fields of something that is not an object are no additional problems.
            self._problems = []

    @property
    def has_problems(self) -> bool:
        """True if a field that has been read has a problem, apart from those of inner objects."""
        return bool(self._reported)

    @property
    def place(self) -> str:
        """Place of the object in error messages."""
        return self._place

    def text(self, key: str) -> str:
        """Read a required string."""
        return self._required(key, self.optional_text(key), "")

    def optional_text(self, key: str) -> str | None:
        """Read a string; numbers and booleans are converted, as in CloudFormation."""
        return self._text(self._place_of(key), self._get(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of strings."""
        place = self._place_of(key)
        items = enumerate(self._list(key))
        return tuple(self._item(f"{place}[{index}]", item) for index, item in items)

    def integer(self, key: str) -> int:
        """Read a required integer."""
        return self._required(key, self.optional_integer(key), 0)

    def optional_integer(self, key: str) -> int | None:
        """Read an integer."""
        value = self._get(key)
        return None if value is None else self._integer(self._place_of(key), value)

    def integers(self, key: str) -> tuple[int, ...]:
        """Read a list of integers."""
        place = self._place_of(key)
        return tuple(self._integer(f"{place}[{index}]", item) for index, item in enumerate(self._list(key)))

    def flag(self, key: str, default: bool) -> bool:
        """Read a boolean."""
        value = self._get(key)
        if value is None:
            return default
        if str(value).lower() not in ("true", "false"):
            self._report(self._place_of(key), "is not true or false", value, "true or false")
        return str(value).lower() == "true"

    def required(self, key: str, read: Callable[["Fields"], T]) -> T:
        """Read a required object."""
        value = self._get(key)
        if value is not None:
            return self._object(self._place_of(key), value, read)
        if not self.has(key):
            self._report(self._place_of(key), "is missing", None, "it is required")
        # Missing fields of a missing object are no additional problems.
        return read(Fields({}, self._place_of(key), self._spelling, []))

    def optional(self, key: str, read: Callable[["Fields"], T]) -> T | None:
        """Read an object."""
        value = self._get(key)
        return None if value is None else self._object(self._place_of(key), value, read)

    def many(self, key: str, read: Callable[["Fields"], T]) -> tuple[T, ...]:
        """Read a list of objects."""
        place = self._place_of(key)
        return tuple(self._object(f"{place}[{index}]", item, read) for index, item in enumerate(self._list(key)))

    def one_of(self, choices: Mapping[str, Callable[["Fields"], T]]) -> T | None:
        """Read one of several alternative objects."""
        keys = [key for key in choices if self._get(key) is not None]
        if len(keys) > 1:
            got = tuple(map(self._spelling, keys))
            self._report(self._place, "has several alternatives", got, "give one of them")
        return self.optional(keys[0], choices[keys[0]]) if keys else None

    def value(self, key: str) -> Any:
        """Read a value of any type, such as a reference to another resource; ``None`` without a value."""
        value = self._get(key)
        if isinstance(value, Unresolved):
            self._report(self._place_of(key), "cannot be evaluated", value, "give the values that it needs")
            return None
        return value

    def has(self, key: str) -> bool:
        """Return whether a key is present."""
        return self._spelling(key) in self._values

    def is_resolved(self, key: str) -> bool:
        """Return whether the value of a key is known, or absent."""
        return not isinstance(self._values.get(self._spelling(key)), Unresolved)

    def deployment_name(self, key: str) -> str | None:
        """Return the name of what only a deployment knows, if the value of a key depends on it."""
        value = self._get(key)
        return value.deployment_name if isinstance(value, Unresolved) else None

    def ignore(self, *keys: str) -> None:
        """Accept keys without reading them."""
        self._known.extend(map(self._spelling, keys))

    def report(self, key: str, wrong: str, fix: str) -> None:
        """Report a problem of the value of ``key``."""
        self._report(self._place_of(key), wrong, self._get(key), fix)

    def close(self) -> None:
        """Report keys that were neither read nor ignored, unless unknown keys are accepted."""
        if not self._report_unknown:
            return
        for key in self._values:
            if key not in self._known:
                fix = f"known: {listed(set(self._known), none='')}"
                if self._unknown is None:
                    self._report(self._below(key), "is unknown", key, fix)
                else:
                    add_problems(self._unknown, [problem(self._below(key), "is unknown", key, fix)])

    def _get(self, key: str) -> Any:
        spelled = self._spelling(key)
        self._known.append(spelled)
        if spelled in self._values and self._values[spelled] is None:
            self._report(self._place_of(key), "is null", None, "give a value, or leave it out")
        return self._values.get(spelled)

    def _place_of(self, key: str) -> str:
        return self._below(self._spelling(key))

    def _below(self, spelled: str) -> str:
        return f"{self._place}.{spelled}" if self._place else spelled

    def _list(self, key: str) -> list[Any]:
        value = self._get(key)
        if value is None or isinstance(value, list):
            return value or []
        self._report(self._place_of(key), "is not a list", value, "a list")
        return []

    def _object(self, place: str, value: object, read: Callable[["Fields"], T]) -> T:
        inner = Fields(value, place, self._spelling, self._problems, self._report_unknown, self._unknown)
        result = read(inner)
        inner.close()
        return result

    def _text(self, place: str, value: object) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, int | float):
            self._report(place, "is not text", value, "text")
        return str(value)

    def _item(self, place: str, value: object) -> str:
        text = self._text(place, value)
        if text is None:
            self._report(place, "is null", None, "give a value, or leave it out")
        return text or ""

    def _integer(self, place: str, value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            return int(value)
        self._report(place, "is not an integer", value, "digits")
        return 0

    def _required(self, key: str, value: T | None, substitute: T) -> T:
        if value is None:
            if not self.has(key):
                self._report(self._place_of(key), "is missing", None, "it is required")
            return substitute
        return value

    def _report(self, place: str, wrong: str, got: object, fix: str) -> None:
        # One problem for each place is enough: others would have the same cause.
        if place not in self._reported:
            self._reported.add(place)
            if isinstance(got, Attribute):
                wrong, fix = "is known only at deployment", f"give it with {set_option(repr(got))}"
            lines = got.problems if isinstance(got, Unresolved) else (problem(place, wrong, got, fix),)
            add_problems(self._problems, lines)
