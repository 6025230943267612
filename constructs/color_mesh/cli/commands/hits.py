"""``color-mesh hits``: send requests and print a histogram of the responses."""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from color_mesh.local.client.load import FAILED, send_requests
from color_mesh.model import MeshError
from color_mesh.model.errors import printable, problem, refuse

_BAR_LENGTH = 40


def run(options: argparse.Namespace) -> int:
    """Run the command; the exit status is 1 if a request failed."""
    if options.count < 1:
        refuse([problem("--count", "out of range", options.count, "1 or more")])
    url = parse_url(options.url)
    start = time.monotonic()
    responses: Counter[str] = Counter()
    for response in send_requests(url, options.count):
        responses[response] += 1
        if sys.stderr.isatty():
            print(f"\r{responses.total()} of {options.count}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    for line in histogram(responses, time.monotonic() - start):
        print(printable(line))
    return 1 if any(response.startswith(FAILED) for response in responses) else 0


def parse_url(url: str) -> SplitResult:
    """Parse the URL of an HTTP server.

    Raises:
        MeshError: When it is not one.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname and parts.port != 0 and not re.search(r"\s", url):
            return parts
    except ValueError:
        pass
    raise MeshError([problem("hits", "not an http URL", url, "such as http://localhost:8080/router")])


def histogram(responses: Counter[str], seconds: float) -> Iterator[str]:
    """Yield the lines of a histogram: count, percentage and bar of each response."""
    total = responses.total()
    yield f"{total} requests in {seconds:.1f} s, {total / seconds:.0f} a second"
    width = max(map(len, responses), default=0)
    for response, count in responses.most_common():
        bar = "#" * max(1, round(_BAR_LENGTH * count / total))
        yield f"{count:8}  {100 * count / total:5.1f} %  {response.ljust(width)}  {bar}"
