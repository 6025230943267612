"""Arguments of a node that do not go together."""

from collections.abc import Iterator, Sequence

from color_mesh.model import DnsDiscovery, DnsResponseType, Listener, VirtualNode
from color_mesh.model.errors import problem


def check_names(
    subject: str, listeners: Sequence[Listener], virtual_service: bool, virtual_service_name: str | None
) -> Iterator[str]:
    """Find a name for callers where there is nothing to call, or nothing to be called by name."""
    if not virtual_service and virtual_service_name is not None:
        fix = "virtual_service=True, or leave virtual_service_name out"
        yield problem(subject, "has a name but no virtual service", virtual_service_name, fix)
    elif virtual_service and not listeners:
        yield problem(subject, "has a virtual service but no listener", (), "a listener, or virtual_service=False")


def check_discovery(
    subject: str,
    listeners: Sequence[Listener],
    hostname: str | None,
    response_type: DnsResponseType,
    **of_cloud_map: object,
) -> Iterator[str]:
    """Find arguments for a Cloud Map service that a node does not have, or for a hostname that it does not have."""
    said = {argument: value for argument, value in of_cloud_map.items() if value is not None}
    if said and (hostname is not None or not listeners):
        why = "nothing calls a node without a listener" if hostname is None else "its hostname says where it is"
        yield problem(subject, "is in no Cloud Map service", said, f"leave out {', '.join(said)}: {why}")
    if hostname is None and response_type != "LOADBALANCER":
        fix = "a hostname, or leave response_type out"
        yield problem(subject, "has a response type but no hostname", response_type, fix)


def check_implementation(
    subject: str, node: VirtualNode, port_name: str | None, **words: Sequence[str] | None
) -> Iterator[str]:
    """Find a node without tasks to implement it, a name for a port that it does not have, and text for ``words``."""
    if isinstance(node.discovery, DnsDiscovery):
        fix = "leave implement out: what DNS finds there runs somewhere else; tasks are found without a hostname"
        yield problem(subject, "has no tasks of its own", node.discovery.hostname, fix)
    if port_name is not None and not node.listeners:
        yield problem(subject, "has a port name but no port", port_name, "leave port_name out, or give it a listener")
    for argument, value in words.items():
        if isinstance(value, str):
            yield problem(subject, f"{argument} is text", value, f"its words, such as {value.split()!r}")
