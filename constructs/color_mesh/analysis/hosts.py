"""Hosts in the environment variables of applications."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.analysis.facts import Facts
from color_mesh.ecs.containers import Container
from color_mesh.model import VirtualNode

MAX_LENGTH = 4096  # Characters of a variable that are searched.
# A scheme, a host name with a dot or after a scheme, and a port.
_HOST = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20})://(?:[^@/\s]{0,200}@)?)?"
    r"(?<![\w.-])(?P<host>[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,20})(?::(?P<port>[0-9]{1,5}))?(?![\w.@-])"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedHost:
    """A host in an environment variable of an application of a node.

    Attributes:
        node: The node.
        place: Place of the task definition.
        container: Index of the container in its task definition.
        variable: Name of the variable.
        host: Host, in lower case.
        scheme: Scheme of its URL, in lower case. Default: none.
        port: Port behind it. Default: none.
    """

    node: VirtualNode
    place: str
    container: int
    variable: str
    host: str
    scheme: str | None = None
    port: int | None = None

    @property
    def property(self) -> str:
        """Path of the variable in the task definition."""
        return f"ContainerDefinitions[{self.container}].Environment[{self.variable}]"


def named_hosts(facts: Facts) -> Iterator[NamedHost]:
    """Yield the hosts in the variables of all applications of the mesh's nodes."""
    for node in facts.mesh.nodes:
        for place, definition, envoy in facts.tasks_of(node):
            for index, container in enumerate(definition.containers):
                if container is not envoy:
                    yield from _hosts(node, place, index, container)


def _hosts(node: VirtualNode, place: str, index: int, container: Container) -> Iterator[NamedHost]:
    for variable, value in container.environment.items():
        for match in _HOST.finditer(value[:MAX_LENGTH]) if isinstance(value, str) else ():
            yield NamedHost(
                node=node,
                place=place,
                container=index,
                variable=variable,
                host=match["host"].lower(),
                scheme=match["scheme"].lower() if match["scheme"] else None,
                port=int(match["port"]) if match["port"] else None,
            )


def node_names(node: VirtualNode) -> set[str]:
    """Return the DNS name of a node, in lower case, if it has one."""
    return {node.discovery.dns_name.lower().removesuffix(".")} if node.discovery is not None else set()


def port_of(named: NamedHost) -> int | None:
    """Return the port that a client of the host uses, if the variable tells it."""
    if named.port is not None:
        return named.port
    return {"http": 80, "ws": 80, "https": 443, "wss": 443}.get(named.scheme or "")
