"""Markdown of the report: text of a template is shown, and is no markup."""

import pytest

from color_mesh.migration.findings import lost
from color_mesh.migration.report import code_block, code_span, finding_lines, markdown_text


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        pytest.param("virtual node 'red' (a.b): use snake_case, at 80 % - now!", None, id="plain"),
        pytest.param("<img src=x>", r"\<img src=x\>", id="html"),
        pytest.param("&lt;", r"\&lt;", id="entity"),
        pytest.param("[a](b)", r"\[a\](b)", id="link"),
        pytest.param("**a** _b_ ~~c~~ `d` $e$", r"\*\*a\*\* \_b\_ \~\~c\~\~ \`d\` \$e\$", id="emphasis"),
        pytest.param(r"a\*", r"a\\\*", id="backslash"),
        pytest.param("https://a www.b WWW.c", r"https\://a www\.b WWW\.c", id="address"),
        pytest.param("# a", r"\# a", id="heading"),
        pytest.param("    a", "a", id="indented-code"),
        pytest.param("- a", r"\- a", id="item"),
        pytest.param("12. a", r"12\. a", id="numbered-item"),
        pytest.param("===", r"\===", id="underlined-heading"),
        pytest.param("a\n\n# b\x1b", r"a\\n\\n# b\\x1b", id="control-characters"),
    ],
)
def test_markup_is_escaped(text: str, markdown: str | None) -> None:
    assert markdown_text(text) == (markdown or text)


def test_code_has_more_backticks_around_it_than_in_it() -> None:
    assert code_span("a") == "`a`"
    assert code_span("`a``\n") == "``` `a``\\n ```"
    assert code_block("a\nb") == "```\na\nb\n```"
    assert code_block("a\n````") == "`````\na\n````\n`````"


def test_finding_is_one_line_of_printable_characters() -> None:
    assert [*finding_lines([lost("a\n", "b\x1b[2J")], "lost")] == ["a\\n: b\\x1b[2J"]
