"""The CDK CLI, as a person runs it."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.emulated_aws import ACCOUNT, REGION, ROOT, EmulatedAws

# As in "[~] AWS::AppMesh::Route Router/ColorRoute RouterColorRouteC60614CD".
CHANGE = re.compile(r"^\[[+~-]\] AWS::\S+", re.MULTILINE)


class RehearsalError(Exception):
    """Something is not as it should be on AWS."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cdk:
    """Define the CLI with an account to work on."""

    aws: EmulatedAws

    def synth(self, out: Path, settings: Mapping[str, str], *, validate: bool) -> None:
        """Synthesize the app into a folder, with the checks of what it makes or without."""
        environment = {} if validate else {"CDK_VALIDATION": "false"}
        self.run("synth", "--quiet", "--output", str(out), *context(settings), **environment)

    def bootstrap(self, app: Path) -> None:
        """Make what deploying to an account needs."""
        self.run("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", str(app))

    def deploy(self, app: Path) -> None:
        """Deploy all stacks of a synthesized app."""
        # A change set of the emulator's forgets what other stacks export.
        options = ("--method", "direct", "--require-approval", "never", "--progress", "events")
        self.run("deploy", "--all", "--app", str(app), *options)

    def diff(self, app: Path) -> list[str]:
        """Ask what would change; return how each resource does, and its type."""
        told = self.run("diff", "--method", "template", "--app", str(app))
        changes = CHANGE.findall(told)
        if bool(changes) == ("Number of stacks with differences: 0" in told):
            raise RehearsalError(f"cdk diff does not count what it tells:\n{told}")
        return changes

    def destroy(self, app: Path) -> None:
        """Remove all stacks."""
        self.run("destroy", "--all", "--force", "--app", str(app))

    def refused(self, *arguments: str) -> str:
        """Run a command that must fail; return what it said."""
        done = self._done(arguments, {})
        said = done.stdout + done.stderr
        if done.returncode == 0:
            raise RehearsalError(f"cdk {' '.join(arguments)} succeeded:\n{said}")
        return said

    def run(self, *arguments: str, **environment: str) -> str:
        """Run a command that must succeed; return what it said."""
        done = self._done(arguments, environment)
        said = done.stdout + done.stderr
        if done.returncode != 0:
            raise RehearsalError(f"cdk {' '.join(arguments)} failed:\n{said}")
        return said

    def _done(self, arguments: Sequence[str], more: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        environment = {**self.aws.environment, **more}
        return subprocess.run(
            ["cdk", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )


def context(settings: Mapping[str, str]) -> list[str]:
    """Spell settings for the CLI."""
    return [part for name, value in settings.items() for part in ("-c", f"color-mesh:{name}={value}")]
