"""X-Ray daemon that applications cannot reach, or that cannot reach AWS.

An application sends its segments to the daemon by UDP, which is not redirected to Envoy, and asks it for the sampling
rules by TCP on the same port. With the egress filter `DROP_ALL`, Envoy lets TCP connections to a daemon outside of the
task through only if it is a backend or its port is ignored, so that the SDK samples by its own default rule. The daemon
itself needs `xray:PutTraceSegments` and `xray:PutTelemetryRecords` of the task role to send what it got.
"""

from collections.abc import Iterator
from ipaddress import ip_address

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.hosts import node_names
from color_mesh.analysis.rule import Fault, rule
from color_mesh.ecs.containers import Container
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.model.checks import is_number

ADDRESS = "AWS_XRAY_DAEMON_ADDRESS"
_ACTIONS = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
_PORT = 2000


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the daemons that Envoy or the task role keep from their work."""
    yield from _outside(facts)
    for task in dict.fromkeys(place for place, _, _, _ in facts.envoys()):
        definition = facts.declarations.task_definitions[task]
        role = facts.declarations.roles.get(definition.task_role or "")
        daemon = next((index for index, each in enumerate(definition.containers) if _is_daemon(each)), None)
        denied = [each for each in _ACTIONS if role is not None and not role.allows(each, "*")]
        if role is not None and daemon is not None and denied:
            yield Fault(
                subject=task,
                property=f"ContainerDefinitions[{daemon}]",
                text=f"the X-Ray daemon cannot send: role {role.name} does not allow {', '.join(denied)}",
                fix="attach the managed policy AWSXRayDaemonWriteAccess to the task role",
            )


def _outside(facts: Facts) -> Iterator[Fault]:
    """Yield the variables with a daemon outside of the task, whose sampling rules Envoy does not let through."""
    if facts.mesh.egress_filter != "DROP_ALL":
        return
    inside = {name.lower() for name in facts.mesh.known_services}
    inside |= {name for node in facts.mesh.nodes for name in node_names(node)}
    for place, definition, proxy, _ in facts.redirected_tasks():
        for index, container in enumerate(definition.containers):
            user = (container.user or "").partition(":")[0]
            host, port = _tcp_address(container)
            ignored = port in proxy.ignored_ports or host in proxy.ignored_ips or user == str(proxy.ignored_uid)
            if container in definition.envoys or not host or _is_in_task(host, definition) or host in inside or ignored:
                continue
            yield Fault(
                subject=place,
                property=f"ContainerDefinitions[{index}].Environment[{ADDRESS}]",
                text=f"the application gets no sampling rules of the X-Ray daemon at {host!r}, since Envoy does not "
                f"let TCP to port {port} through",
                fix=f"add {port} to EgressIgnoredPorts, or run the daemon in the task",
            )


def _tcp_address(container: Container) -> tuple[str, int]:
    """Return the host, in lower case, and the port for TCP; an empty host if there is none.

    AWS X-Ray Developer Guide, *Environment variables*: ``HOST:PORT``, or ``tcp:HOST:PORT udp:HOST:PORT``.
    """
    value = container.environment.get(ADDRESS)
    words = value.split() if isinstance(value, str) else []
    word = next((each for each in words if each.startswith("tcp:")), words[0] if words else "")
    host, _, port = word.removeprefix("tcp:").removeprefix("udp:").rpartition(":")
    return (host.lower(), int(port)) if is_number(port) else (word.lower(), _PORT)


def _is_in_task(host: str, definition: TaskDefinition) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host in {each.name.lower() for each in definition.containers}


def _is_daemon(container: Container) -> bool:
    return "xray-daemon" in (container.image or "")


RULE = rule("warning", check, __doc__)
