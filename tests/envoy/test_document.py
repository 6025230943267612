"""Configurations as arguments: rendering and reading returns the same value, and small changes have small diffs."""

import json
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.appmesh.source import read_source
from color_mesh.envoy import Loopback, configure
from color_mesh.envoy.document import WIDTH, compressed, document, read
from color_mesh.model import Mesh

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_lines_are_valid_json_with_any_separator(value: object) -> None:
    for joint in ("", " ", "\n"):
        assert json.loads(joint.join(document(value))) == value


@given(VALUES)
def test_rendered_value_is_read_back(value: object) -> None:
    assert read(document(value)) == read(compressed(value)) == value


def test_compressed_value_is_small_and_reproducible() -> None:
    value = [{"name": f"cluster-{number}", "type": "STATIC"} for number in range(1000)]
    assert sum(map(len, compressed(value))) < len(json.dumps(value)) / 5
    assert compressed(value) == compressed(value)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["gzip"],
        ["gzip", "e30="],
        ["gzip", "!"],
        ["gzip", "H4sIAAAAAAAC"],
        ["gzip", "H4sIAAAAAAAC/2dhcmJhZ2UhZ2FyYmFnZSFnYXJiYWdlIQ=="],
        ["{"],
    ],
)
def test_other_arguments_are_rejected(words: list[str]) -> None:
    with pytest.raises(ValueError, match="."):
        read(words)


def test_values_are_split_into_lines_by_their_width() -> None:
    long = "x" * WIDTH
    assert document({"a": [1, {"b": {}}], "c": [long, "d"]}) == [
        "{",
        '"a": [1, {"b": {}}],',
        '"c": [',
        f'"{long}",',
        '"d"',
        "]",
        "}",
    ]


def test_change_of_a_weight_changes_its_line_only() -> None:
    mesh = read_source([Path(__file__).parent.parent / "manifests"]).meshes[0]
    (router,) = mesh.routers
    (route,) = router.routes
    green, yellow = route.targets
    changed = replace(route, targets=(replace(green, weight=0), yellow))
    before, after = (lines(each) for each in (mesh, replace(mesh, routers=(replace(router, routes=(changed,)),))))
    changes = [line for line in unified_diff(before, after, n=0, lineterm="") if line[:2] in ("-{", "+{")]
    assert [line.split('"weight": ')[1][:2] for line in changes] == ["4}", "0}"]


def lines(mesh: Mesh) -> list[str]:
    return document(configure(mesh, mesh.node("red"), interception=Loopback()).bootstrap)
