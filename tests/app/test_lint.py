"""cfn-lint on every template of every chapter."""

import json
from collections.abc import Callable

import pytest

from tests.support.chapters import CASES, TEMPLATES
from tests.support.cloudformation import Assembly


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing_but_the_end_of_app_mesh(name: str, synthesize: Callable[..., Assembly]) -> None:
    # It takes long to import, and each process of the tests imports all test modules.
    from cfnlint.api import lint

    case, stack = TEMPLATES[name]
    findings = lint(json.dumps(synthesize(**CASES[case])[stack]))
    assert [str(finding) for finding in findings if finding.rule.id != "W3696"] == []
