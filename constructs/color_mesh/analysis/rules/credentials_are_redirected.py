"""Task whose containers get no credentials.

Containers get the credentials of the task role, and the metadata of the task, by HTTP from 169.254.170.2. If
`EgressIgnoredIPs` does not have that address, the requests go to Envoy, which with `DROP_ALL` answers with 404 or
closes the connection. All calls of AWS that the application makes then fail, and so does ECS Exec, whose agent needs
them too.
"""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule
from color_mesh.ecs.task_definitions import ProxyConfiguration

_CREDENTIALS = ip_address("169.254.170.2")


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the redirected task definitions with a task role or ECS Exec."""
    if facts.mesh.egress_filter != "DROP_ALL":
        return
    for place, definition, proxy, _ in facts.redirected_tasks():
        executes = any(service.execute_command for _, service in facts.services_of(place))
        if (definition.task_role or executes) and not _ignores_credentials(proxy):
            yield Fault(
                subject=place,
                property="ProxyConfiguration.ProxyConfigurationProperties",
                text=f"requests for the credentials of the task{' and of ECS Exec' if executes else ''} are redirected "
                "to Envoy, which lets none of them through",
                fix="set EgressIgnoredIPs to 169.254.170.2,169.254.169.254",
            )


def _ignores_credentials(proxy: ProxyConfiguration) -> bool:
    try:
        return any(_CREDENTIALS in ip_network(each, strict=False) for each in proxy.ignored_ips)
    except ValueError:
        return True  # The reading of the template reports it.


RULE = rule("error", check, __doc__)
