"""Deregistration delay: a task answers until its callers no longer know it, as behind a load balancer.

ECS deregisters a task from Cloud Map and sends SIGTERM at about the same time. The Envoys of callers send requests to
it until their next call of Cloud Map, and may not know the replacement task before.
"""

from collections.abc import Sequence

from color_mesh.cdk.envoy_process import LISTENS
from color_mesh.envoy.placement import ADMIN_PORT
from color_mesh.model import FargateContainer
from color_mesh.model.task import MAX_STOP_TIMEOUT_SECONDS

NAME = "deregistration-delay"
# AWS states no time within which DiscoverInstances has a change.
_PROPAGATION_SECONDS = 5
# Time of a call.
_CALL_SECONDS = 1
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


def delay_container(refresh_seconds: int) -> FargateContainer:
    """Return the container that delays the end of a node's task.

    A change may take 5 s in Cloud Map, and Envoys ask at intervals of up to twice the refresh interval. With the
    default of 10 s the delay is 26 s. The replacement task is registered before the delay begins, so callers know it
    when the delay ends. Fargate stops a container at most 120 s after SIGTERM, which limits the refresh interval.

    Args:
        refresh_seconds: Refresh interval of the mesh.
    """
    delay = _PROPAGATION_SECONDS + 2 * refresh_seconds + _CALL_SECONDS
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
