"""The rule ``ignored-port-of-backend``."""

from tests.support.analysis import envoy, node_task, provided, proxy, texts

ID = "ignored-port-of-backend"


def found(*ports: int) -> list[str]:
    tasks = node_task(envoy("blue"), proxy_configuration=proxy(ignored_ports=ports))
    return texts(ID, provided(), task_definitions=tasks)


def test_port_of_a_backend_is_found() -> None:
    assert found(80) == [
        (
            "app.yaml: Task ProxyConfiguration.ProxyConfigurationProperties: port 80 of backend "
            "'red.colors.local' is among the ignored ports, so requests to it go past the mesh"
        )
    ]


def test_other_ports_are_not_found() -> None:
    assert found(5432) == []
