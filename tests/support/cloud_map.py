"""A stand-in for Cloud Map's DiscoverInstances, with faults."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from color_mesh.envoy.aws.cloud_map import CLUSTER, HOST
from tests.support.aws_standin import Reply, aws_standin, error

Fault = Callable[[Mapping[str, Any], Reply], Reply]


class CloudMap:
    """Instances of Cloud Map, and the calls of DiscoverInstances.

    Attributes:
        instances: Instances by namespace and service. Others do not exist.
        calls: Number of calls by namespace and service.
        requests: Headers and bodies of the calls.
        fault: Change of a reply to a request. Default: none.
        slow_seconds: Time until a reply.
    """

    def __init__(self) -> None:
        self.instances: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.calls: Counter[tuple[str, str]] = Counter()
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.fault: Fault | None = None
        self.slow_seconds = 0.0

    def discover(self, headers: dict[str, str], body: bytes) -> Reply:
        asked = json.loads(body)
        key = (asked["NamespaceName"], asked["ServiceName"])
        self.calls[key] += 1
        self.requests.append((headers, asked))
        time.sleep(self.slow_seconds)
        reply = self._reply(key, asked)
        return reply if self.fault is None else self.fault(asked, reply)

    def _reply(self, key: tuple[str, str], asked: Mapping[str, Any]) -> Reply:
        if key not in self.instances:
            return error(400, "com.amazonaws.servicediscovery#ServiceNotFound", f"no service {key[1]}")
        wanted = asked.get("QueryParameters", {}).items()
        found = [each for each in self.instances[key] if wanted <= each["Attributes"].items()]
        return 200, json.dumps({"Instances": found[: asked["MaxResults"]]}).encode()


def task_instance(address: str, health: str = "HEALTHY", **attributes: str) -> dict[str, Any]:
    """Return the instance of a task."""
    version = "AWS_INSTANCE_IPV6" if ":" in address else "AWS_INSTANCE_IPV4"
    return {"InstanceId": address, "HealthStatus": health, "Attributes": {version: address, **attributes}}


def weights(route: str, **by_node: str) -> dict[str, Any]:
    """Return the instance that has the weights of a route."""
    return {"InstanceId": route, "HealthStatus": "UNKNOWN", "Attributes": by_node}


@contextmanager
def cloud_map(folder: Path, address: str) -> Iterator[tuple[CloudMap, Callable[[Any], Any], dict[str, str]]]:
    """Serve the stand-in.

    Yields:
        The stand-in, a change of a bootstrap that leads Envoy to it, and the environment of Envoy.
    """
    standin = CloudMap()
    with aws_standin(folder, address, {CLUSTER: HOST}, standin.discover) as (lead_here, environment):
        yield standin, lead_here, environment


def tasks_of(addresses: Sequence[str]) -> list[dict[str, Any]]:
    """Return the instances of tasks."""
    return [task_instance(address) for address in addresses]
