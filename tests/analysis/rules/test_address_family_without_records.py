"""The rule ``address-family-without-records``."""

import pytest

from color_mesh.ecs.cloud_map import DiscoveryService
from color_mesh.model import CloudMapDiscovery, IpPreference
from tests.support.analysis import provided, texts
from tests.support.builders import node

ID = "address-family-without-records"


def found(preference: IpPreference | None, *records: str) -> list[str]:
    red = node(discovery=CloudMapDiscovery(namespace="colors.local", service="red", ip_preference=preference))
    types = tuple((record, 60) for record in records)
    services = {"app.yaml: Red": DiscoveryService(name="red", namespace="colors.local", records=types)}
    return texts(ID, provided(red), discovery_services=services)


def test_preference_without_a_record_of_its_family_is_found() -> None:
    assert found("IPv6_ONLY", "A") == [
        (
            "virtual node 'red' Spec.ServiceDiscovery: with IPv6_ONLY, callers look up AAAA records, but "
            "'red.colors.local' has A"
        )
    ]
    assert len(found("IPv4_ONLY", "AAAA")) == 1


@pytest.mark.parametrize(
    ("preference", "records"),
    [
        ("IPv6_ONLY", ("A", "AAAA")),
        ("IPv4_ONLY", ("A",)),
        ("IPv6_PREFERRED", ("A",)),
        (None, ("A",)),
        ("IPv6_ONLY", ()),
    ],
)
def test_preference_with_records_is_not_found(preference: IpPreference | None, records: tuple[str, ...]) -> None:
    assert found(preference, *records) == []
