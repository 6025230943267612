"""The rule ``stopped-tasks-stay-in-dns``."""

from dataclasses import replace

from color_mesh.ecs.cloud_map import DiscoveryService
from color_mesh.model import DnsDiscovery, Listener, VirtualNode
from tests.support.analysis import provided, texts
from tests.support.builders import node, outlier_detection

ID = "stopped-tasks-stay-in-dns"
IN_DNS = node(discovery=DnsDiscovery(hostname="red.colors.local", response_type="ENDPOINTS"))


def found(red: VirtualNode, ttl: int = 60) -> list[str]:
    service = DiscoveryService(name="red", namespace="colors.local", records=(("A", ttl),))
    return texts(ID, provided(red), discovery_services={"app.yaml: Red": service})


def test_long_ttl_of_a_node_in_dns_is_found() -> None:
    assert found(IN_DNS) == [
        (
            "virtual node 'red' Spec.ServiceDiscovery.DNS: the records of 'red.colors.local' have a TTL of 60 s, "
            "for which callers use a stopped task"
        )
    ]


def test_short_ttl_outlier_detection_and_cloud_map_are_not_found() -> None:
    assert found(IN_DNS, 10) == []
    assert found(replace(IN_DNS, listeners=(Listener(port=80, outlier_detection=outlier_detection()),))) == []
    assert found(node()) == []
