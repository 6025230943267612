"""Measure the compilation of meshes of several sizes, the size of a node's configuration, and Envoy's memory."""

import json
import sys
import tempfile
import time
from pathlib import Path

from bench.envoys import resident_mebibytes, running_envoy
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
    """Return a mesh in which each node has the next five as its backends."""

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


def main() -> None:
    """Print one line for each size."""
    print(f"python {sys.version.split()[0]}, every node with {BACKENDS} backends")
    for size in SIZES:
        start = time.perf_counter()
        bench_mesh = mesh(size)
        bootstraps = [json.dumps(configure(bench_mesh, node).bootstrap) for node in bench_mesh.nodes]
        seconds = time.perf_counter() - start
        with tempfile.TemporaryDirectory() as name:
            configuration = configure(
                bench_mesh,
                bench_mesh.nodes[0],
                interception=Loopback(task_address="127.63.0.1", envoy_address="127.63.0.1"),
                endpoints=FileEndpoints(directory=name),
            )
            with running_envoy(configuration.bootstrap, "127.63.0.1", Path(name), configuration.files) as pid:
                memory = resident_mebibytes(pid)
        print(
            f"mesh of {size:4} nodes  compiled in {seconds:5.2f} s  "
            f"{len(bootstraps[0]) / 1024:4.1f} KiB per node  Envoy's memory {memory:5.1f} MiB"
        )


if __name__ == "__main__":
    main()
