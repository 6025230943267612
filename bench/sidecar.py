"""Measure requests through two sidecars with compiled configurations, and through two with a minimal configuration."""

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
COMPILED, MINIMAL = "127.61.0.1", "127.62.0.1"
PORT = 8080

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


def compiled(folder: Path, stack: ExitStack) -> None:
    """Start the sidecars with compiled configurations."""
    callee = configure(
        MESH,
        CALLEE,
        interception=Loopback(task_address="127.61.0.2", app_address=APPLICATION, envoy_address="127.61.0.2"),
        endpoints=FileEndpoints(directory=str(folder / "callee")),
    )
    caller = configure(
        MESH,
        CALLER,
        interception=Loopback(envoy_address=COMPILED, backend_addresses={SERVICE: COMPILED}),
        endpoints=FileEndpoints(directory=str(folder / "caller")),
    )
    endpoint_files = {
        file: endpoints(MESH, target, [Instance(ipv4="127.61.0.2", port=15100)])
        for file, target in caller.targets.items()
    }
    for name, configuration, address in (("callee", callee, "127.61.0.2"), ("caller", caller, COMPILED)):
        (folder / name).mkdir()
        files = {**configuration.files, **(endpoint_files if name == "caller" else {})}
        stack.enter_context(running_envoy(configuration.bootstrap, address, folder / name, files))


def minimal(folder: Path, stack: ExitStack) -> None:
    """Start the sidecars with a minimal configuration, which forwards requests only."""
    hops = (("127.62.0.2", PORT, APPLICATION), (MINIMAL, PORT, "127.62.0.2"))
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


def load(address: str) -> dict[str, Any]:
    """Send requests for some seconds, and return the results of autocannon."""
    command = [str(AUTOCANNON), "--json", "--no-progress", "-c", str(CONNECTIONS), "-d", str(SECONDS)]
    process = subprocess.run(
        [*command, "-H", f"Host={SERVICE}", f"http://{address}:{PORT}/"], capture_output=True, text=True, check=True
    )
    results: dict[str, Any] = json.loads(process.stdout)
    if results["non2xx"] or results["errors"]:
        sys.exit(f"{address}: {results['non2xx']} responses were not 2xx, {results['errors']} requests failed")
    return results


def main() -> None:
    """Print the requests per second and the latencies of both pairs of sidecars, and the ratio."""
    results: dict[str, list[dict[str, Any]]] = {"compiled": [], "minimal": []}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(running_envoy(proxy(APPLICATION, PORT, None), APPLICATION, folder))
        compiled(folder, stack)
        minimal(folder, stack)
        for run in range(RUNS):
            print(f"run {run + 1} of {RUNS} ...", file=sys.stderr, flush=True)
            results["compiled"].append(load(COMPILED))
            results["minimal"].append(load(MINIMAL))
    print(f"{os.cpu_count()} cores, {CONNECTIONS} connections, median of {RUNS} alternating runs of {SECONDS} s")
    rates = {}
    for pair, runs in results.items():
        rates[pair] = median(run["requests"]["average"] for run in runs)
        p50, p99 = (median(run["latency"][percentile] for run in runs) for percentile in ("p50", "p99"))
        print(f"sidecar pair {pair:9} {rates[pair]:8.0f} requests/s   p50 {p50:4.1f} ms   p99 {p99:4.1f} ms")
    print(f"compiled to minimal    {rates['compiled'] / rates['minimal']:8.3f}")


if __name__ == "__main__":
    main()
