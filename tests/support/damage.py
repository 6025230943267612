"""Damage to documents: values that are replaced, removed, renamed or repeated at random."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.support.hostile_text import EXPRESSIONS, FORMATS, NUMBERS, TEXTS

FUNCTIONS = (
    *("Ref", "Condition", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::If", "Fn::FindInMap"),
    *("Fn::ImportValue", "Fn::GetAZs", "Fn::Cidr", "Fn::Base64", "Fn::ToJsonString", "Fn::Length", "Fn::Transform"),
    *("Fn::ForEach::a", "Fn::Not", "Fn::Or", "Fn::Equals", "Fn::"),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.floats(),
    TEXTS,
    EXPRESSIONS,
    FORMATS,
    st.sampled_from(("AWS::Region", "AWS::NoValue", "Mesh", "Node", "Task", "a", "red", "envoy", "²", "1e999", "0x7f")),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from((*FUNCTIONS, "Name", "Value", "Type", "Properties")) | TEXTS, inner, max_size=2
        )
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a document."""
    if path:
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(each, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def change(draw: st.DrawFn, document: Any) -> None:
    """Replace, remove, rename or repeat one value of a document."""
    found = list(places(document))
    leaves = [path for path in found if not isinstance(at(document, path), dict | list)]
    # What is wrong near the root hides everything below it.
    deep = leaves if draw(st.sampled_from((True, True, True, False))) else [path for path in found if len(path) > 3]
    if not deep:
        return
    *above, last = deep[draw(st.integers(0, 10_000)) % len(deep)]
    parent = at(document, tuple(above))
    kind = draw(st.sampled_from(("replace", "replace", "replace", "graft", "remove", "rename", "nest", "repeat")))
    if kind == "remove":
        del parent[last]
    elif kind == "rename" and isinstance(parent, dict):
        parent[str(draw(TEXTS | st.sampled_from(FUNCTIONS)))] = parent.pop(last)
    elif kind == "graft":
        parent[last] = copy.deepcopy(at(document, deep[draw(st.integers(0, 10_000)) % len(deep)]))
    elif kind == "nest":
        parent[last] = draw(st.sampled_from(([parent[last]], {"Fn::Sub": parent[last]}, {"a": parent[last]})))
    elif kind == "repeat" and isinstance(parent, list):
        parent += [parent[last]] * draw(st.integers(1, 20))
    else:
        parent[last] = draw(VALUES)
