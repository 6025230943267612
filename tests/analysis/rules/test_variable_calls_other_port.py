"""The rule ``variable-calls-other-port``."""

import pytest

from tests.support.analysis import calling, provided, texts

ID = "variable-calls-other-port"


@pytest.mark.parametrize(
    ("value", "port"),
    [("red.colors.local:8080", 8080), ("https://red.colors.local/", 443), ("x://red.colors.local:1", 1)],
)
def test_port_that_a_backend_does_not_have_is_found(value: str, port: int) -> None:
    assert texts(ID, **calling(provided(), URL=value)) == [
        (
            "app.yaml: Task ContainerDefinitions[0].Environment[URL]: it calls 'red.colors.local' on port "
            f"{port}, but the ports of that service are 80"
        )
    ]


@pytest.mark.parametrize("value", ["red.colors.local", "http://red.colors.local", "red.colors.local:80", "a.b:8080"])
def test_port_of_a_backend_is_not_found(value: str) -> None:
    assert texts(ID, **calling(provided(), URL=value)) == []
