"""The rule ``application-port-differs``."""

from color_mesh.ecs.containers import Container
from tests.support.analysis import envoy, node_task, routed, texts

ID = "application-port-differs"


def found(*ports: int) -> list[str]:
    app = Container(name="app", image="app", ports=dict.fromkeys(ports))
    return texts(ID, routed(), task_definitions=node_task(app, envoy(ports={9901: None})))


def test_listener_without_a_port_of_a_container_is_found() -> None:
    assert found(8080) == [
        (
            "virtual node 'red' Spec.Listeners[0].PortMapping.Port: Envoy passes requests to port 80, but "
            "the containers of app.yaml: Task declare 8080"
        )
    ]


def test_declared_port_and_containers_without_ports_are_not_found() -> None:
    assert found(80, 8080) == []
    assert found() == []
