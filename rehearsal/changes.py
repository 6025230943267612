"""Steps of the rehearsal that change a deployed mesh, whose services are in stacks of their own."""

import re
from pathlib import Path

from rehearsal.command_line import Cdk
from rehearsal.comparison import check_resources
from rehearsal.deployed import Deployed
from rehearsal.emulated_aws import emulated_aws
from rehearsal.inventory import check_nothing_else, check_nothing_left
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


def rehearse_second_app(folder: Path) -> None:
    """Deploy a mesh, then the app of another team that imports it, and destroy them in the opposite order."""
    with emulated_aws(folder) as aws:
        cdk = Cdk(aws=aws)
        first, second = folder / "first", folder / "second"
        cdk.run("synth", "--quiet", "--app", "python -m rehearsal.shop base", "--output", str(first))
        with step("cdk bootstrap"):
            cdk.bootstrap(first)
        with step("cdk deploy: the app with the mesh"):
            deployed = deploy(cdk, first)
        ids = ",".join(f"{name}={id}" for name, id in _attributes(deployed).items())
        command = "python -m rehearsal.second_app"
        cdk.run("synth", "--quiet", "--app", command, "--output", str(second), "-c", f"shop={ids}")
        with step("cdk deploy: the app of another team, which imports it"):
            cdk.deploy(second)
            check_resources(Deployed(aws=aws, app=second))
        with step("cdk destroy: the imported mesh is as before"):
            cdk.destroy(second)
            check_resources(deployed)
            check_nothing_else(deployed)
        with step("cdk destroy: no resources remain"):
            cdk.destroy(first)
            check_nothing_left(aws)


def _attributes(deployed: Deployed) -> dict[str, str]:
    """Return the ids that another app imports."""

    def id_of(stack: str, prefix: str) -> str:
        (id,) = (id for (of, name), id in deployed.ids.items() if of == stack and re.fullmatch(f"{prefix}.{{8}}", name))
        return id

    return {
        "vpc": id_of("Network", "Vpc"),
        "subnet1": id_of("Network", "VpcPrivateSubnet1Subnet"),
        "subnet2": id_of("Network", "VpcPrivateSubnet2Subnet"),
        "namespace": id_of("Mesh", "MeshNamespace"),
        "zone": id_of("Mesh", "MeshServicesZone"),
        "meshGroup": id_of("Mesh", "MeshSecurityGroup"),
        "stockGroup": id_of("Stock", "StockTaskSecurityGroup"),
    }
