"""Retries that do not fit into the request timeout.

The request timeout of a route includes all attempts. An attempt that reaches its own timeout, `PerRetryTimeout`,
leaves that much less for the next. If the first attempt and all retries together take longer than the request
timeout, the last retries never happen; with a `PerRetryTimeout` of the request timeout or more, none does after a
slow attempt.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of_route
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import request_millis, route_property, seconds


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the retry policies whose attempts take longer than the request timeout."""
    for router in facts.mesh.routers:
        for route in router.routes:
            policy, limit = route.retry_policy, request_millis(route.timeout)
            if policy is None or limit == 0 or policy.max_retries == 0:
                continue
            needed = (policy.max_retries + 1) * policy.per_retry_timeout_millis
            if needed > limit:
                yield Fault(
                    subject=subject_of_route(router, route),
                    property=route_property(route, "RetryPolicy"),
                    text=f"{policy.max_retries + 1} attempts of {seconds(policy.per_retry_timeout_millis)} take "
                    f"{seconds(needed)}, but the request timeout is {seconds(limit)}",
                    fix=f"set a request timeout of {seconds(needed)}, or shorten the attempts",
                )


RULE = rule("warning", check, __doc__)
