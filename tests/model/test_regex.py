"""Regular expressions: those that Envoy's library RE2 accepts. `tests/envoy/test_text.py` compares with Envoy."""

import pytest

from color_mesh.model import HeaderMatch, RouteMatch
from color_mesh.model.regex import check_regex
from tests.support.builders import refusal, route, routing

FIX = "RE2 has no look-ahead, look-behind, backreferences and possessive repetition, and repeats at most 1000 times"


def problems(regex: str) -> list[str]:
    return [*check_regex("route 'all'", "path_regex", regex)]


@pytest.mark.parametrize(
    "regex",
    [
        "/.*",
        "/orders/[0-9]+",
        "/(red|blue)/?",
        r"[^?]*\.html",
        r"\w*-?",
        "(?i)/red",
        "(?i:a)(?-i:b)",
        "(?P<a>a)(?<b>b)",
        "[]a][^]b][a-][-a]",
        r"[[:alpha:][:^digit:]\d\W]",
        r"\Qa.b*\E+",
        r"\x41\x{e9}\101\0\t\_\-\/\377",
        "a*?b+?c??d{2}?",
        "{a}{,3}a{b",
        r"\A\bfoo\B$\z",
        "☃+|[ä-ü]|😀",
        "(a{10}){50}",
        "()|",
    ],
)
def test_expression_of_re2_is_accepted(regex: str) -> None:
    assert problems(regex) == []


@pytest.mark.parametrize(
    ("regex", "wrong"),
    [
        ("(?=a)", "the group (?=a"),
        ("(?!a)", "the group (?!a"),
        ("(?<=a)b", "the group (?<="),
        ("(?>a)", "the group (?>a"),
        ("(?P=a)", "the group (?P="),
        ("(?#a)", "the group (?#a"),
        ("(?x)a", "the group (?x)"),
        ("(?)", "a group without content"),
        ("(?P<a>a)(?P<a>b)", "two groups named a"),
        (r"(a)\1", r"the escape \1"),
        (r"\Z", r"the escape \Z"),
        (r"\p{Greek}", r"the escape \p"),
        (r"\x{100}", r"the escape \x{100}"),
        (r"\400", r"the escape \400"),
        ("a\\", "the escape \\"),
        ("a**", "a repetition of a repetition"),
        ("a++", "a repetition of a repetition"),
        ("a{2}{3}", "a repetition of a repetition"),
        ("*a", "a repetition of nothing"),
        ("(|+)", "a repetition of nothing"),
        ("(?i)*", "a repetition of nothing"),
        ("a{1001}", "more than 1000 repetitions"),
        ("((a{11}){10}){10}", "more than 1000 repetitions"),
        ("a{3,2}", "the repetition {3,2}"),
        ("(a", "a '(' without ')'"),
        ("a)", "a ')' without '('"),
        ("[a", "a '[' without ']'"),
        ("[a-", "a '[' without ']'"),
        ("[", "a '[' without ']'"),
        ("[z-a]", "a range that ends before it begins"),
        (r"[a-\d]", r"the escape \d"),
        ("[[:colour:]]", "an unknown class"),
        ("(" * 100 + ")" * 100, "more than 50 nested groups"),
    ],
)
def test_expression_that_re2_does_not_accept_is_refused(regex: str, wrong: str) -> None:
    message = f"route 'all': path_regex is not a regular expression of RE2: {wrong}, got {regex!r} ({FIX})"
    assert problems(regex) == [message]


@pytest.mark.parametrize("regex", ["a{997}", "(a{10}){100}", "((a|b){30}){30}"])
def test_expression_with_a_large_program_is_refused(regex: str) -> None:
    assert problems(regex) == [
        f"route 'all': path_regex compiles to too many instructions, got {regex!r} (at most 1000: fewer repetitions)"
    ]


def test_largest_program_is_accepted() -> None:
    # Envoy counts 4 instructions beside the literals.
    assert problems("a{994}") == []


@pytest.mark.parametrize(
    ("match", "field"),
    [
        (RouteMatch(path_regex="(?=a)"), "path_regex"),
        (RouteMatch(headers=(HeaderMatch(name="x", regex="(?=a)"),)), "regex of 'x'"),
    ],
)
def test_expressions_of_a_route_are_validated(match: RouteMatch, field: str) -> None:
    wrong = f"{field} is not a regular expression of RE2: the group (?=a, got '(?=a)' ({FIX})"
    assert refusal(lambda: routing(route(match=match))) == f"route 'all': {wrong}"
