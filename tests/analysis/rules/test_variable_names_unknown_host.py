"""The rule ``variable-names-unknown-host``."""

from ipaddress import IPv4Address

import pytest

from color_mesh.ecs.cloud_map import DiscoveryService
from tests.support.analysis import calling, provided, texts

ID = "variable-names-unknown-host"
SERVICES = {"app.yaml: Db": DiscoveryService(name="db", namespace="colors.local", records=(("A", 60),))}


def test_name_below_a_namespace_that_nothing_has_is_found() -> None:
    assert texts(ID, **calling(provided(), URL="http://cache.colors.local:6379"), discovery_services=SERVICES) == [
        (
            "app.yaml: Task ContainerDefinitions[0].Environment[URL]: it calls 'cache.colors.local', "
            "which no Cloud Map service and no record of 'colors.local' has"
        )
    ]


@pytest.mark.parametrize("value", ["db.colors.local", "red.colors.local", "cache.example.com", str(IPv4Address(1))])
def test_names_that_are_answered_or_elsewhere_are_not_found(value: str) -> None:
    assert texts(ID, **calling(provided(), URL=value), discovery_services=SERVICES) == []
