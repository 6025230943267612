"""The way of a running mesh to mutual TLS and back, under load: each Envoy changes at another time than the others."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cdk.mesh_tls import MeshCertificates
from color_mesh.envoy import FileEndpoints, Loopback, configure, endpoints
from color_mesh.envoy.discovery import CLUSTERS_FILE
from color_mesh.model import (
    CloudMapDiscovery,
    FileCertificate,
    FileTrust,
    GatewayRoute,
    Listener,
    Mesh,
    MeshTls,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualService,
    VirtualServiceBackend,
)
from tests.support.certificates import authority
from tests.support.envoy import parts
from tests.support.loopback_mesh import LoopbackMesh, Task, loopback_mesh, send_request, wait_until
from tests.support.sequential_requests import SequentialRequests

pytestmark = pytest.mark.node
NAMESPACE = "tasks.colors.local"
PORT, ENTRY = 8080, 8000
RED = VirtualNode(
    name="red",
    listeners=(Listener(port=PORT),),
    discovery=CloudMapDiscovery(namespace=NAMESPACE, service="red"),
)
CALLER = VirtualNode(name="caller", backends=(VirtualServiceBackend(virtual_service="red.colors.local"),))
GATEWAY = VirtualGateway(
    name="gateway",
    listeners=(Listener(port=ENTRY),),
    routes=(GatewayRoute(name="all", match=RouteMatch(prefix="/"), virtual_service="red.colors.local"),),
)


def certificate_of(name: str, dns_name: str) -> FileCertificate:
    return FileCertificate(certificate_chain=f"{name}.pem", private_key=f"{name}.key")


TRUST = FileTrust(certificate_chain="authority.pem")
STAGES = {
    "plaintext": None,
    "listeners-first": MeshTls(trust=TRUST, certificate_of=certificate_of, mode="PERMISSIVE", callers="plaintext"),
    "then-callers": MeshTls(trust=TRUST, certificate_of=certificate_of, mode="PERMISSIVE"),
    "strict": MeshTls(trust=TRUST, certificate_of=certificate_of),
}


def in_stage(stage: str) -> tuple[Mesh, MeshCertificates]:
    certificates = MeshCertificates(STAGES[stage], NAMESPACE, admits_by_name=True)
    mesh = Mesh(
        name="colors",
        nodes=(certificates.node(RED), certificates.node(CALLER)),
        services=(VirtualService(name="red.colors.local", virtual_node="red"),),
        gateways=(certificates.gateway(GATEWAY),),
    )
    return mesh, certificates


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    trusted = authority(folder, "authority")
    for name in ("red", "caller", "gateway"):
        trusted.issue(name, f"{name}.{NAMESPACE}")
    return folder


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[LoopbackMesh]:
    with loopback_mesh(in_stage("plaintext")[0], tmp_path / "mesh", tasks={"red": 2}, watched=True) as mesh:
        yield mesh


def change(mesh: LoopbackMesh, task: Task, stage: str, folder: Path) -> None:
    """Write the configuration of one task in a stage, its dependencies first."""
    changed, certificates = in_stage(stage)
    (part,) = [part for part in parts(changed) if part.name == task.part.name]
    placement = Loopback(
        task_address=task.address(1),
        app_address=task.address(2),
        envoy_address=task.address(3),
        backend_addresses={} if part is not changed.nodes[1] else {"red.colors.local": f"127.{task.machine}.1.1"},
    )
    configuration = configure(
        changed,
        certificates.of_own_envoy(part) if isinstance(part, VirtualNode) else part,
        interception=placement,
        endpoints=FileEndpoints(directory=str(task.folder)),
        admission=certificates.admission,
    )
    files = {
        **configuration.files,
        **{
            name: endpoints(changed, target, mesh.instances("red", RED.listeners[0]))
            for name, target in configuration.targets.items()
        },
    }
    for name, content in files.items():
        before = task.stat("cluster_manager.cds.update_success")
        task.write(name, in_folder(content, folder))
        if name == CLUSTERS_FILE:
            wait_until(partial(has_clusters, task, before), "Envoy has every cluster")


def in_folder(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {
            key: str(folder / each) if key == "filename" else in_folder(each, folder) for key, each in value.items()
        }
    return [in_folder(each, folder) for each in value] if isinstance(value, list | tuple) else value


def has_clusters(task: Task, before: int) -> bool:
    updated = task.stat("cluster_manager.cds.update_success") > before
    return updated and task.stat("cluster_manager.warming_clusters") == 0


def accepts_plaintext(task: Task) -> bool:
    try:
        return send_request(task.address(1), 15100).status == 200
    except OSError:
        return False


def orders(mesh: LoopbackMesh) -> list[list[Task]]:
    """Return orders in which the tasks change: callers between the tasks that they call, before and after them."""
    first, second = (mesh.task("red", number) for number in (0, 1))
    callers = [mesh.task("caller"), mesh.task("gateway")]
    return [[first, *callers, second], [*callers, first, second], [first, second, *callers]]


def test_mesh_changes_to_mutual_tls_and_back_without_a_failed_request(mesh: LoopbackMesh, folder: Path) -> None:
    load = SequentialRequests(mesh, "caller", "red.colors.local", PORT)
    forth = ["listeners-first", "then-callers", "strict"]
    back = ["then-callers", "listeners-first", "plaintext"]
    with load.sending():
        load.wait_for_responses()
        for stage, order in zip([*forth, *back], [*orders(mesh), *orders(mesh)], strict=True):
            for task in order:
                change(mesh, task, stage, folder)
                load.wait_for_responses()
                assert mesh.enter("gateway", ENTRY).status == 200
            if stage == "then-callers":
                assert mesh.task("red").stat("http.ingress.rbac.shadow_allowed") > 0
            if stage == "strict":
                wait_until(
                    lambda: not any(accepts_plaintext(mesh.task("red", each)) for each in (0, 1)),
                    "plaintext is refused",
                )
    assert load.failures == []
    assert load.responses.total() > 100


def test_callers_that_use_tls_before_the_listeners_do_are_the_reason_for_a_stage_of_their_own(
    mesh: LoopbackMesh, folder: Path
) -> None:
    change(mesh, mesh.task("caller"), "then-callers", folder)
    assert mesh.call("caller", "red.colors.local", PORT).status == 503
