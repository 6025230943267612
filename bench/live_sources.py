"""Measure Envoys that ask Cloud Map for endpoints and weights, of a stand-in on this machine.

The requests a second with and without such sources, the memory, CPU and calls of an Envoy by the number of its
backends, and the time until a change is in effect.
"""

import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench.envoys import cpu_seconds, resident_mebibytes, running_envoy
from bench.load import PORT, SERVICE, Pair, compare
from bench.minimal_envoy import proxy
from bench.sidecar import APPLICATION
from color_mesh.envoy import CloudMapEndpoints, FileEndpoints, Instance, Loopback, configure, endpoints
from color_mesh.envoy.placement import INBOUND_PORT, Endpoints
from color_mesh.model import (
    CloudMapDiscovery,
    Listener,
    Mesh,
    Route,
    RouteMatch,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from tests.support.cloud_map import CloudMap, cloud_map, task_instance, tasks_of, weights

REFRESH_SECONDS = 10
BACKENDS, TASKS = (1, 10, 50), 100
WINDOW_SECONDS = 60
CHANGES = 5
DEADLINE_SECONDS = 60
STANDIN, LIVE, STATIC = "127.64.0.1", "127.65.0", "127.66.0"
# A second pair without live sources: how far it is from the first one is the error of the measurement.
CONTROL = "127.70.0"
NAMESPACE = "bench.local"
WEIGHTS = (NAMESPACE, "router.weights")


def node(name: str) -> VirtualNode:
    """Return a node with tasks in Cloud Map."""
    discovery = CloudMapDiscovery(namespace=NAMESPACE, service=name)
    return VirtualNode(name=name, listeners=(Listener(port=PORT),), discovery=discovery)


def routed_mesh() -> Mesh:
    """Return a mesh in which a caller reaches two nodes through a route with weights."""
    targets = tuple(WeightedTarget(virtual_node=name, weight=1) for name in ("blue", "green"))
    route = Route(name="all", match=RouteMatch(prefix="/"), targets=targets)
    return Mesh(
        name="bench",
        nodes=(
            node("blue"),
            node("green"),
            VirtualNode(name="caller", backends=(VirtualServiceBackend(virtual_service=SERVICE),)),
        ),
        routers=(VirtualRouter(name="router", listeners=(Listener(port=PORT),), routes=(route,)),),
        services=(VirtualService(name=SERVICE, virtual_router="router"),),
    )


def wide_mesh(backends: int) -> Mesh:
    """Return a mesh in which a caller reaches so many nodes."""
    names = [f"backend-{number}" for number in range(backends)]
    services = tuple(VirtualService(name=f"{name}.{NAMESPACE}", virtual_node=name) for name in names)
    calls = tuple(VirtualServiceBackend(virtual_service=each.name) for each in services)
    return Mesh(name="bench", nodes=(*map(node, names), VirtualNode(name="caller", backends=calls)), services=services)


def ecs_task(service: str, number: int) -> dict[str, Any]:
    """Return an instance with the attributes that ECS registers."""
    attributes = {
        "AVAILABILITY_ZONE": "eu-west-1a",
        "AWS_INIT_HEALTH_STATUS": "HEALTHY",
        "ECS_CLUSTER_NAME": "shop",
        "ECS_SERVICE_NAME": service,
        "ECS_TASK_DEFINITION_FAMILY": service,
        "REGION": "eu-west-1",
    }
    return task_instance(f"10.0.1.{number}", **attributes)


def get(address: str, path: str) -> str:
    """Request a path of the administration interface of an Envoy."""
    with urllib.request.urlopen(f"http://{address}:9901{path}", timeout=5) as response:
        return str(response.read().decode())


def statistics(address: str, pattern: str) -> dict[str, int]:
    """Return statistics of an Envoy."""
    lines = get(address, f"/stats?filter={pattern}").splitlines()
    return {name: int(value) for name, value in (line.split(": ") for line in lines)}


def wait_until(wanted: Callable[[], bool], what: str) -> float:
    """Wait for a condition, and return the seconds that it took."""
    start = time.monotonic()
    while not wanted():
        if time.monotonic() > start + DEADLINE_SECONDS:
            sys.exit(f"not within {DEADLINE_SECONDS} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - start


def has_tasks(address: str, count: int) -> bool:
    """Return whether an Envoy knows so many tasks."""
    return sum(statistics(address, r"^cluster\.cds_egress_.*\.membership_total$").values()) == count


class Measurements:
    """Envoys that ask a stand-in.

    Attributes:
        aws: The stand-in.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Start the stand-in and an application."""
        self._folder, self._stack = folder, stack
        self.aws: CloudMap
        self.aws, self._lead_here, self._environment = stack.enter_context(cloud_map(folder, STANDIN))
        stack.enter_context(running_envoy(proxy(APPLICATION, PORT, None), APPLICATION, folder))

    def start(self, mesh: Mesh, name: str, address: str, *, live: bool = True) -> int:
        """Start the Envoy of a node, and return its process id."""
        folder = self._folder / address
        source: Endpoints = FileEndpoints(directory=str(folder))
        if live:
            source = CloudMapEndpoints(
                refresh_seconds=REFRESH_SECONDS,
                weights_namespace=NAMESPACE,
                live_routes=frozenset({("router", "all")}),
            )
        part = mesh.node(name)
        services = [each.virtual_service for each in part.backends]
        # An Envoy of one backend receives requests at its own address.
        first = address if len(services) == 1 else None
        placement = Loopback(
            task_address=address,
            app_address=APPLICATION,
            envoy_address=address,
            backend_addresses={
                service: first or f"{address.rpartition('.')[0]}.{number + 10}"
                for number, service in enumerate(services)
            },
        )
        configuration = configure(mesh, part, interception=placement, endpoints=source)
        files = dict(configuration.files)
        for file, target in configuration.targets.items():
            files[file] = endpoints(mesh, target, [Instance(ipv4=f"{address.rpartition('.')[0]}.2", port=INBOUND_PORT)])
        folder.mkdir(parents=True)
        bootstrap = self._lead_here(configuration.bootstrap) if live else configuration.bootstrap
        return self._stack.enter_context(running_envoy(bootstrap, address, folder, files, self._environment))

    def requests_a_second(self) -> None:
        """Print the requests a second of a pair with live sources, and of the same pair without."""
        mesh, pids = routed_mesh(), {}
        self.aws.instances |= {(NAMESPACE, name): tasks_of([f"{LIVE}.2"]) for name in ("blue", "green")}
        self.aws.instances[WEIGHTS] = [weights("all", blue="1", green="1")]
        for network, live in ((LIVE, True), (STATIC, False), (CONTROL, False)):
            pids[network] = [
                self.start(mesh, name, f"{network}.{number}", live=live)
                for name, number in (("blue", 2), ("caller", 1))
            ]
            wait_until(lambda network=network: has_tasks(f"{network}.1", 2), "both nodes have a task")  # type: ignore[misc]
            if live:
                wait_until(lambda: self.weight_of_blue() == "1", "the weights are known")
        compare(
            Pair(title="files", network=STATIC, pids=pids[STATIC]),
            Pair(title="live sources", network=LIVE, pids=pids[LIVE]),
            Pair(title="files again", network=CONTROL, pids=pids[CONTROL]),
        )

    def weight_of_blue(self) -> str:
        """Return a weight in force."""
        entries: Mapping[str, Any] = json.loads(get(f"{LIVE}.1", "/runtime"))["entries"]
        return next((str(each["final_value"]) for key, each in entries.items() if key.endswith("_blue_http_8080")), "")

    def changes(self) -> None:
        """Print the time from a change in Cloud Map until it is in effect in an Envoy."""
        seconds: dict[str, list[float]] = {"weights": [], "a task's end": []}
        for change in range(CHANGES):
            weight = str(change + 2)
            self.aws.instances[WEIGHTS] = [weights("all", blue=weight, green="1")]
            seconds["weights"].append(wait_until(lambda: self.weight_of_blue() == weight, "the weights change"))  # noqa: B023
            tasks = tasks_of([f"{LIVE}.2", f"{LIVE}.3"][: 2 - change % 2])
            self.aws.instances[NAMESPACE, "green"] = tasks
            wanted = 1 + len(tasks)
            took = wait_until(lambda: has_tasks(f"{LIVE}.1", wanted), "the tasks change")  # noqa: B023
            seconds["a task's end"].append(took)
        for title, measured in seconds.items():
            print(
                f"{title:13} in effect after {median(measured):4.1f} s, at most {max(measured):4.1f} s "
                f"({CHANGES} changes, interval {REFRESH_SECONDS} s)"
            )

    def sizes(self) -> None:
        """Print the memory, CPU and calls of idle Envoys with several numbers of backends."""
        callers: dict[int, tuple[str, int]] = {}
        for index, backends in enumerate(BACKENDS):
            for number in range(backends):
                service = f"backend-{number}"
                self.aws.instances[NAMESPACE, service] = [ecs_task(service, task) for task in range(TASKS)]
            address = f"127.{67 + index}.0.1"
            callers[backends] = address, self.start(wide_mesh(backends), "caller", address)
            wait_until(lambda: has_tasks(address, backends * TASKS), "all tasks are known")  # noqa: B023
        names = r"^cluster\.aws_servicediscovery\.upstream_(rq_total|cx_tx_bytes_total|cx_rx_bytes_total)$"
        before = {each: (statistics(address, names), cpu_seconds(pid)) for each, (address, pid) in callers.items()}
        time.sleep(WINDOW_SECONDS)
        print(f"{TASKS} tasks a backend, interval {REFRESH_SECONDS} s, {WINDOW_SECONDS} s without requests")
        for backends, (address, pid) in callers.items():
            earlier, cpu = before[backends]
            calls, received, sent = (
                (value - earlier[name]) * 60 / WINDOW_SECONDS for name, value in sorted_counters(address, names)
            )
            print(
                f"{backends:3} backends: {resident_mebibytes(pid):5.0f} MiB, "
                f"{(cpu_seconds(pid) - cpu) / WINDOW_SECONDS:6.2%} of a core, a minute: {calls:4.0f} calls, "
                f"{sent / 1024:6.0f} KiB sent, {received / 1024:6.0f} KiB received"
            )


def sorted_counters(address: str, names: str) -> list[tuple[str, int]]:
    """Return the counters of calls, received bytes and sent bytes, in this order."""
    order = ("rq_total", "cx_rx_bytes_total", "cx_tx_bytes_total")
    counters = statistics(address, names)
    return sorted(counters.items(), key=lambda item: order.index(item[0].rpartition("upstream_")[2]))


def main() -> None:
    """Print all measurements."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        measurements = Measurements(Path(name), stack)
        print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
        measurements.requests_a_second()
        measurements.changes()
        measurements.sizes()


if __name__ == "__main__":
    main()
