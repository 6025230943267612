"""Timeouts of load balancers."""

from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.model.checks import is_number


def idle_timeout(load_balancer: LoadBalancer) -> str:
    """Render the idle timeout of the connections of an application load balancer. Default: 60 s."""
    return _seconds(load_balancer, "idle_timeout.timeout_seconds", 60)


def keep_alive(load_balancer: LoadBalancer) -> str:
    """Render the time for which an application load balancer keeps a connection of a client. Default: 3600 s."""
    return _seconds(load_balancer, "client_keep_alive.seconds", 3600)


def _seconds(load_balancer: LoadBalancer, name: str, default: int) -> str:
    value = load_balancer.attributes.get(name, "")
    return f"{int(value) if is_number(value) else default}s"
