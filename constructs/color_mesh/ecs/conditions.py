"""Conditions of rules of load balancers (Elastic Load Balancing, version 2)."""

from dataclasses import dataclass

from color_mesh.appmesh.fields import Fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """Condition of a rule, which one of its values or regular expressions must fulfil.

    Attributes:
        field: Kind: ``host-header``, ``http-header``, ``http-request-method``, ``path-pattern``, ``query-string`` or
            ``source-ip``.
        values: Patterns with ``*`` and ``?``; methods, or ranges of addresses.
        regexes: Regular expressions.
        header: Name of the header, for ``http-header``.
        pairs: Keys and values of the query string, for ``query-string``; ``None`` for any key.
    """

    field: str
    values: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    header: str | None = None
    pairs: tuple[tuple[str | None, str], ...] = ()


def read_condition(fields: Fields) -> Condition:
    """Read a condition."""
    kind = fields.text("Field")
    config = "".join(word.capitalize() for word in kind.split("-"))
    inner = fields.optional(f"{config}Config", _condition_config)
    values, regexes = fields.texts("Values"), fields.texts("RegexValues")
    if inner is None:
        return Condition(field=kind, values=values, regexes=regexes)
    return Condition(
        field=kind,
        values=(*values, *inner.values),
        regexes=(*regexes, *inner.regexes),
        header=inner.header,
        pairs=inner.pairs,
    )


def _condition_config(fields: Fields) -> Condition:
    """Read the configuration of a condition, such as ``HttpHeaderConfig``."""
    pairs: tuple[tuple[str | None, str], ...] = ()
    values: tuple[str, ...] = ()
    if fields.place.endswith("QueryStringConfig"):
        pairs = fields.many("Values", lambda each: (each.optional_text("Key"), each.text("Value")))
    else:
        values = fields.texts("Values")
    return Condition(
        field="",
        values=values,
        regexes=fields.texts("RegexValues"),
        header=fields.optional_text("HttpHeaderName"),
        pairs=pairs,
    )
