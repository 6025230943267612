"""The rule ``proxy-protocol-is-not-understood``."""

from tests.support.analysis import entered, in_target_group, texts
from tests.support.builders import gateway_route

ID = "proxy-protocol-is-not-understood"


def found(value: str) -> list[str]:
    return texts(ID, entered(gateway_route()), **in_target_group(attributes={"proxy_protocol_v2.enabled": value}))


def test_proxy_protocol_is_found() -> None:
    assert found("true") == [
        (
            "app.yaml: Group TargetGroupAttributes[proxy_protocol_v2.enabled]: the Envoy of virtual gateway "
            "'gateway' does not understand the proxy protocol"
        )
    ]


def test_disabled_proxy_protocol_is_not_found() -> None:
    assert found("false") == []
    assert texts(ID, entered(gateway_route()), **in_target_group()) == []
