"""Commands of the CDK CLI."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.emulated_aws import ACCOUNT, REGION, ROOT, EmulatedAws

# As in "[~] AWS::AppMesh::Route Router/ColorRoute RouterColorRouteC60614CD".
CHANGE = re.compile(r"^\[[+~-]\] AWS::\S+", re.MULTILINE)


class RehearsalError(Exception):
    """A step of the rehearsal had another result than expected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cdk:
    """CDK CLI with its account.

    Attributes:
        aws: The emulated account.
        app: Folder of the app. Default: this project.
    """

    aws: EmulatedAws
    app: Path = ROOT

    def synth(self, out: Path, values: Mapping[str, str], *, validate: bool) -> None:
        """Synthesize the app with a context into a folder, with or without validation."""
        environment = {} if validate else {"CDK_VALIDATION": "false"}
        self.run("synth", "--quiet", "--output", str(out), *context(values), **environment)

    def bootstrap(self, app: Path) -> None:
        """Bootstrap the account."""
        self.run("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", str(app))

    def deploy(self, app: Path) -> None:
        """Deploy all stacks of a cloud assembly."""
        # Change sets of the emulator lose the exports of other stacks.
        options = ("--method", "direct", "--require-approval", "never", "--progress", "events")
        self.run("deploy", "--all", "--app", str(app), *options)

    def diff(self, app: Path) -> list[str]:
        """Return the changes of ``cdk diff``: the kind of change and the type of each resource."""
        output = self.run("diff", "--method", "template", "--app", str(app))
        changes = CHANGE.findall(output)
        if bool(changes) == ("Number of stacks with differences: 0" in output):
            raise RehearsalError(f"cdk diff lists other changes than it counts:\n{output}")
        return changes

    def destroy(self, app: Path) -> None:
        """Remove all stacks."""
        self.run("destroy", "--all", "--force", "--app", str(app))

    def run_refused(self, *arguments: str) -> str:
        """Run a command that must fail, and return its output."""
        process = self._process(arguments, {})
        output = process.stdout + process.stderr
        if process.returncode == 0:
            raise RehearsalError(f"cdk {' '.join(arguments)} succeeded:\n{output}")
        return output

    def run(self, *arguments: str, **environment: str) -> str:
        """Run a command that must succeed, and return its output."""
        process = self._process(arguments, environment)
        output = process.stdout + process.stderr
        if process.returncode != 0:
            raise RehearsalError(f"cdk {' '.join(arguments)} failed:\n{output}")
        return output

    def _process(self, arguments: Sequence[str], more: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        environment = {**self.aws.environment, **more}
        return subprocess.run(
            ["cdk", *arguments], cwd=self.app, env=environment, capture_output=True, text=True, check=False
        )


def context(values: Mapping[str, str]) -> list[str]:
    """Return a CDK context as arguments of the CLI."""
    return [part for key, value in values.items() for part in ("-c", f"{key}={value}")]
