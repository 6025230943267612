"""Text that the commands about a running mesh print."""

import argparse
from collections import Counter

import pytest

from color_mesh.cli.commands import hits, logs
from color_mesh.cli.commands.hits import histogram, parse_url
from color_mesh.cli.commands.status import status_table
from color_mesh.cli.commands.watch import traffic_table
from color_mesh.local.client.traffic import Traffic, count_calls
from color_mesh.model import MeshError


def test_status_of_a_service_without_tasks_has_its_reason() -> None:
    service = {"name": "s", "replaced": 2, "reason": "no address", "tasks": []}
    text = status_table({"url": None, "outages": {}, "services": [service], "balancers": []})
    assert text.splitlines()[1].split() == ["s", "-", "-", "-", "-", "2", "no", "address"]


def test_status_has_a_row_for_each_task_and_container() -> None:
    container = {"name": "app", "status": "RUNNING", "health": "HEALTHY", "reason": ""}
    task = {"id": "0123456789", "status": "RUNNING", "health": "HEALTHY", "address": "10.0.0.4", "reason": ""}
    service = {"name": "s", "replaced": 0, "reason": "", "tasks": [{**task, "containers": [container]}]}
    balancer = {"name": "lb", "address": "10.0.0.5"}
    status = {
        "url": "http://localhost:8080",
        "outages": {"cloud-map": "down", "acm": "deny"},
        "services": [service],
        "balancers": [balancer],
    }
    assert status_table(status) == (
        "SERVICE  TASK      STATUS   HEALTH   ADDRESS   RESTARTS  REASON\n"
        "s        01234567  RUNNING  HEALTHY  10.0.0.4  0\n"
        "  app              RUNNING  HEALTHY\n"
        "lb       -         RUNNING  -        10.0.0.5\n"
        "\n"
        "cloud-map: its addresses refuse connections\n"
        "acm: every call is denied\n"
        "\n"
        "http://localhost:8080"
    )


def test_status_shows_control_characters_of_names_and_reasons() -> None:
    service = {"name": "s\x1b[2J", "replaced": 0, "reason": "a\nb", "tasks": []}
    text = status_table({"url": None, "outages": {}, "services": [service], "balancers": []})
    assert text.splitlines()[1].split() == ["s\\x1b[2J", "-", "-", "-", "-", "0", "a\\nb"]


def test_logs_show_control_characters_except_tabs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "read_logs", lambda *_: [("s\x07", "a\tb\x1b]0;title\x07")])
    assert logs.run(argparse.Namespace(target="red", follow=False)) == 0
    assert capsys.readouterr().out == "s\\x07  a\tb\\x1b]0;title\\x07\n"


def test_histogram_shows_control_characters_of_responses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hits, "send_requests", lambda *_: ["red\x1b[2J"])
    assert hits.run(argparse.Namespace(url="http://localhost:8080/", count=1)) == 0
    assert "  red\\x1b[2J  #" in capsys.readouterr().out


def test_histogram_has_the_share_of_each_response() -> None:
    assert list(histogram(Counter({"200 green": 3, "200 yellow": 1}), 2)) == [
        "4 requests in 2.0 s, 2 a second",
        "       3   75.0 %  200 green   ##############################",
        "       1   25.0 %  200 yellow  ##########",
    ]


@pytest.mark.parametrize(
    "url", ["", "localhost", "https://localhost", "http://", "http://localhost:x", "http://[::1", "http://a b"]
)
def test_url_that_is_not_http_is_refused(url: str) -> None:
    with pytest.raises(MeshError, match="hits: not an http URL"):
        parse_url(url)


def traffic(green: int, yellow: int, failed: int) -> Traffic:
    stats = {
        "cluster.g.upstream_rq_total": green,
        "cluster.g.upstream_cx_total": 1,
        "cluster.y.upstream_rq_total": yellow,
        "cluster.y.upstream_rq_5xx": failed,
        "cluster.y.upstream_cx_total": 1,
        "http.ingress.downstream_rq_total": green + yellow,
    }
    envoys = [{"service": "gateway", "gateway": True, "stats": stats}]
    return count_calls({"clusters": {"g": "green", "y": "yellow", "n": "unused"}, "traffic": envoys, "rates": []})


def test_watch_shows_the_share_of_each_callee_in_the_calls_of_its_caller() -> None:
    assert traffic_table(traffic(10, 10, 0), traffic(18, 12, 1), 2).splitlines() == [
        "CALLER     CALLED   PER SECOND  SHARE  FAILED  RETRIED  TOTAL",
        "(clients)  gateway  5.0         100 %  0       0        30",
        "gateway    green    4.0         80 %   0       0        18",
        "gateway    yellow   1.0         20 %   1       0        12",
    ]
