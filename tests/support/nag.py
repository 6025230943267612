"""Findings of cdk-nag and of the CDK's own validation in an app."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_APP = """
import sys
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks
{imports}
app = App(outdir=sys.argv[1])
{declarations}
Validations.of(app).add_plugins(AwsSolutionsChecks(app))
app.synth()
"""


def nag_findings(out: Path, imports: str, declarations: str) -> set[tuple[str, str]]:
    """Synthesize an app, and return the rules that it breaks with the paths of the constructs that break them.

    Args:
        out: Folder for the cloud assembly.
        imports: Statements that import the stacks.
        declarations: Statements that add them to ``app``.
    """
    program = _APP.format(imports=imports, declarations=declarations)
    command = [sys.executable, "-c", program, str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = out / "validation-report.json"
    assert report.exists(), done.stderr
    return {
        (violation["ruleName"], construct["constructPath"])
        for plugin in json.loads(report.read_text())["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }
