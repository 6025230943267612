"""The rule ``tasks-behind-one-endpoint``."""

from color_mesh.ecs.cloud_map import DiscoveryService
from color_mesh.model import DnsDiscovery, DnsResponseType
from tests.support.analysis import provided, texts
from tests.support.builders import node

ID = "tasks-behind-one-endpoint"
SERVICES = {"app.yaml: Red": DiscoveryService(name="red", namespace="colors.local", records=(("A", 60),))}


def found(hostname: str, response_type: DnsResponseType = "LOADBALANCER") -> list[str]:
    red = node(discovery=DnsDiscovery(hostname=hostname, response_type=response_type))
    return texts(ID, provided(red), discovery_services=SERVICES)


def test_name_of_a_cloud_map_service_is_found() -> None:
    assert found("Red.colors.local") == [
        (
            "virtual node 'red' Spec.ServiceDiscovery.DNS.ResponseType: 'Red.colors.local' has a record for each "
            "task, and callers use only one of them at a time"
        )
    ]


def test_endpoints_and_other_names_are_not_found() -> None:
    assert found("red.colors.local", "ENDPOINTS") == []
    assert found("balancer.example.com") == []
