"""The rule ``variable-calls-no-backend``."""

from dataclasses import replace

import pytest

from tests.support.analysis import calling, provided, texts
from tests.support.builders import mesh, node, service

ID = "variable-calls-no-backend"
MESH = mesh(nodes=(node(), node("blue")), services=(service(virtual_node="red"),))


@pytest.mark.parametrize(
    "value",
    ["red.colors.local", "http://red.colors.local:80/x", "a=1,RED.colors.local:80", "http://u:p@red.colors.local"],
)
def test_service_that_is_no_backend_is_found(value: str) -> None:
    assert texts(ID, **calling(MESH, RED_URL=value)) == [
        (
            "app.yaml: Task ContainerDefinitions[0].Environment[RED_URL]: it calls 'red.colors.local', which is "
            "no backend of virtual node 'blue': with DROP_ALL, Envoy does not let the request through"
        )
    ]


def test_egress_filter_decides_on_the_effect() -> None:
    allowing = replace(MESH, egress_filter="ALLOW_ALL")
    (text,) = texts(ID, **calling(allowing, RED_URL="red.colors.local"))
    assert text.endswith("with ALLOW_ALL, Envoy sends it past the mesh")


@pytest.mark.parametrize(
    "value", ["http://red.colors.local", "blue.colors.local", "example.com", "xred.colors.local", ""]
)
def test_backends_own_names_and_other_hosts_are_not_found(value: str) -> None:
    assert texts(ID, **calling(provided(), URL=value)) == []
