"""Measure how long a mesh takes to build construct by construct: the time per node must not grow with the mesh."""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import MeshNode, ServiceMesh
from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    CloudMapService,
    Listener,
    Mesh,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from color_mesh.model.builder import MeshBuilder
from color_mesh.model.deployment import DATA_PLANES
from color_mesh.model.index import MeshParts

SIZES = (50, 200, 400)
RUNS = 3
BACKENDS = 5


def build_model(size: int) -> float:
    """Build the model of a mesh node by node. Each node calls the five before it."""
    begin = time.perf_counter()
    builder = MeshBuilder(Mesh(name="bench"))
    for number in range(size):
        name = f"n{number}"
        backends = range(max(0, number - BACKENDS), number)
        node = VirtualNode(
            name=name,
            listeners=(Listener(port=80),),
            discovery=CloudMapDiscovery(namespace="bench.local", service=name),
            backends=tuple(VirtualServiceBackend(virtual_service=f"n{each}.bench.local") for each in backends),
            access_log=AccessLog(),
        )
        service = VirtualService(name=f"{name}.bench.local", virtual_node=name)
        cloud_map_service = CloudMapService(name=name, namespace="bench.local")
        builder.add(MeshParts(cloud_map_services=(cloud_map_service,), nodes=(node,), services=(service,)))
    builder.build()
    return time.perf_counter() - begin


def build_constructs(size: int, data_plane: str) -> float:
    """Build the constructs of a mesh node by node, each with its implementation. Each node calls the five before it."""
    stack = Stack(App(), "Bench")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc", availability_zones=["a"], public_subnet_ids=["p"], private_subnet_ids=["q"]
    )
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Namespace", name="tasks.bench.local", vpc=vpc)
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    log_group = logs.LogGroup(stack, "LogGroup")
    image = ecs.ContainerImage.from_registry("bench/app:1")
    (plane,) = (name for name in DATA_PLANES if name == data_plane)
    begin = time.perf_counter()
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, data_plane=plane)
    nodes: list[MeshNode] = []
    for number in range(size):
        node = MeshNode(stack, f"N{number}", mesh=mesh, name=f"n{number}", backends=nodes[-BACKENDS:])
        node.implement(
            node, "Task", cluster=cluster, image=image, app_address="127.0.0.1", envoy_cpu=128, log_group=log_group
        )
        nodes.append(node)
    return time.perf_counter() - begin


def in_new_process(data_plane: str, size: int) -> float:
    """Build constructs in a process of their own, so that no measurement includes the objects of another."""
    command = [sys.executable, "-m", "bench.building", data_plane, str(size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def report(name: str, measure: Callable[[int], float]) -> None:
    """Print the fastest of some runs for each size, and the ratio of the times per node."""
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(RUNS):
        for size in SIZES:
            times[size].append(measure(size))
    per_node = {size: min(times[size]) / size * 1000 for size in SIZES}
    sizes = "  ".join(f"{size} nodes {min(times[size]):6.3f} s ({per_node[size]:6.3f} ms a node)" for size in SIZES)
    ratio = per_node[SIZES[-1]] / per_node[SIZES[0]]
    print(f"{name:20} {sizes}  time per node at {SIZES[-1]} / at {SIZES[0]}: {ratio:.2f}", flush=True)


def main() -> None:
    """Print a line for the model, and one for the constructs of each data plane."""
    if len(sys.argv) == 3:
        print(build_constructs(int(sys.argv[2]), sys.argv[1]))
        return
    print(f"python {sys.version.split()[0]}, every node with {BACKENDS} backends, the fastest of {RUNS} runs")
    report("model", build_model)
    for plane in DATA_PLANES:
        report(f"constructs, {plane}", partial(in_new_process, plane))


if __name__ == "__main__":
    main()
