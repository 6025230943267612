"""Start of Envoy's container with telemetry: names of endpoints, and the attributes of the task."""

import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cdk.envoy_process import run_envoy
from color_mesh.envoy.document import compressed

ARN = "arn:aws:ecs:eu-west-1:123456789012:task/shop/0123456789abcdef"
# ECS Developer Guide, *Amazon ECS task metadata version 4 examples*, with fewer fields.
METADATA = f'{{"Cluster":"shop","TaskARN":"{ARN}","Family":"cart","AvailabilityZone":"eu-west-1b"}}'


@pytest.fixture
def endpoint() -> Iterator[str]:
    """URI of a metadata endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Print nothing."""

        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v4/some-id/task" else 404)
            self.end_headers()
            self.wfile.write(METADATA.encode() if self.path == "/v4/some-id/task" else b"")

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v4/some-id"
        server.shutdown()


def started(folder: Path, arguments: list[str], **environment: str) -> tuple[str, str]:
    """Run the entry point with a program in place of Envoy; return its attributes and its configuration."""
    program = folder / "envoy"
    program.write_text('#!/bin/bash\nprintf "%s\\n" "$OTEL_RESOURCE_ATTRIBUTES"; cat "$2"\n')
    program.chmod(0o755)
    words = [
        *run_envoy(1, workers=1, app_ports=None, region="eu-west-1", url_suffix="amazonaws.com", describes_task=True),
        *arguments,
    ]
    variables = {"PATH": f"{folder}:{os.environ['PATH']}", "HOSTNAME": "host", **environment}
    output = subprocess.run(words, env=variables, stdout=subprocess.PIPE, text=True, timeout=20, check=True).stdout
    attributes, _, configuration = output.partition("\n")
    return attributes, configuration


def test_attributes_are_those_of_the_task(tmp_path: Path, endpoint: str) -> None:
    attributes, _ = started(tmp_path, ["{}"], ECS_CONTAINER_METADATA_URI_V4=endpoint)
    assert attributes.split(",") == [
        "service.instance.id=0123456789abcdef",
        f"aws.ecs.task.arn={ARN}",
        "cloud.provider=aws",
        "cloud.platform=aws_ecs",
        "cloud.region=eu-west-1",
        "cloud.availability_zone=eu-west-1b",
    ]


@pytest.mark.parametrize("uri", ["", "http://127.0.0.1:1/v4/x", "not a URI"])
def test_task_without_metadata_is_named_by_its_host(uri: str, tmp_path: Path) -> None:
    attributes, _ = started(tmp_path, ["{}"], ECS_CONTAINER_METADATA_URI_V4=uri)
    assert attributes == "service.instance.id=host"


@pytest.mark.parametrize("packed", [False, True])
def test_endpoints_are_named_by_the_region(packed: bool, tmp_path: Path) -> None:
    value = {"a": "xray.@AWS_REGION@.@AWS_URL_SUFFIX@", "b": "${OTHER} $HOSTNAME `x` \\ &"}
    lines = compressed(value) if packed else ['{"a": "xray.@AWS_REGION@.@AWS_URL_SUFFIX@",', '"b": "${OTHER}"}']
    _, configuration = started(tmp_path, lines)
    expected = (
        '{"a":"xray.eu-west-1.amazonaws.com","b":"${OTHER} $HOSTNAME `x` \\\\ &"}'
        if packed
        else '{"a": "xray.eu-west-1.amazonaws.com", "b": "${OTHER}"}'
    )
    assert configuration == expected
