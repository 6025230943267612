"""What keeps a node's task answering until its callers have heard that it ends, as load balancers do for their targets.

ECS deregisters a task from Cloud Map and sends SIGTERM at about the same time. Callers find the task in DNS, and go on
calling it until that has changed everywhere; those that have not heard of the task in its place have nobody else.
"""

from color_mesh.envoy.clusters import REFRESH_SECONDS
from color_mesh.envoy.placement import ADMIN_PORT
from color_mesh.model import CloudMapDiscovery, FargateContainer, Mesh, VirtualNode
from color_mesh.model.task import MAX_STOP_TIMEOUT_SECONDS

NAME = "deregistration-delay"
# Amazon Route 53 FAQs: changes are designed to reach all of its servers within 60 seconds.
_PROPAGATION_SECONDS = 60
# After the delay, for bash to end: what is left of the stop timeout.
_ENDING_SECONDS = 5

# /proc/net is the network of the whole task: a socket that listens (0A) is seen there without a connection to it, at
# every address or at 127.0.0.1, and at any of IPv6. At others Envoy listens for backends, which may have the same port.
# In a trap, return without a number would tell how the command before it ended.
_SCRIPT = f"""\
listens() {{
  grep -qsE " (00000000|0100007F|[0-9A-F]{{32}}):$(printf %04X "$1") 0+:0000 0A" /proc/net/tcp /proc/net/tcp6
}}
answers() {{
  local port
  listens {ADMIN_PORT} || return 1
  for port; do listens "$port" && return 0; done
  return 1
}}
delay() {{
  trap '' TERM
  local seconds=$1
  shift
  echo "for $seconds s callers may still call"
  while ((seconds-- > 0)) && answers "$@"; do sleep 1; done
  exit 0
}}
trap 'delay "$@"' TERM
sleep infinity &
wait
"""
ENTRY_POINT = ("bash", "-c", _SCRIPT, NAME)


def deregistration_delay(mesh: Mesh, node: VirtualNode) -> tuple[FargateContainer, ...]:
    """Describe the container that holds up the end of a node's task; nothing calls a node that is in no Cloud Map."""
    seconds = delay_seconds(mesh, node)
    # It sleeps: a share of the task of its own would only be missing elsewhere, and Fargate wants none (ECS Developer
    # Guide, Task definition parameters for Fargate: cpu and memory of a container).
    stop = seconds + _ENDING_SECONDS
    return (FargateContainer(name=NAME, cpu=None, memory_mib=None, stop_timeout_seconds=stop),) if seconds else ()


def delay_seconds(mesh: Mesh, node: VirtualNode) -> int:
    """Find how long a node's task has to answer after it was deregistered; 0 for a node that nothing calls.

    DNS has the change everywhere after 60 s, resolvers keep the answer from before for its time to live, and Envoys
    ask every 2 s: with the default of 5 s that is 67 s. The task in its place was registered before, so that it is
    known by then too. Fargate stops every container after 120 s, which is what is left of a long time to live.
    """
    discovery = node.discovery
    if not isinstance(discovery, CloudMapDiscovery):
        return 0
    name = discovery.dns_name.lower()
    kept = max((each.ttl_seconds for each in mesh.cloud_map_services if each.dns_name.lower() == name), default=0)
    return min(_PROPAGATION_SECONDS + kept + REFRESH_SECONDS, MAX_STOP_TIMEOUT_SECONDS - _ENDING_SECONDS)


def command(mesh: Mesh, node: VirtualNode, app_port: int | None) -> list[str]:
    """Write what the script is told: the seconds, and the ports of the application, without which nothing answers."""
    ports = [app_port] if app_port is not None else [listener.port for listener in node.listeners]
    return [str(delay_seconds(mesh, node)), *map(str, ports)]
