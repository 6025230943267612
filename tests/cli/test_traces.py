"""Trees that ``color-mesh traces`` prints, and the metrics of ``color-mesh watch``."""

import argparse
from typing import Any

import pytest

from color_mesh.cli.commands import traces
from color_mesh.cli.commands.traces import trace_tree
from color_mesh.cli.commands.watch import metrics_table
from color_mesh.model import MeshError

TRACE = "6d365ff4fd5006bfefd92a53f3e4a0da"


def span(id: str, parent: str = "", **changes: Any) -> dict[str, Any]:
    fields = {"service": id, "kind": "server", "name": "GET", "path": "/", "status": "200", "failed": False}
    return {"trace": TRACE, "span": id, "parent": parent, **fields, "start": 0, "end": 1_000_000, **changes}


def tree(*spans: dict[str, Any]) -> list[str]:
    """Return the lines below the heading, with the services only."""
    return [f"{line[: len(line) - len(line.lstrip())]}{line.split()[0]}" for line in list(trace_tree(spans))[1:]]


def test_spans_are_below_their_parents_in_the_order_of_their_start() -> None:
    spans = (span("c", "a", start=5), span("d", "b"), span("b", "a", start=1), span("a"))
    assert tree(*spans) == ["  a", "    b", "      d", "    c"]


def test_span_whose_parent_has_not_arrived_is_at_the_top() -> None:
    assert tree(span("b", "application"), span("c", "b")) == ["  b", "    c"]


def test_line_has_kind_path_status_failure_and_times() -> None:
    start = 1_000_000_000
    root = span("gateway", start=start, end=start + 4_100_000)
    failed = span(
        "green", "gateway", kind="client", status="503", failed=True, start=start + 300_000, end=start + 800_000
    )
    heading, *lines = trace_tree((failed, root))
    assert heading.endswith(f".000  trace {TRACE}  4.1 ms")
    assert lines == [
        "  gateway  server  GET /  200  at 0.0 ms  for 4.1 ms",
        "    green  client  GET /  503  failed  at 0.3 ms  for 0.5 ms",
    ]


def test_request_that_ended_without_a_response_has_no_status() -> None:
    assert list(trace_tree([span("green", status="0")]))[1] == (
        "  green  server  GET /  no response  at 0.0 ms  for 1.0 ms"
    )


def test_chain_and_circle_of_spans_end() -> None:
    chain = [span(str(number), str(number - 1)) for number in range(1, 5001)]
    assert len(tree(*chain)) == 5000
    assert tree(span("a", "b"), span("b", "a")) == []


def test_control_characters_of_spans_are_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(traces, "request", lambda _: {"traces": [[span("a\x1b[2J")], [span("b")]]})
    assert traces.run(argparse.Namespace(count=2)) == 0
    assert "  a\\x1b[2J  server" in capsys.readouterr().out


def test_without_traces_the_reason_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(traces, "request", lambda _: {"traces": []})
    assert traces.run(argparse.Namespace(count=2)) == 0
    assert capsys.readouterr().out.startswith("no trace yet")


def test_number_of_traces_is_positive() -> None:
    with pytest.raises(MeshError) as error:
        traces.run(argparse.Namespace(count=0))
    assert str(error.value) == "--count: out of range, got 0 (1 or more)"


def test_metrics_have_a_row_for_each_service_and_each_call() -> None:
    rates = [
        {"service": "green", "peer": "", "seconds": 10, "requests": 25, "failed": 1, "p50": 0.5, "p99": 10},
        {"service": "red", "peer": "green", "seconds": 0, "requests": 0, "failed": 0, "p50": None, "p99": None},
    ]
    assert metrics_table(rates) == (
        "METRICS OF  CALLED  PER SECOND  FAILED  P50       P99\n"
        "green       -       2.5         1       < 0.5 ms  < 10 ms\n"
        "red         green   0.0         0       -         -"
    )
