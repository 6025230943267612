"""Tests that a machine cannot run are skipped, and counted at the end with a line for each reason.

Where ``CI`` is set, nothing may be skipped: such a test fails.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterable

import pytest

# Debian's packages of the programs that tests start, beside those that ``color-mesh up`` looks for itself.
_PACKAGES = {"nslookup": "bind9-dnsutils", "ps": "procps"}


def missing_programs(*programs: str) -> list[str]:
    """Return a line for each program that is not installed, with the command that installs it."""
    return [
        f"{program} is not installed (sudo apt-get install {_PACKAGES[program]})"
        for program in programs
        if shutil.which(program) is None
    ]


def skip(reasons: Iterable[str]) -> None:
    """Skip the test if there are reasons; where nothing may be skipped, fail."""
    text = "\n".join(reasons)
    if text and os.environ.get("CI"):
        pytest.fail(text)
    if text:
        pytest.skip(text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        # Of a skipped test, pytest keeps the file, the line and the reason.
        reason = report.longrepr[2].removeprefix("Skipped: ")
        counts.update(reason.splitlines())
    if counts:
        terminalreporter.section("tests that this machine cannot run", yellow=True)
    for reason, count in counts.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason}")
