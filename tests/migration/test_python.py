"""Python source code of values and identifiers, and its layout."""

import keyword
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.migration.formatter import format_modules
from color_mesh.migration.placeholders import PLACEHOLDERS, stack_text
from color_mesh.migration.python import Code, Identifiers, call, listed, mapping, member, prose, value
from color_mesh.model import AccessLog, HeaderMatch, Listener, Milliseconds, RouteMatch, Timeout
from tests.support.builders import refusal
from tests.support.needs import examples


@given(st.text())
@examples(100)
def test_any_text_is_a_literal_of_printable_characters(text: str) -> None:
    assert eval(value(text)) == text
    assert value(text).isprintable()


@given(st.lists(st.sampled_from([*"a{}'\"\\\n", *PLACEHOLDERS.values()])).map("".join))
@examples(100)
def test_any_text_with_placeholders_is_a_literal_with_attributes_of_the_stack(text: str) -> None:
    class Stack:
        account, region = "111122223333", "eu-west-1"

    expected = text.replace("$AWS-ACCOUNT-ID$", Stack.account).replace("$AWS-REGION$", Stack.region)
    assert eval(stack_text(text), {"self": Stack}) == expected


@pytest.mark.parametrize(
    ("original", "code"),
    [
        pytest.param(None, "None", id="none"),
        pytest.param((), "()", id="no-items"),
        pytest.param(("a",), "('a',)", id="one-item"),
        pytest.param(("a", 1), "('a', 1)", id="items"),
        pytest.param({"a": True}, "{'a': True}", id="mapping"),
        pytest.param(AccessLog(), "AccessLog()", id="defaults"),
        pytest.param(Timeout(idle=Milliseconds(0)), "Timeout(idle=Duration.seconds(0))", id="zero"),
        pytest.param(Listener(port=80), "Listener(port=80)", id="required"),
        pytest.param(
            RouteMatch(headers=(HeaderMatch(name="a"),)), "RouteMatch(headers=(HeaderMatch(name='a'),))", id="nested"
        ),
    ],
)
def test_value_is_rendered_without_its_defaults(original: object, code: str) -> None:
    assert value(original) == code


def test_calls_lists_and_mappings_are_rendered_as_such() -> None:
    code = call("f", Code("x"), a=listed([value(1), Code("y")]), b=mapping([(value("k"), Code("z"))]))
    assert code == "f(x, a=[1, y], b={'k': z})"


@pytest.mark.parametrize("of", [math.inf, math.nan, b"a", object, {1, 2}, Exception("a")], ids=repr)
def test_value_of_another_type_has_no_literal(of: object) -> None:
    with pytest.raises(TypeError, match="no literal for"):
        value(of)


def test_subclass_of_text_that_represents_itself_as_code_has_no_literal() -> None:
    class Text(str):
        def __repr__(self) -> str:
            return "exit()"

    with pytest.raises(TypeError, match="no literal for Text"):
        value((Text("a"),))


def test_member_of_an_enumeration_is_checked() -> None:
    assert member("ecs.Condition", "START", ("START",)) == "ecs.Condition.START"
    assert refusal(member, "ecs.Condition", "START, x=exit()", ("START", "HEALTHY")) == (
        "ecs.Condition: has no such member, got 'START, x=exit()' (one of: START, HEALTHY)"
    )


def test_text_in_a_docstring_or_a_comment_cannot_end_it() -> None:
    assert prose('colors-1.local\n"""\\') == "colors-1.local?????"


# Layout


def formatted(source: str) -> str:
    return format_modules({"app.py": source})["app.py"]


def test_long_calls_are_laid_out_with_double_quotes() -> None:
    long = "x" * 60
    assert formatted(f"x = f('{long}', b=('{long}',))\n") == f'x = f(\n    "{long}",\n    b=("{long}",),\n)\n'


def test_unused_imports_are_removed_and_the_rest_is_sorted() -> None:
    source = (
        "from color_mesh.model import Timeout, Listener\nimport os\nfrom aws_cdk import App\nApp(Listener, Timeout)\n"
    )
    assert formatted(source) == (
        "from aws_cdk import App\nfrom color_mesh.model import Listener, Timeout\n\nApp(Listener, Timeout)\n"
    )


def test_modules_of_the_app_are_imported_after_libraries() -> None:
    modules = {"app.py": "import mesh\nimport aws_cdk\nmesh, aws_cdk\n", "mesh.py": "x=1\n"}
    assert format_modules(modules) == {
        "app.py": "import aws_cdk\n\nimport mesh\n\nmesh, aws_cdk\n",
        "mesh.py": "x = 1\n",
    }


def test_missing_formatter_is_an_error_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruff", None)
    assert refusal(formatted, "") == (
        "color-mesh migrate: the Python package ruff is not installed, got None (pip install 'color-mesh[migrate]')"
    )


# Identifiers


@pytest.mark.parametrize(
    ("name", "variable", "construct_id"),
    [
        pytest.param("color-node", "color_node", "ColorNode", id="hyphen"),
        pytest.param("ColorNode", "color_node", "ColorNode", id="capitals"),
        pytest.param("1st", "node_1st", "1st", id="digit"),
        pytest.param("-", "node", "Node", id="no-letters"),
        pytest.param("class", "class_node", "Class", id="keyword"),
        pytest.param("self", "self_node", "Self", id="reserved"),
        pytest.param("dict", "dict_node", "Dict", id="builtin"),
    ],
)
def test_names_become_identifiers(name: str, variable: str, construct_id: str) -> None:
    assert Identifiers(["self"]).variable(name, "node") == variable
    assert Identifiers([]).construct_id(name, "Node") == construct_id


def test_similar_names_become_different_identifiers() -> None:
    identifiers = Identifiers([])
    assert [identifiers.variable(name, "node") for name in ("a-b", "a_b", "A.b")] == ["a_b", "a_b_node", "a_b_node_2"]


@given(st.lists(st.text(alphabet="abAB-_1", min_size=1, max_size=4), max_size=8))
@examples(100)
def test_identifiers_are_valid_and_unique(names: list[str]) -> None:
    identifiers = Identifiers(["self"])
    variables = [identifiers.variable(name, "node") for name in names]
    assert len({*variables, "self"}) == len(names) + 1
    assert not [each for each in variables if not each.isidentifier() or keyword.iskeyword(each)]
