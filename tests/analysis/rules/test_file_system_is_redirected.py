"""The rule ``file-system-is-redirected``."""

from color_mesh.ecs.volumes import EfsFileSystem, Volume
from tests.support.analysis import node_task, proxy, routed, texts

DATA = Volume(name="data", file_system=EfsFileSystem(id="fs-1"))
ID = "file-system-is-redirected"


def test_file_system_behind_the_redirection_is_found() -> None:
    tasks = node_task(proxy_configuration=proxy(), volumes=(DATA,))
    assert texts(ID, routed(), task_definitions=tasks) == [
        (
            "app.yaml: Task ProxyConfiguration.ProxyConfigurationProperties: file system 'data' cannot be mounted: its "
            "connection is redirected to Envoy, which does not run yet"
        )
    ]


def test_file_system_with_an_ignored_port_is_not_found() -> None:
    tasks = node_task(proxy_configuration=proxy(ignored_ports=(2049,)), volumes=(DATA,))
    assert texts(ID, routed(), task_definitions=tasks) == []
    assert texts(ID, routed(), task_definitions=node_task(proxy_configuration=proxy())) == []
    assert texts(ID, routed(), task_definitions=node_task(volumes=(DATA,))) == []
