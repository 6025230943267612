"""Rolling deployments of a local mesh, and templates whose tasks drain faster than on AWS."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.cloudformation import Template
from tests.support.local_mesh import REFRESH_SECONDS, LocalMesh, ask_often, template_of

DELAY_CONTAINER = "deregistration-delay"
# Longest time until Envoys have a change of Cloud Map: twice the refresh interval, and a call.
HEARD_SECONDS = 2 * REFRESH_SECONDS + 1
# Options of `color-mesh up` that fit `shorten_draining`: every caller has the new addresses after four seconds.
SHORT_DELAYS = ("--dns-delay", "1", "--cloud-map-delay", "1")


def set_deregistration_delay(seconds: int) -> Callable[[Template], None]:
    """Return a change of a template: tasks keep answering for ``seconds`` after deregistration, instead of 26."""

    def change(template: Template) -> None:
        for containers in _containers(template):
            for container in containers:
                if container["Name"] == DELAY_CONTAINER:
                    container["Command"][0] = str(seconds)

    return change


def remove_deregistration_delay(template: Template) -> None:
    """Change a template: tasks stop as soon as they are deregistered."""
    for containers in _containers(template):
        containers[:] = [each for each in containers if each["Name"] != DELAY_CONTAINER]


def shorten_draining(assembly: Path) -> None:
    """Change an assembly: tasks keep answering for 4 seconds and drain for 1; use with `SHORT_DELAYS`."""
    template_of("EcsStack", set_deregistration_delay(1 + HEARD_SECONDS))(assembly)
    template_of("EcsStack", _drain_for_one_second)(assembly)
    ask_often(assembly)


def change_every_task_definition(template: Template) -> None:
    """Change a template: each container has one more environment variable."""
    for containers in _containers(template):
        for container in containers:
            container.setdefault("Environment", []).append({"Name": "VERSION", "Value": "2"})


def replace_every_task(mesh: LocalMesh) -> None:
    """Change every task definition and wait until the rolling deployments are complete."""

    def task_ids() -> set[str]:
        return {task["id"] for service in mesh.status()["services"] for task in service["tasks"]}

    before = task_ids()
    mesh.change("EcsStack", change_every_task_definition)
    mesh.wait_until(lambda: not before & task_ids() and mesh.status()["steady"], "every task is replaced", 90)


def _drain_for_one_second(template: Template) -> None:
    for containers in _containers(template):
        for container in containers:
            words = container.get("EntryPoint", [])
            container["EntryPoint"] = [
                re.sub("(sleep|--drain-time-s) 5\\b", r"\1 1", word) if isinstance(word, str) else word
                for word in words
            ]


def _containers(template: Template) -> Iterator[list[Template]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ECS::TaskDefinition":
            yield resource["Properties"]["ContainerDefinitions"]
