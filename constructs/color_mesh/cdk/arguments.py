"""Validation of the arguments of constructs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from color_mesh.model import (
    DnsDiscovery,
    DnsResponseType,
    IpPreference,
    Listener,
    Method,
    Protocol,
    RetryPolicy,
    RouteMatch,
    Timeout,
    VirtualNode,
)
from color_mesh.model.errors import problem
from color_mesh.model.match import with_default_prefix


def listeners_of_arguments(
    subject: str, listeners: Sequence[Listener] | None, single_listener: Listener, arguments: str
) -> tuple[tuple[Listener, ...], list[str]]:
    """Return the listeners of a node or a router, and the problems of the arguments that describe them.

    Args:
        subject: Beginning of the messages.
        listeners: Argument ``listeners``.
        single_listener: Listener that the other arguments describe.
        arguments: Names of these arguments.
    """
    if listeners is None:
        return (single_listener,), []
    problems = []
    if single_listener != Listener(port=80):
        fix = f"all of it in listeners, or {arguments}"
        given = _differences(single_listener, Listener(port=80))
        problems.append(problem(subject, "'listeners' excludes the arguments of one listener", given, fix))
    return tuple(listeners), problems


def _differences(value: Listener | RouteMatch, other: Listener | RouteMatch) -> dict[str, Any]:
    """Return the attributes of a value that another one of its class has not."""
    names = [each.name for each in fields(value)]
    return {name: getattr(value, name) for name in names if getattr(value, name) != getattr(other, name)}


def match_of_arguments(
    subject: str,
    protocol: Protocol,
    match: RouteMatch | None,
    prefix: str | None,
    method: Method | None,
    port: int | None,
) -> tuple[RouteMatch, list[str]]:
    """Return the match of a route, and the problems of the arguments that describe it.

    Without a path, a route of ``http`` or ``http2`` matches all paths.

    Args:
        subject: Beginning of the messages.
        protocol: Protocol of the route.
        match: Argument ``match``.
        prefix: Argument ``prefix``.
        method: Argument ``method``.
        port: Argument ``port``.
    """
    simple = RouteMatch(prefix=prefix, method=method, port=port)
    problems = []
    if match is not None and simple != RouteMatch():
        fix = "all of it in match, or prefix, method and port"
        given = _differences(simple, RouteMatch())
        problems.append(problem(subject, "'match' excludes 'prefix', 'method' and 'port'", given, fix))
    result = match or simple
    return with_default_prefix(result, protocol), problems


def check_virtual_service_arguments(
    subject: str, listeners: Sequence[Listener], virtual_service: bool, virtual_service_name: str | None
) -> Iterator[str]:
    """Validate that a node has a virtual service name only with a virtual service, and that only with a listener."""
    if not virtual_service and virtual_service_name is not None:
        fix = "virtual_service=True, or leave virtual_service_name out"
        yield problem(subject, "has a name but no virtual service", virtual_service_name, fix)
    elif virtual_service and not listeners:
        yield problem(subject, "has a virtual service but no listener", (), "a listener, or virtual_service=False")


def check_policies(
    subject: str, has_service: bool, retry_policy: RetryPolicy | None, timeout: Timeout | None
) -> Iterator[str]:
    """Validate that only what has callers has a retry policy or a timeout for them."""
    given = {"retry_policy": retry_policy, "caller_timeout": timeout}
    arguments = {name: value for name, value in given.items() if value is not None}
    if arguments and not has_service:
        fix = "leave them out: callers use the policies of the routes of a router"
        yield problem(subject, "policies for callers need a virtual service that a node provides", arguments, fix)


def check_discovery_arguments(
    subject: str,
    listeners: Sequence[Listener],
    hostname: str | None,
    response_type: DnsResponseType,
    ip_preference: IpPreference | None,
    cloud_map_arguments: Mapping[str, object],
) -> Iterator[str]:
    """Validate that a node has arguments for a Cloud Map service or for a hostname only if it has the one or the other.

    Args:
        subject: Beginning of the messages.
        listeners: Listeners of the node.
        hostname: Argument ``hostname``.
        response_type: Argument ``response_type``.
        ip_preference: Argument ``ip_preference``.
        cloud_map_arguments: Arguments for the Cloud Map service by name. ``None``: not arguments.
    """
    arguments = {name: value for name, value in cloud_map_arguments.items() if value is not None}
    if arguments and (hostname is not None or not listeners):
        why = "callers do not look up a node without a listener" if hostname is None else "DNS looks up its hostname"
        yield problem(subject, "has no Cloud Map service", arguments, f"leave out {', '.join(arguments)}: {why}")
    if hostname is None and response_type != "LOADBALANCER":
        fix = "a hostname, or leave response_type out"
        yield problem(subject, "has a response type but no hostname", response_type, fix)
    if hostname is None and ip_preference is not None:
        fix = "a hostname, or leave ip_preference out"
        yield problem(subject, "has an IP preference but no hostname", ip_preference, fix)


def check_implementation_arguments(subject: str, node: VirtualNode, port_name: str | None) -> Iterator[str]:
    """Validate arguments of a node's implementation.

    Args:
        subject: Beginning of the messages.
        node: The node.
        port_name: Argument ``port_name``.
    """
    if isinstance(node.discovery, DnsDiscovery):
        fix = "leave it out: a node with a hostname runs elsewhere, a node without one has tasks"
        yield problem(subject, "has a hostname and no tasks", node.discovery.hostname, fix)
    if port_name is not None and not node.listeners:
        yield problem(subject, "has a port name but no port", port_name, "leave port_name out, or give it a listener")


def check_unregistered(subject: str, node: VirtualNode) -> Iterator[str]:
    """Validate that nobody looks up the tasks of a node which no service registers in Cloud Map."""
    if node.listeners and not isinstance(node.discovery, DnsDiscovery):
        fix = "attach its service, or make it a node that only calls: listeners=[], virtual_service=False"
        ports = tuple(listener.port for listener in node.listeners)
        yield problem(subject, "has listeners but no service that registers its tasks", ports, fix)
