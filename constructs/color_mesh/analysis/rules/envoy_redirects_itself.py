"""Envoy whose own connections are redirected to it.

`IgnoredUID` or `IgnoredGID` of the proxy configuration keeps the connections of Envoy from being redirected. If Envoy
runs as another user, each of its connections comes back to it, until it has no file descriptors left.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the Envoys with a user and group that the proxy configuration does not ignore."""
    for place, definition, index, _ in facts.envoys():
        proxy, user = definition.proxy_configuration, definition.containers[index].user
        if proxy is None or user is None:
            continue
        uid, _, gid = user.partition(":")
        if uid != str(proxy.ignored_uid) and (not gid or gid != str(proxy.ignored_gid)):
            ignored = f"user {proxy.ignored_uid}" if proxy.ignored_uid is not None else f"group {proxy.ignored_gid}"
            yield Fault(
                subject=place,
                property=f"ContainerDefinitions[{index}].User",
                text=f"Envoy runs as {user}, but only the traffic of {ignored} is not redirected",
                fix="run Envoy as the ignored user, by convention 1337",
            )


RULE = rule("error", check, __doc__)
