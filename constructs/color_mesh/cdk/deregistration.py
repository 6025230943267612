"""Deregistration delay: a task answers until its callers no longer resolve to it, as behind a load balancer.

ECS deregisters a task from Cloud Map and sends SIGTERM at about the same time. Callers find the task in DNS. They send
requests to it until the change has reached all resolvers, and may not know the replacement task before.
"""

from collections.abc import Sequence

from color_mesh.cdk.envoy_process import LISTENS
from color_mesh.envoy.clusters import REFRESH_SECONDS
from color_mesh.envoy.placement import ADMIN_PORT
from color_mesh.model import FargateContainer
from color_mesh.model.task import MAX_STOP_TIMEOUT_SECONDS

NAME = "deregistration-delay"
# Amazon Route 53 FAQs: changes are designed to reach all servers of Route 53 within 60 seconds.
_PROPAGATION_SECONDS = 60
# Part of the stop timeout in which bash exits after the delay.
_EXIT_SECONDS = 5

# In a trap, `return` without a number would return the status of the command before the trap.
_SCRIPT = f"""\
{LISTENS}
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
DELAY_ENTRY_POINT = ("bash", "-c", _SCRIPT, NAME)


def delay_container(dns_ttl_seconds: int) -> FargateContainer:
    """Return the container that delays the end of a node's task.

    A change takes up to 60 s in Route 53, resolvers cache the previous answer for the TTL, and Envoys resolve names
    every 2 s. With the default TTL of 5 s the delay is 67 s. The replacement task is registered before the delay
    begins, so callers know it when the delay ends. Fargate stops a container at most 120 s after SIGTERM, which limits
    the delay for a long TTL.

    Args:
        dns_ttl_seconds: TTL of the node's record in Cloud Map.
    """
    delay = _PROPAGATION_SECONDS + dns_ttl_seconds + REFRESH_SECONDS
    # The container sleeps and needs no share of the task's CPU or memory, and Fargate requires none (ECS Developer
    # Guide, Task definition parameters for Fargate: cpu and memory of a container).
    stop_timeout = min(delay + _EXIT_SECONDS, MAX_STOP_TIMEOUT_SECONDS)
    return FargateContainer(name=NAME, cpu=None, memory_mib=None, stop_timeout_seconds=stop_timeout)


def delay_command(container: FargateContainer, app_ports: Sequence[int]) -> list[str]:
    """Return the command of the container: the delay in seconds, and the ports of the application.

    The delay ends early if nothing listens on any of the ports.
    """
    assert container.stop_timeout_seconds is not None
    return [str(container.stop_timeout_seconds - _EXIT_SECONDS), *map(str, app_ports)]
