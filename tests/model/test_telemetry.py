"""Telemetry of a mesh: its values and their limits."""

import pytest

from color_mesh.model import Telemetry
from color_mesh.model.telemetry import collector_port
from tests.support.builders import refusal

FIX = "'sidecar', or a URL such as 'http://collector.example:4318'"


def test_default_is_aws_with_a_sampling_of_5_percent() -> None:
    telemetry = Telemetry()
    assert (telemetry.collector_url, telemetry.sampling_percent) == (None, 5)


@pytest.mark.parametrize(
    ("collector", "host", "port"),
    [
        ("sidecar", "127.0.0.1", 4318),
        ("http://collector.example:4318", "collector.example", 4318),
        ("http://collector.example", "collector.example", 80),
        ("https://collector.example/", "collector.example", 443),
        ("http://10.0.0.7:9", "10.0.0.7", 9),
    ],
)
def test_collector_has_a_host_and_a_port(collector: str, host: str, port: int) -> None:
    url = Telemetry(collector=collector).collector_url
    assert url is not None
    assert (url.hostname, collector_port(url)) == (host, port)


@pytest.mark.parametrize("percent", [0, 0.5, 100])
def test_sampling_in_range_is_accepted(percent: float) -> None:
    assert Telemetry(sampling_percent=percent).sampling_percent == percent


@pytest.mark.parametrize("percent", [-1, 100.1, float("nan"), True, "5", None])
def test_sampling_out_of_range_is_refused(percent: float) -> None:
    expected = f"telemetry: sampling_percent out of range, got {percent!r} (0 to 100)"
    assert refusal(Telemetry, sampling_percent=percent) == expected


@pytest.mark.parametrize(
    "collector", ["", "collector:4318", "ftp://collector", "http://", "http://c:0", "http://c:x", "http://a b", 5]
)
def test_collector_that_is_no_url_is_refused(collector: str) -> None:
    expected = f"telemetry: collector is not the URL of a server, got {collector!r} ({FIX})"
    assert refusal(Telemetry, collector=collector) == expected


@pytest.mark.parametrize(
    "collector", ["http://c/v1/traces", "http://c?x=1", "http://c#x", "http://user:password@c", "http://@c"]
)
def test_collector_url_with_more_than_host_and_port_is_refused(collector: str) -> None:
    expected = f"telemetry: URL of the collector is more than scheme, host and port, got {collector!r} ({FIX})"
    assert refusal(Telemetry, collector=collector) == expected


def test_host_of_a_collector_is_a_dns_name() -> None:
    expected = (
        "telemetry: host of the collector is not a DNS name, got '-c' "
        "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"
    )
    assert refusal(Telemetry, collector="http://-c:4318") == expected
