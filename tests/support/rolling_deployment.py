"""Rolling deployments of a local mesh, and templates whose tasks drain faster than on AWS."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.cloudformation import Template
from tests.support.local_mesh import LocalMesh, template_of

DELAY_CONTAINER = "deregistration-delay"
# Values of the templates: TTL of DNS records, and refresh interval of Envoy's DNS clusters.
TTL_SECONDS, REFRESH_SECONDS = 5, 2
# Options of `color-mesh up` that fit `shorten_draining`: a TTL of one second and a refresh of two, so that every
# caller has the new addresses after four.
SHORT_DNS_DELAY = ("--dns-delay", "1")


def set_deregistration_delay(seconds: int) -> Callable[[Template], None]:
    """Return a change of a template: tasks keep answering for ``seconds`` after deregistration, instead of 67."""

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
    """Change an assembly: tasks keep answering for 4 seconds and drain for 1; use with `SHORT_DNS_DELAY`."""
    template_of("EcsStack", set_deregistration_delay(1 + 1 + REFRESH_SECONDS))(assembly)
    template_of("EcsStack", _drain_for_one_second)(assembly)
    template_of("EcsStack", _set_ttl_of_one_second)(assembly)


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
            container["EntryPoint"] = [re.sub("(sleep|--drain-time-s) 5\\b", r"\1 1", word) for word in words]


def _set_ttl_of_one_second(template: Template) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ServiceDiscovery::Service":
            resource["Properties"]["DnsConfig"]["DnsRecords"][0]["TTL"] = 1


def _containers(template: Template) -> Iterator[list[Template]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ECS::TaskDefinition":
            yield resource["Properties"]["ContainerDefinitions"]
