"""Telemetry in the configuration of an Envoy: its series, its endpoints, and nothing of it by default."""

import json
from pathlib import Path
from typing import Any

import pytest

from color_mesh.envoy import CloudMapEndpoints, Configuration, FileEndpoints, Loopback, ServerEndpoints, configure
from color_mesh.envoy.placement import Endpoints
from color_mesh.envoy.telemetry import SERIES
from color_mesh.model import Mesh, Telemetry
from tests.support.builders import TCP, gateway, gateway_route, mesh, node, route, router, service, target, to
from tests.support.envoy import parts, validate


def shop(backends: int = 1) -> Mesh:
    """Return a mesh with a node `caller` and a gateway that have a number of backends."""
    names = [f"callee-{number}" for number in range(backends)]
    services = [service(f"{name}.colors.local", virtual_node=name) for name in names]
    return mesh(
        nodes=(
            node("caller", backends=tuple(to(each.name) for each in services)),
            *(node(name) for name in names),
        ),
        services=tuple(services),
    )


def compiled(of: Mesh, part: str = "caller", telemetry: Telemetry | None = None, **changes: Any) -> Configuration:
    owner = next(each for each in parts(of) if each.name == part)
    return configure(of, owner, interception=Loopback(), telemetry=telemetry or Telemetry(), **changes)


def metrics(configuration: Configuration) -> dict[str, Any]:
    (sink,) = configuration.bootstrap["stats_sinks"]
    conversions = sink["typed_config"]["custom_metric_conversions"]
    metrics: dict[str, Any] = conversions["matcher_tree"]["exact_match_map"]["map"]
    return metrics


def endpoint_clusters(configuration: Configuration) -> list[dict[str, Any]]:
    clusters = configuration.bootstrap["static_resources"]["clusters"]
    return [each for each in clusters if each["name"].startswith("telemetry")]


@pytest.mark.parametrize("backends", [0, 1, 3])
def test_series_are_those_of_the_service_and_of_each_backend(backends: int) -> None:
    assert len(metrics(compiled(shop(backends)))) == SERIES * (1 + backends)


def test_series_of_other_nodes_of_the_mesh_are_not_sent() -> None:
    assert not [name for name in metrics(compiled(shop(3), "callee-1")) if "callee-0" in name or "caller" in name]


def test_tcp_listener_has_no_series() -> None:
    of = mesh(nodes=(node("caller", listeners=(TCP,)),))
    assert metrics(compiled(of)) == {}


def test_every_other_statistic_is_dropped() -> None:
    (sink,) = compiled(shop()).bootstrap["stats_sinks"]
    action = sink["typed_config"]["custom_metric_conversions"]["on_no_match"]["action"]
    assert action["typed_config"]["@type"].endswith("SinkConfig.DropAction")


def test_aws_endpoints_are_signed_in_the_region_of_the_task() -> None:
    addresses, signatures = [], []
    for cluster in endpoint_clusters(compiled(shop())):
        (place,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        addresses.append(place["endpoint"]["address"]["socket_address"])
        (options,) = cluster["typed_extension_protocol_options"].values()
        _, signing, _ = (each["typed_config"] for each in options["http_filters"])
        signatures.append((signing["service_name"], signing["region"], signing["host_rewrite"]))
        assert cluster["transport_socket"]["typed_config"]["sni"] == signing["host_rewrite"]
    assert addresses == [
        {"address": "xray.@AWS_REGION@.@AWS_URL_SUFFIX@", "port_value": 443},
        {"address": "monitoring.@AWS_REGION@.@AWS_URL_SUFFIX@", "port_value": 443},
    ]
    assert signatures == [
        ("xray", "@AWS_REGION@", "xray.@AWS_REGION@.@AWS_URL_SUFFIX@"),
        ("monitoring", "@AWS_REGION@", "monitoring.@AWS_REGION@.@AWS_URL_SUFFIX@"),
    ]


@pytest.mark.parametrize(
    ("collector", "has_tls"), [("sidecar", False), ("http://c.example:4318", False), ("https://c.example", True)]
)
def test_collector_is_called_without_a_signature(collector: str, has_tls: bool) -> None:
    configuration = compiled(shop(), telemetry=Telemetry(collector=collector))
    clusters = endpoint_clusters(configuration)
    assert ["transport_socket" in cluster for cluster in clusters] == [has_tls, has_tls]
    assert not [cluster for cluster in clusters if "aws_request_signing" in json.dumps(cluster)]


def test_requests_to_an_endpoint_are_limited() -> None:
    limits = [each["circuit_breakers"]["thresholds"][0]["max_requests"] for each in endpoint_clusters(compiled(shop()))]
    assert limits == [8, 8]


def test_without_telemetry_nothing_of_it_is_rendered() -> None:
    of = shop()
    rendered = json.dumps(configure(of, of.node("caller"), interception=Loopback()).bootstrap)
    assert not [word for word in ("telemetry", "tracing", "stats_sinks", "stats_flush") if word in rendered]


@pytest.mark.envoy
@pytest.mark.parametrize("collector", [None, "sidecar", "https://collector.example"])
@pytest.mark.parametrize(
    "endpoints", [CloudMapEndpoints(), FileEndpoints(directory="/watched"), ServerEndpoints(socket="discovery.sock")]
)
def test_envoy_accepts_the_configuration(
    collector: str, endpoints: Endpoints, tls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "cloud.availability_zone=eu-west-1a")
    if isinstance(endpoints, FileEndpoints):
        endpoints = FileEndpoints(directory=str(tmp_path))
    of = mesh(
        nodes=(node("green"),),
        routers=(router(routes=(route(targets=(target("green"),)),)),),
        services=(service("router.colors.local", virtual_router="router"),),
        gateways=(gateway(routes=(gateway_route(virtual_service="router.colors.local"),)),),
    )
    for part in parts(of):
        configuration = compiled(of, part.name, Telemetry(collector=collector), endpoints=endpoints)
        validate(configuration, tmp_path, tls)
