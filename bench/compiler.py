"""Measure compiling meshes of several sizes, what a node's configuration weighs, and what an Envoy makes of it."""

import json
import sys
import tempfile
import time
from pathlib import Path

from bench.envoys import running
from color_mesh.envoy import FileEndpoints, Loopback, configure
from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    Listener,
    Mesh,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)

SIZES = (10, 100, 1000)
BACKENDS = 5


def mesh(size: int) -> Mesh:
    """Make a mesh in which every node calls the next five."""

    def name(number: int) -> str:
        return f"node-{number % size:04}"

    nodes = tuple(
        VirtualNode(
            name=name(number),
            listeners=(Listener(port=80),),
            discovery=CloudMapDiscovery(namespace="bench.local", service=name(number)),
            backends=tuple(
                VirtualServiceBackend(virtual_service=f"{name(number + step)}.bench.local")
                for step in range(1, BACKENDS + 1)
            ),
            access_log=AccessLog(),
        )
        for number in range(size)
    )
    services = tuple(VirtualService(name=f"{node.name}.bench.local", virtual_node=node.name) for node in nodes)
    return Mesh(name="bench", nodes=nodes, services=services)


def resident_mebibytes(pid: int) -> float:
    """Read how much memory a process has."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def main() -> None:
    """Print a line a size."""
    print(f"python {sys.version.split()[0]}, every node with {BACKENDS} backends")
    for size in SIZES:
        begin = time.perf_counter()
        of_size = mesh(size)
        bootstraps = [json.dumps(configure(of_size, node).bootstrap) for node in of_size.nodes]
        took = time.perf_counter() - begin
        with tempfile.TemporaryDirectory() as name:
            configuration = configure(
                of_size,
                of_size.nodes[0],
                interception=Loopback(task_address="127.63.0.1", envoy_address="127.63.0.1"),
                endpoints=FileEndpoints(directory=name),
            )
            with running(configuration.bootstrap, "127.63.0.1", Path(name), configuration.files) as pid:
                memory = resident_mebibytes(pid)
        print(
            f"mesh of {size:4} nodes  compiled in {took:5.2f} s  "
            f"{len(bootstraps[0]) / 1024:4.1f} KiB a node  Envoy's memory {memory:5.1f} MiB"
        )


if __name__ == "__main__":
    main()
