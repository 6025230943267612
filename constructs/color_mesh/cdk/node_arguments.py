"""Arguments of a node that do not go together."""

from collections.abc import Iterator, Sequence

from color_mesh.model import Listener
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


def check_cloud_map(subject: str, listeners: Sequence[Listener], **given: object) -> Iterator[str]:
    """Find arguments for the Cloud Map service of a node that has none."""
    said = {argument: value for argument, value in given.items() if value is not None}
    if said and not listeners:
        fix = f"leave out {', '.join(said)}: nothing calls a node without a listener"
        yield problem(subject, "is in no Cloud Map service", said, fix)


def check_port_name(subject: str, listeners: Sequence[Listener], port_name: str | None) -> Iterator[str]:
    """Find a name for the port of a node that has none."""
    if port_name is not None and not listeners:
        yield problem(subject, "has a port name but no port", port_name, "leave port_name out, or give it a listener")
