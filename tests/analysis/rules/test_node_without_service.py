"""The rule ``node-without-service``."""

from tests.support.analysis import provided, routed, texts
from tests.support.builders import mesh, node

ID = "node-without-service"


def test_node_with_a_listener_and_no_service_is_found() -> None:
    assert texts(ID, mesh(nodes=(node(),))) == [
        (
            "virtual node 'red' Spec.Listeners: no virtual service is provided by this node, and no route has it "
            "as a target"
        )
    ]


def test_nodes_that_a_service_leads_to_are_not_found() -> None:
    assert texts(ID, provided(listeners=())) == []
    assert texts(ID, routed(blue={"listeners": ()})) == []
