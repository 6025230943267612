"""cfn-lint on every template of every chapter and example."""

import json
from collections.abc import Callable

import pytest
from cfnlint.api import lint

from tests.app.test_snapshots import SNAPSHOTS, settings_of
from tests.conftest import Assembly


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_cfn_lint_finds_nothing_but_the_end_of_app_mesh(name: str, synthesize: Callable[..., Assembly]) -> None:
    settings, stack = settings_of(name)
    findings = lint(json.dumps(synthesize(**settings)[stack]))
    assert [str(finding) for finding in findings if finding.rule.id != "W3696"] == []
