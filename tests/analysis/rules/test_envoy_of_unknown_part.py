"""The rule ``envoy-of-unknown-part``."""

from tests.support.analysis import envoy, node_task, routed, texts

ID = "envoy-of-unknown-part"


def test_envoy_of_a_node_that_does_not_exist_is_found() -> None:
    assert texts(ID, routed(), task_definitions=node_task(envoy("rad"))) == [
        (
            "app.yaml: Task ContainerDefinitions[0].Environment: its Envoy is that of virtual node 'rad', "
            "which mesh 'colors' does not have"
        )
    ]
    assert "virtual gateway 'red'" in texts(ID, routed(), task_definitions=node_task(envoy("red", "virtualGateway")))[0]


def test_envoy_of_a_node_is_not_found() -> None:
    assert texts(ID, routed(), task_definitions=node_task()) == []
