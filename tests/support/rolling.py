"""Templates whose tasks end sooner than on AWS, for a DNS that hears sooner of them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.running import Template, template_of

DELAY = "deregistration-delay"
# Those of the templates: how long resolvers keep an answer, and after how long Envoys ask again.
TTL_SECONDS, REFRESH_SECONDS = 5, 2
# What `told_soon` goes with: with a resolver's second and Envoy's two, everybody has heard after four.
SOON = ("--dns-delay", "1")


def delaying(seconds: int) -> Callable[[Template], None]:
    """Let tasks answer for other than the 67 seconds after they were deregistered."""

    def change(template: Template) -> None:
        for containers in _containers(template):
            for container in containers:
                if container["Name"] == DELAY:
                    container["Command"][0] = str(seconds)

    return change


def without_delay(template: Template) -> None:
    """Let tasks end when they are deregistered."""
    for containers in _containers(template):
        containers[:] = [each for each in containers if each["Name"] != DELAY]


def told_soon(assembly: Path) -> None:
    """Let tasks answer for 4 seconds, after which everybody has heard that they end, and drain for 1; see `SOON`."""
    template_of("EcsStack", delaying(1 + 1 + REFRESH_SECONDS))(assembly)
    template_of("EcsStack", _draining_for_a_second)(assembly)
    template_of("MeshStack", _kept_for_a_second)(assembly)


def _draining_for_a_second(template: Template) -> None:
    for containers in _containers(template):
        for container in containers:
            words = container.get("EntryPoint", [])
            container["EntryPoint"] = [re.sub("(sleep|--drain-time-s) 5\\b", r"\1 1", word) for word in words]


def _kept_for_a_second(template: Template) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ServiceDiscovery::Service":
            resource["Properties"]["DnsConfig"]["DnsRecords"][0]["TTL"] = 1


def _containers(template: Template) -> Iterator[list[Template]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ECS::TaskDefinition":
            yield resource["Properties"]["ContainerDefinitions"]
