"""Measure requests through pairs of sidecars.

The pairs have compiled configurations, the same with mutual TLS, and minimal configurations without and with the same
TLS. Compiled configurations with telemetry, of which no, some or all spans are sampled, are compared with others.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench.envoys import running_envoy
from bench.load import CONNECTIONS, PORT, SECONDS, SERVICE, Pair, compare, load
from bench.minimal_envoy import proxy, tls_sockets
from color_mesh.authority import create_authority
from color_mesh.envoy import Admission, FileEndpoints, Instance, Loopback, configure, endpoints
from color_mesh.model import (
    CloudMapDiscovery,
    FileCertificate,
    FileTrust,
    Listener,
    Mesh,
    MeshTls,
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
# An Envoy in place of an application, which answers at once.
APPLICATION = "127.60.0.1"
COMPILED, MINIMAL, MUTUAL_TLS, MINIMAL_TLS = "127.61.0", "127.62.0", "127.64.0", "127.65.0"
TELEMETRY, SAMPLING_PERCENT = "127.63", (0, 5, 100)
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


def issue_certificates(folder: Path) -> MeshTls:
    """Write a certificate for each node, and return the TLS of a mesh that reads them."""
    authority = create_authority("bench", timedelta(days=1))
    folder.mkdir()
    (folder / "ca.pem").write_text(authority.certificate)
    for node in MESH.nodes:
        issued = authority.issue(f"{node.name}.bench.local", valid=timedelta(days=1))
        (folder / f"{node.name}.pem").write_text(issued.certificate)
        (folder / f"{node.name}.key").write_text(issued.private_key)
    return MeshTls(
        trust=FileTrust(certificate_chain=str(folder / "ca.pem")),
        certificate_of=lambda name, _: FileCertificate(
            certificate_chain=str(folder / f"{name}.pem"), private_key=str(folder / f"{name}.key")
        ),
    )


def with_tls(tls: MeshTls) -> Mesh:
    """Return the mesh with mutual TLS, as `ServiceMesh` makes it."""
    listener = replace(CALLEE.listeners[0], tls=tls.listener_tls(tls.certificate_of("callee", "")))
    caller = replace(CALLER, client_tls=tls.client_tls(tls.certificate_of("caller", "")))
    return replace(MESH, nodes=(caller, replace(CALLEE, listeners=(listener,))))


def compiled(
    folder: Path, stack: ExitStack, network: str, mesh: Mesh = MESH, telemetry: Telemetry | None = None
) -> list[int]:
    """Start the sidecars with compiled configurations, at ``.1`` and ``.2`` of a network, and return their ids."""
    pids = []
    caller_address, callee_address = f"{network}.1", f"{network}.2"
    folder /= network
    caller_node, callee_node = mesh.nodes
    admission = Admission(namespace="bench.local")
    callee = configure(
        mesh,
        callee_node,
        interception=Loopback(task_address=callee_address, app_address=APPLICATION, envoy_address=callee_address),
        endpoints=FileEndpoints(directory=str(folder / "callee")),
        telemetry=telemetry,
        admission=admission,
    )
    caller = configure(
        mesh,
        caller_node,
        interception=Loopback(envoy_address=caller_address, backend_addresses={SERVICE: caller_address}),
        endpoints=FileEndpoints(directory=str(folder / "caller")),
        telemetry=telemetry,
        admission=admission,
    )
    endpoint_files = {
        file: endpoints(mesh, target, [Instance(ipv4=callee_address, port=15100)])
        for file, target in caller.targets.items()
    }
    for name, configuration, address in (("callee", callee, callee_address), ("caller", caller, caller_address)):
        (folder / name).mkdir(parents=True)
        files = {**configuration.files, **(endpoint_files if name == "caller" else {})}
        pids.append(stack.enter_context(running_envoy(configuration.bootstrap, address, folder / name, files)))
    return pids


def minimal(folder: Path, stack: ExitStack, network: str, certificates: Path | None = None) -> None:
    """Start the sidecars with a minimal configuration, which forwards requests only, with mutual TLS or without."""
    server, client = tls_sockets(certificates) if certificates else (None, None)
    callee = proxy(f"{network}.2", PORT, APPLICATION, server=server)
    caller = proxy(f"{network}.1", PORT, f"{network}.2", client=client)
    for bootstrap, address in ((callee, f"{network}.2"), (caller, f"{network}.1")):
        stack.enter_context(running_envoy(bootstrap, address, folder))


def report(results: Mapping[str, list[dict[str, Any]]]) -> None:
    """Print the requests per second and the latencies of pairs, and their ratios."""
    print(f"{os.cpu_count()} cores, {CONNECTIONS} connections, median of {RUNS} alternating runs of {SECONDS} s")
    rates, p99s = {}, {}
    for pair, runs in results.items():
        rates[pair] = median(run["requests"]["average"] for run in runs)
        # autocannon measures latencies in whole milliseconds, but their average exactly.
        average, p99 = (median(run["latency"][figure] for run in runs) for figure in ("average", "p99"))
        p99s[pair] = p99
        print(f"sidecar pair {pair:11} {rates[pair]:8.0f} requests/s   average {average:5.2f} ms   p99 {p99:4.1f} ms")
    for pair, reference in (("compiled", "minimal"), ("mutual TLS", "minimal TLS")):
        ratios = f"requests {rates[pair] / rates[reference]:6.3f}   p99 {p99s[pair] / p99s[reference]:6.3f}"
        print(f"{f'{pair} to {reference}':25} {ratios}")


def main() -> None:
    """Print all measurements."""
    pairs = {
        "compiled": COMPILED,
        "minimal": MINIMAL,
        "mutual TLS": MUTUAL_TLS,
        "minimal TLS": MINIMAL_TLS,
    }
    results: dict[str, list[dict[str, Any]]] = {pair: [] for pair in pairs}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(running_envoy(proxy(APPLICATION, PORT, None), APPLICATION, folder))
        stack.enter_context(running_envoy(proxy(COLLECTOR, COLLECTOR_PORT, None), COLLECTOR, folder))
        reference = Pair(title="no telemetry", network=COMPILED, pids=compiled(folder, stack, COMPILED))
        minimal(folder, stack, MINIMAL)
        tls = issue_certificates(folder / "certificates")
        compiled(folder, stack, MUTUAL_TLS, with_tls(tls))
        minimal(folder, stack, MINIMAL_TLS, folder / "certificates")
        with_telemetry = []
        for percent in SAMPLING_PERCENT:
            network = f"{TELEMETRY}.{percent}"
            telemetry = Telemetry(collector=f"http://{COLLECTOR}:{COLLECTOR_PORT}", sampling_percent=percent)
            pids = compiled(folder, stack, network, telemetry=telemetry)
            with_telemetry.append(Pair(title=f"telemetry at {percent} %", network=network, pids=pids))
        for run in range(RUNS):
            print(f"run {run + 1} of {RUNS} ...", file=sys.stderr, flush=True)
            for pair, network in pairs.items():
                results[pair].append(load(network))
        report(results)
        compare(reference, *with_telemetry)


if __name__ == "__main__":
    main()
