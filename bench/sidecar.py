"""Measure requests through pairs of sidecars.

The pairs have compiled configurations, the same with telemetry, and a minimal configuration.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench.envoys import running_envoy
from color_mesh.envoy import FileEndpoints, Instance, Loopback, configure, endpoints
from color_mesh.model import (
    CloudMapDiscovery,
    Listener,
    Mesh,
    Route,
    RouteMatch,
    Telemetry,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)

RUNS = 5
SECONDS = 3
CONNECTIONS = 20
AUTOCANNON = Path(__file__).parent / "node_modules" / ".bin" / "autocannon"
SERVICE = "callee.bench.local"
# An Envoy in place of an application, which answers at once.
APPLICATION = "127.60.0.1"
COMPILED, MINIMAL, TELEMETRY = "127.61.0", "127.62.0", "127.63.0"
PORT = 8080
# An Envoy in place of a collector, which answers at once.
COLLECTOR, COLLECTOR_PORT = "127.60.0.2", 4318

CALLEE = VirtualNode(
    name="callee",
    listeners=(Listener(port=PORT),),
    discovery=CloudMapDiscovery(namespace="bench.local", service="callee"),
)
CALLER = VirtualNode(name="caller", backends=(VirtualServiceBackend(virtual_service=SERVICE),))
MESH = Mesh(
    name="bench",
    nodes=(CALLER, CALLEE),
    routers=(
        VirtualRouter(
            name="router",
            listeners=(Listener(port=PORT),),
            routes=(
                Route(
                    name="all",
                    match=RouteMatch(prefix="/"),
                    targets=(WeightedTarget(virtual_node="callee", weight=1),),
                ),
            ),
        ),
    ),
    services=(VirtualService(name=SERVICE, virtual_router="router"),),
)


def compiled(folder: Path, stack: ExitStack, network: str, telemetry: Telemetry | None = None) -> None:
    """Start the sidecars with compiled configurations, at the addresses ``.1`` and ``.2`` of a network."""
    caller_address, callee_address = f"{network}.1", f"{network}.2"
    folder /= network
    callee = configure(
        MESH,
        CALLEE,
        interception=Loopback(task_address=callee_address, app_address=APPLICATION, envoy_address=callee_address),
        endpoints=FileEndpoints(directory=str(folder / "callee")),
        telemetry=telemetry,
    )
    caller = configure(
        MESH,
        CALLER,
        interception=Loopback(envoy_address=caller_address, backend_addresses={SERVICE: caller_address}),
        endpoints=FileEndpoints(directory=str(folder / "caller")),
        telemetry=telemetry,
    )
    endpoint_files = {
        file: endpoints(MESH, target, [Instance(ipv4=callee_address, port=15100)])
        for file, target in caller.targets.items()
    }
    for name, configuration, address in (("callee", callee, callee_address), ("caller", caller, caller_address)):
        (folder / name).mkdir(parents=True)
        files = {**configuration.files, **(endpoint_files if name == "caller" else {})}
        stack.enter_context(running_envoy(configuration.bootstrap, address, folder / name, files))


def minimal(folder: Path, stack: ExitStack) -> None:
    """Start the sidecars with a minimal configuration, which forwards requests only."""
    hops = ((f"{MINIMAL}.2", PORT, APPLICATION), (f"{MINIMAL}.1", PORT, f"{MINIMAL}.2"))
    for address, port, upstream in hops:
        stack.enter_context(running_envoy(proxy(address, port, upstream), address, folder))


def proxy(address: str, port: int, upstream: str | None) -> dict[str, Any]:
    """Return a minimal configuration that forwards requests to an address, or answers them without one."""
    route: dict[str, Any] = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "x"}},
    }
    clusters = []
    if upstream:
        route = {"match": {"prefix": "/"}, "route": {"cluster": "next"}}
        endpoint = {"endpoint": {"address": {"socket_address": {"address": upstream, "port_value": PORT}}}}
        assignment = {"cluster_name": "next", "endpoints": [{"lb_endpoints": [endpoint]}]}
        clusters = [{"name": "next", "type": "STATIC", "load_assignment": assignment}]
    extensions = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "router", "typed_config": {"@type": f"{extensions}.http.router.v3.Router"}}
    manager = {
        "@type": f"{extensions}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    listener = {
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {
        "admin": {"address": {"socket_address": {"address": address, "port_value": 9901}}},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def load(network: str) -> dict[str, Any]:
    """Send requests to a pair of sidecars for some seconds, and return the results of autocannon."""
    address = f"{network}.1"
    command = [str(AUTOCANNON), "--json", "--no-progress", "-c", str(CONNECTIONS), "-d", str(SECONDS)]
    process = subprocess.run(
        [*command, "-H", f"Host={SERVICE}", f"http://{address}:{PORT}/"], capture_output=True, text=True, check=True
    )
    results: dict[str, Any] = json.loads(process.stdout)
    if results["non2xx"] or results["errors"]:
        sys.exit(f"{address}: {results['non2xx']} responses were not 2xx, {results['errors']} requests failed")
    return results


def main() -> None:
    """Print the requests per second and the latencies of the pairs of sidecars, and their ratios."""
    pairs = {"compiled": COMPILED, "telemetry": TELEMETRY, "minimal": MINIMAL}
    results: dict[str, list[dict[str, Any]]] = {pair: [] for pair in pairs}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(running_envoy(proxy(APPLICATION, PORT, None), APPLICATION, folder))
        stack.enter_context(running_envoy(proxy(COLLECTOR, COLLECTOR_PORT, None), COLLECTOR, folder))
        compiled(folder, stack, COMPILED)
        compiled(folder, stack, TELEMETRY, Telemetry(collector=f"http://{COLLECTOR}:{COLLECTOR_PORT}"))
        minimal(folder, stack)
        for run in range(RUNS):
            print(f"run {run + 1} of {RUNS} ...", file=sys.stderr, flush=True)
            for pair, network in pairs.items():
                results[pair].append(load(network))
    print(f"{os.cpu_count()} cores, {CONNECTIONS} connections, median of {RUNS} alternating runs of {SECONDS} s")
    rates = {}
    for pair, runs in results.items():
        rates[pair] = median(run["requests"]["average"] for run in runs)
        p50, p99 = (median(run["latency"][percentile] for run in runs) for percentile in ("p50", "p99"))
        print(f"sidecar pair {pair:9} {rates[pair]:8.0f} requests/s   p50 {p50:4.1f} ms   p99 {p99:4.1f} ms")
    print(f"compiled to minimal    {rates['compiled'] / rates['minimal']:8.3f}")
    print(f"telemetry to compiled  {rates['telemetry'] / rates['compiled']:8.3f}")


if __name__ == "__main__":
    main()
