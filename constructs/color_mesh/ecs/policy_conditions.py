"""Conditions of policy statements.

The rules are those of the AWS IAM User Guide, *IAM JSON policy elements: Condition operators*. A condition about a key
of which the caller knows nothing, or with an operator that is not in this module, cannot be evaluated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, TypeAlias

from color_mesh.ecs.patterns import matches

# Values of condition keys, by their names in lower case. ``None``: the request does not have the key.
RequestContext: TypeAlias = Mapping[str, str | None]

_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "stringequals": lambda actual, wanted: actual == wanted,
    "stringequalsignorecase": lambda actual, wanted: actual.lower() == wanted.lower(),
    "stringlike": lambda actual, wanted: matches(wanted, actual),
    "arnequals": lambda actual, wanted: matches(wanted, actual),
    "arnlike": lambda actual, wanted: matches(wanted, actual),
    "bool": lambda actual, wanted: actual.lower() == wanted.lower(),
    "ipaddress": lambda actual, wanted: ip_address(actual) in ip_network(wanted, strict=False),
}
# Operators that hold if the test of another one does not.
_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """Condition of a statement about one key.

    Attributes:
        operator: Operator, such as ``StringEquals``.
        key: Name of the key, such as ``aws:RequestedRegion``.
        values: Values, one of which has to match.
    """

    operator: str
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operator} {self.key}"

    def holds(self, context: RequestContext) -> bool | None:
        """Return whether the condition holds for a request; ``None`` if that cannot be evaluated."""
        if self.key.lower() not in context:
            return None
        actual = context[self.key.lower()]
        prefix, _, name = self.operator.lower().rpartition(":")
        if name == "null":
            return (actual is None) is ("true" in (each.lower() for each in self.values))
        tolerates_absence = name.endswith("ifexists") or prefix == "forallvalues"
        name = name.removesuffix("ifexists")
        negated = name in _NEGATED
        test = _TESTS.get(_NEGATED.get(name, name))
        if test is None or prefix not in ("", "forallvalues", "foranyvalue"):
            return None
        if actual is None:
            return tolerates_absence or (negated and prefix == "")
        try:
            return any(test(actual, wanted) for wanted in self.values) is not negated
        except ValueError:
            return None


def read_conditions(declared: Any) -> tuple[Condition, ...]:
    """Return the conditions of a statement, all of which have to hold."""
    operators = declared.items() if isinstance(declared, dict) else ()
    return tuple(
        Condition(operator=operator, key=key, values=_texts(values))
        for operator, keys in operators
        if isinstance(keys, dict)
        for key, values in keys.items()
    )


def _texts(values: Any) -> tuple[str, ...]:
    items = values if isinstance(values, list) else [values]
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in items)
