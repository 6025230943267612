"""Records that the resolver serves."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run.aws.endpoints import ENDPOINTS, host_names
from color_mesh.local.run.propagation import Propagation
from color_mesh.local.run.tasks.task_registry import RegisteredTask

_API_TTL_SECONDS = 60
# Elastic Load Balancing User Guide, How Elastic Load Balancing works, Request routing.
_LOAD_BALANCER_TTL_SECONDS = 60


def records_to_serve(
    plan: Plan, registrations: Propagation[RegisteredTask], load_balancers: Mapping[str, IPv4Address]
) -> dict[str, Any]:
    """Render the input of the resolver: the registered tasks of Cloud Map, and the records of private hosted zones.

    Args:
        plan: Plan.
        registrations: Registered tasks, as far as DNS has them.
        load_balancers: Addresses of load balancers, by their DNS names.

    Returns:
        A JSON object of ``zones``, and of ``names`` with the records of each by type.
    """
    names: dict[str, dict[str, Any]] = {}
    for key, service in plan.discovery.items():
        tasks = registrations.registered(key)
        if service.health_check:
            # If no instance is healthy, all are answered (AWS Cloud Map API Reference, HealthCheckCustomConfig).
            tasks = tuple(each for each in tasks if each.healthy) or tasks
        name = service.dns_name.lower()
        for kind, ttl in service.records if tasks else ():
            hosts = [f"{task.id}.{name}" for task in tasks]
            values = [str(task.address) for task in tasks]
            if kind == "SRV":
                for host, task in zip(hosts, tasks, strict=True):
                    names[host] = {"A": _record(ttl, [str(task.address)])}
                values = [f"1 1 {task.port or 0} {host}." for host, task in zip(hosts, tasks, strict=True)]
            if kind in ("A", "SRV"):
                names.setdefault(name, {})[kind] = _record(ttl, values, service.weighted)
    for api, (api_address, _) in ENDPOINTS.items():
        api_record = {"A": _record(_API_TTL_SECONDS, [str(api_address)])}
        names |= dict.fromkeys(host_names(api, plan.regions), api_record)
    for name, address in load_balancers.items():
        names[name.lower()] = {"A": _record(_LOAD_BALANCER_TTL_SECONDS, [str(address)])}
    for record in plan.zones.records:
        of_name = names.setdefault(record.name, {})
        others = of_name[record.type]["values"] if record.weighted and record.type in of_name else ()
        values = list(dict.fromkeys((*others, *record.values)))
        of_name[record.type] = _record(record.ttl_seconds, values, record.weighted)
    declared = [service for service in plan.discovery.values() if service.records]
    namespaces = {service.dns_name.lower().partition(".")[2] for service in declared}
    # The zone of a name is the longest that the name ends with.
    return {"zones": sorted({*namespaces, *plan.zones.names}, key=len, reverse=True), "names": names}


def _record(ttl: int, values: Sequence[str], weighted: bool = False) -> dict[str, Any]:
    return {"ttl": ttl, "values": list(values), "weighted": weighted}
