"""Steps of the rehearsal that change a deployed mesh, whose services are in stacks of their own."""

from pathlib import Path

from rehearsal.command_line import Cdk
from rehearsal.emulated_aws import emulated_aws
from rehearsal.inventory import check_nothing_left
from rehearsal.steps import deploy, step

# What each deployment of `rehearsal.shop` changes.
STEPS = {
    "base": "a node calls another one in the stack before",
    "node-added": "a node is added",
    "node-renamed": "it is renamed",
    "node-removed": "it is removed",
    "node-moved": "the node that is called moves to another stack",
    "router": "it moves back under another name, behind a router",
    "canary": "weights are shifted to a canary",
    "canary-drained": "weights are shifted back",
    "canary-removed": "the canary is removed",
}


def rehearse_changes(folder: Path) -> None:
    """Make each change in one deployment of all stacks."""
    with emulated_aws(folder) as aws:
        cdk = Cdk(aws=aws)
        for number, (name, title) in enumerate(STEPS.items()):
            app = folder / name
            command = f"python -m rehearsal.shop {name}"
            cdk.run("synth", "--quiet", "--app", command, "--output", str(app))
            if number == 0:
                with step("cdk bootstrap"):
                    cdk.bootstrap(app)
            with step(f"cdk deploy --all: {title}"):
                deploy(cdk, app)
        with step("cdk destroy: no resources remain"):
            cdk.destroy(app)
            check_nothing_left(aws)
