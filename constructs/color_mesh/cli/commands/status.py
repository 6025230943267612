"""``color-mesh status``: print the services, tasks and containers of the running mesh."""

import argparse
from collections.abc import Iterator
from typing import Any

from color_mesh.local.client.connection import request
from color_mesh.local.run.aws.apis import OUTAGES
from color_mesh.report import columns

_HEADINGS = ("SERVICE", "TASK", "STATUS", "HEALTH", "ADDRESS", "RESTARTS", "REASON")


def run(_options: argparse.Namespace) -> int:
    """Run the command."""
    print(status_table(request({"command": "status"})))
    return 0


def status_table(status: Any) -> str:
    """Render services, tasks, containers and load balancers as a table, outages, and the URL of the gateway."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for service in status["services"]:
        rows += _service_rows(service)
    rows += [(each["name"], "-", "RUNNING", "-", each["address"], "", "") for each in status["balancers"]]
    lines = [f"{name}: {OUTAGES[kind]}" for name, kind in status["outages"].items()]
    outages = "\n".join(("\n", *lines)) if lines else ""
    url = f"\n\n{status['url']}" if status["url"] else ""
    return columns(rows) + outages + url


def _service_rows(service: Any) -> Iterator[tuple[str, ...]]:
    name, restarts = service["name"], str(service["replaced"])
    if not service["tasks"]:
        yield name, "-", "-", "-", "-", restarts, service["reason"]
    for task in service["tasks"]:
        yield name, task["id"][:8], task["status"], task["health"], task["address"] or "-", restarts, task["reason"]
        for container in task["containers"]:
            yield f"  {container['name']}", "", container["status"], container["health"], "", "", container["reason"]
