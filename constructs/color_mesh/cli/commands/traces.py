"""``color-mesh traces``: print recent traces of the running mesh as trees."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from color_mesh.local.client.connection import request
from color_mesh.model.errors import printable, problem, refuse

_NONE = "no trace yet: Envoys of a mesh with telemetry send spans every second, of the requests that they sample"


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    if options.count < 1:
        refuse([problem("--count", "out of range", options.count, "1 or more")])
    traces = request({"command": "traces", "count": options.count})["traces"]
    for line in _lines(traces):
        print(printable(line))
    return 0


def _lines(traces: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    if not traces:
        yield _NONE
    for number, spans in enumerate(traces):
        if number:
            yield ""
        yield from trace_tree(spans)


def trace_tree(spans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of a trace: a heading, and its spans below the spans that called them."""
    start = min(span["start"] for span in spans)
    end = max(span["end"] for span in spans)
    began = datetime.fromtimestamp(start / 1e9)
    yield f"{began:%H:%M:%S}.{began.microsecond // 1000:03}  trace {spans[0]['trace']}  {_milliseconds(end - start)}"
    ids = {span["span"] for span in spans}
    children: dict[str, list[Mapping[str, Any]]] = {}
    for span in sorted(spans, key=lambda span: int(span["start"])):
        # The parent may be a span of an application, or one that has not arrived.
        children.setdefault(span["parent"] if span["parent"] in ids else "", []).append(span)
    pending = [(1, span) for span in reversed(children.get("", ()))]
    while pending:
        depth, span = pending.pop()
        yield f"{'  ' * depth}{_span_text(span, start)}"
        pending += [(depth + 1, child) for child in reversed(children.pop(span["span"], ()))]


def _span_text(span: Mapping[str, Any], start: int) -> str:
    # Envoy's status code of a request that ended without a response, such as when its client gave up.
    status = "no response" if span["status"] == "0" else span["status"]
    words = [span["service"] or "(unknown)", span["kind"], f"{span['name']} {span['path']}".strip(), status]
    if span["failed"]:
        words.append("failed")
    words += [f"at {_milliseconds(span['start'] - start)}", f"for {_milliseconds(span['end'] - span['start'])}"]
    return "  ".join(word for word in words if word)


def _milliseconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.1f} ms"
