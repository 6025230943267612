"""Records that the resolver serves."""

from collections.abc import Sequence
from typing import Any

from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run.dns.propagation import Propagation


def records_to_serve(plan: Plan, registered: Propagation) -> dict[str, Any]:
    """Render the input of the resolver: the registered tasks of Cloud Map, and the records of private hosted zones.

    Returns:
        A JSON object of ``zones``, and of ``names`` with the records of each by type.
    """
    names: dict[str, dict[str, Any]] = {}
    for key, service in plan.discovery.items():
        tasks = registered.tasks_of(key)
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
    for record in plan.zones.records:
        names.setdefault(record.name, {})[record.type] = _record(record.ttl_seconds, record.values)
    namespaces = {service.dns_name.lower().partition(".")[2] for service in plan.discovery.values()}
    # The zone of a name is the longest that the name ends with.
    return {"zones": sorted({*namespaces, *plan.zones.names}, key=len, reverse=True), "names": names}


def _record(ttl: int, values: Sequence[str], weighted: bool = False) -> dict[str, Any]:
    return {"ttl": ttl, "values": list(values), "weighted": weighted}
