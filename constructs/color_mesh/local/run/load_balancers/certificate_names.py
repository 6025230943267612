"""Names in the certificate of a load balancer."""

import re

from color_mesh.ecs.load_balancers import LoadBalancer

_NAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def certificate_names(load_balancer: LoadBalancer, domain_names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names under which clients reach a load balancer: those of certificates, rules and this machine."""
    hosts = (
        value
        for listener in load_balancer.listeners
        for rule in listener.rules
        for condition in rule.conditions
        for value in condition.values
        if condition.field == "host-header"
    )
    valid = (name.lower() for name in (*domain_names, *hosts) if _NAME.fullmatch(name) and len(name) <= 253)
    return tuple(dict.fromkeys(("localhost", "127.0.0.1", *valid)))
