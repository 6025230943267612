"""The rule ``ignored-ports-let-out``."""

from color_mesh.ecs.volumes import EfsFileSystem, Volume
from tests.support.analysis import node_task, proxy, routed, texts

DATA = Volume(name="data", file_system=EfsFileSystem(id="fs-1"))
ID = "ignored-ports-let-out"


def test_ignored_ports_are_found() -> None:
    tasks = node_task(proxy_configuration=proxy(ignored_ports=(25, 5432)))
    assert texts(ID, routed(), task_definitions=tasks) == [
        (
            "app.yaml: Task ProxyConfiguration.ProxyConfigurationProperties: on port 25, 5432 the task "
            "reaches hosts outside of the mesh, past Envoy, although the egress filter is DROP_ALL"
        )
    ]


def test_more_ports_than_iptables_takes_are_found() -> None:
    tasks = node_task(proxy_configuration=proxy(ignored_ports=tuple(range(1, 17))))
    (text,) = texts(ID, routed(egress_filter="ALLOW_ALL"), task_definitions=tasks)
    assert text.endswith("of 16 ignored ports, all after the first 15 are redirected")


def test_port_of_a_file_system_is_not_found() -> None:
    tasks = node_task(proxy_configuration=proxy(ignored_ports=(2049,)), volumes=(DATA,))
    assert texts(ID, routed(), task_definitions=tasks) == []


def test_ports_in_a_mesh_that_allows_all_are_not_found() -> None:
    tasks = node_task(proxy_configuration=proxy(ignored_ports=(25,)))
    assert texts(ID, routed(egress_filter="ALLOW_ALL"), task_definitions=tasks) == []
