"""Health check of a load balancer that a gateway answers with 404.

The health check of a target group is a request to the address of the task, so only gateway routes without a hostname
match it. If none matches its path, the gateway answers with 404, and unless the check accepts that code, no target is
healthy.
"""

import re
from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.matches import host_of, is_below
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.targets import EnvoyTarget, envoy_targets
from color_mesh.envoy.edge import HEALTH_PATH
from color_mesh.model import GatewayRoute, VirtualGateway

_NOT_FOUND = 404


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the health checks of gateways whose path no route matches."""
    for target in envoy_targets(facts):
        gateway, health_check = target.part, target.group.health_check
        checks_listener = health_check.port in (None, target.port) and target.listener is not None
        if not isinstance(gateway, VirtualGateway) or health_check.protocol not in ("HTTP", "HTTPS"):
            continue
        path = health_check.path.partition("?")[0]
        if not checks_listener or path == HEALTH_PATH or _accepts(health_check.codes, _NOT_FOUND):
            continue
        if not any(_matches(route, target, path) for route in gateway.routes):
            yield Fault(
                subject=target.place,
                property="HealthCheckPath",
                text=f"{subject_of(gateway)} answers the health check of {path!r} with 404, since no route without a "
                "hostname matches it",
                fix=f"add such a route, or check {HEALTH_PATH!r}, which Envoys of this project answer",
            )


def _accepts(codes: str, code: int) -> bool:
    for part in codes.split(","):
        first, _, last = part.strip().partition("-")
        numbers = re.fullmatch("[0-9]{1,4}", first) and re.fullmatch("[0-9]{0,4}", last)
        if numbers and int(first) <= code <= int(last or first):
            return True
    return False


def _matches(route: GatewayRoute, target: EnvoyTarget, path: str) -> bool:
    """Return whether a route may match the health check; header conditions cannot hold."""
    match = route.match
    if host_of(match) != ("", "") or match.headers or match.query_parameters or route.protocol == "grpc":
        return False
    if match.port not in (None, target.port) or match.method not in (None, "GET"):
        return False
    if match.path is not None:
        return match.path == path
    return match.path_regex is not None or is_below(path, match.prefix or "/")


RULE = rule("error", check, __doc__)
