"""The rule ``one-endpoint``."""

from color_mesh.model import DnsDiscovery, Listener, VirtualNode
from tests.support.analysis import provided, texts
from tests.support.builders import node, outlier_detection

ID = "one-endpoint"
LISTENERS = (Listener(port=80, outlier_detection=outlier_detection()),)


def test_outlier_detection_of_one_endpoint_is_found() -> None:
    red = VirtualNode(name="red", listeners=LISTENERS, discovery=DnsDiscovery(hostname="red.colors.local"))
    assert texts(ID, provided(red)) == [
        (
            "virtual node 'red' Spec.Listeners[0].OutlierDetection: 'red.colors.local' is one endpoint, so "
            "outlier detection has no other one to use"
        )
    ]


def test_outlier_detection_of_several_endpoints_is_not_found() -> None:
    several = DnsDiscovery(hostname="red.colors.local", response_type="ENDPOINTS")
    assert texts(ID, provided(VirtualNode(name="red", listeners=LISTENERS, discovery=several))) == []
    assert texts(ID, provided(node(listeners=LISTENERS))) == []
