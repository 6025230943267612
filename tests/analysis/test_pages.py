"""The pages of the findings, generated from their rules; and that each rule has tests."""

import re
from pathlib import Path

import pytest

from color_mesh.analysis import RULES, SEVERITIES
from color_mesh.analysis.output import PAGES
from color_mesh.analysis.rule import Rule
from tests.support.finding_pages import list_page, rule_page
from tests.support.gold import compare_with_gold

TESTS = Path(__file__).parent / "rules"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_page_of_a_rule_is_generated_from_it(rule: Rule, root: Path, request: pytest.FixtureRequest) -> None:
    compare_with_gold(root / PAGES / f"{rule.id}.md", rule_page(rule), request)


def test_list_of_findings_is_generated(root: Path, request: pytest.FixtureRequest) -> None:
    compare_with_gold(root / "docs/findings.md", list_page(), request)


def test_every_page_is_of_a_rule(root: Path, request: pytest.FixtureRequest) -> None:
    unknown = [path for path in (root / PAGES).glob("*.md") if path.stem not in {rule.id for rule in RULES}]
    if request.config.getoption("--update-gold"):
        for path in unknown:
            path.unlink()
    else:
        assert unknown == []


def test_every_module_of_the_rules_is_a_rule(root: Path) -> None:
    modules = {path.stem for path in (root / "constructs/color_mesh/analysis/rules").glob("[a-z]*.py")}
    assert {rule.id for rule in RULES} == {module.replace("_", "-") for module in modules}
    assert len(RULES) == len({rule.id for rule in RULES})
    assert {rule.severity for rule in RULES} <= set(SEVERITIES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(rule: Rule) -> None:
    tests = (TESTS / f"test_{rule.id.replace('-', '_')}.py").read_text()
    names = re.findall(r"^def (test_\w+)", tests, re.MULTILINE)
    assert any(name.endswith(("_is_not_found", "_are_not_found")) for name in names)
    assert any("_not_found" not in name and "found" in name for name in names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_page_has_a_title_and_a_text(rule: Rule) -> None:
    title, empty, text = rule.page.split("\n", 2)
    assert title.endswith(".")
    assert not empty
    assert text.strip()
