"""Python source from values: that it reads back, and that it is laid out as formatters do it."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.migration.python import Identifiers, call, lines, listed, mapping, text, value
from color_mesh.model import AccessLog, HeaderMatch, Listener, RouteMatch, Timeout
from tests.support.mesh_strategies import DETERMINISTIC

LONG = "x" * 50


@given(st.text())
@DETERMINISTIC
def test_any_text_reads_back(of: str) -> None:
    assert eval(text(of)) == of
    assert text(of).isprintable()


@pytest.mark.parametrize(
    ("of", "code"),
    [
        pytest.param("a", '"a"', id="plain"),
        pytest.param('say "a"', "'say \"a\"'", id="double-quotes"),
        pytest.param("a'\"", '"a\'\\""', id="both-quotes"),
        pytest.param("a\\b\n", '"a\\\\b\\n"', id="escapes"),
        pytest.param("äß", '"äß"', id="letters"),
    ],
)
def test_text_is_quoted_as_formatters_do_it(of: str, code: str) -> None:
    assert text(of) == code


@pytest.mark.parametrize(
    ("of", "code"),
    [
        pytest.param(None, "None", id="nothing"),
        pytest.param((), "()", id="no-items"),
        pytest.param(("a",), '("a",)', id="one-item"),
        pytest.param(("a", 1), '("a", 1)', id="items"),
        pytest.param({"a": True}, '{"a": True}', id="mapping"),
        pytest.param(AccessLog(), "AccessLog()", id="defaults"),
        pytest.param(Timeout(idle_millis=0), "Timeout(idle_millis=0)", id="zero"),
        pytest.param(Listener(port=80), "Listener(port=80)", id="required"),
        pytest.param(
            RouteMatch(headers=(HeaderMatch(name="a"),)), 'RouteMatch(headers=(HeaderMatch(name="a"),))', id="nested"
        ),
    ],
)
def test_values_are_written_without_their_defaults(of: object, code: str) -> None:
    assert list(lines("", value(of))) == [code]


@pytest.mark.parametrize(
    ("code", "laid_out"),
    [
        pytest.param(call("f", f'"{LONG}"'), [f'x = f("{LONG}")'], id="one-line"),
        pytest.param(
            call("function", f'"{LONG}"', b=f'"{LONG}"'),
            ["x = function(", f'    "{LONG}", b="{LONG}"', ")"],
            id="one-line-inside",
        ),
        pytest.param(
            call("f", f'"{LONG}"', b=f'"{LONG}"', c=f'"{LONG}"'),
            ["x = f(", f'    "{LONG}",', f'    b="{LONG}",', f'    c="{LONG}",', ")"],
            id="a-line-an-argument",
        ),
        pytest.param(
            listed([f'"{LONG}"', mapping([('"a"', f'"{LONG}"'), ('"b"', f'"{LONG}"')])]),
            ["x = [", f'    "{LONG}",', "    {", f'        "a": "{LONG}",', f'        "b": "{LONG}",', "    },", "]"],
            id="nested",
        ),
        pytest.param(value((LONG * 3,)), ["x = (", f'    "{LONG * 3}",', ")"], id="a-tuple-of-one-keeps-its-comma"),
    ],
)
def test_long_lines_are_broken_at_brackets(code: object, laid_out: list[str]) -> None:
    assert list(lines("x = ", code)) == laid_out  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "variable", "construct_id"),
    [
        pytest.param("color-node", "color_node", "ColorNode", id="dashes"),
        pytest.param("ColorNode", "color_node", "ColorNode", id="capitals"),
        pytest.param("1st", "node_1st", "1st", id="digit"),
        pytest.param("-", "node", "Node", id="nothing-left"),
        pytest.param("class", "class_node", "Class", id="keyword"),
        pytest.param("self", "self_node", "Self", id="reserved"),
    ],
)
def test_names_become_identifiers(name: str, variable: str, construct_id: str) -> None:
    assert Identifiers(["self"]).variable(name, "node") == variable
    assert Identifiers([]).construct_id(name, "Node") == construct_id


def test_names_that_are_alike_get_identifiers_of_their_own() -> None:
    identifiers = Identifiers([])
    assert [identifiers.variable(name, "node") for name in ("a-b", "a_b", "A.b")] == ["a_b", "a_b_node", "a_b_node_2"]


@given(st.lists(st.text(alphabet="abAB-_1", min_size=1, max_size=4), max_size=8))
@DETERMINISTIC
def test_identifiers_are_valid_and_each_its_own(names: list[str]) -> None:
    identifiers = Identifiers(["self"])
    made = [identifiers.variable(name, "node") for name in names]
    assert len({*made, "self"}) == len(names) + 1
    assert not [each for each in made if not each.isidentifier() or keyword.iskeyword(each)]
