"""Wrong values of task definitions and load balancers: each is reported, or without effect, and no error of Python."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from color_mesh.envoy.document import read
from color_mesh.local.plan.assembly import read_plan
from color_mesh.local.plan.bootstraps import (
    bootstrap_in,
    bootstrap_owner,
    cluster_hostnames,
    discovered_services,
    outbound_addresses,
)
from color_mesh.model import MeshError
from tests.support.hostile_inputs import application

IMAGES = {"app": ("true",)}


def problems(folder: Path, container: dict[str, Any], service: dict[str, Any] | None = None) -> tuple[str, ...]:
    file = folder / "template.json"
    file.write_text(json.dumps({"Resources": application({"Image": "app", **container}, service)}))
    try:
        read_plan([file], IMAGES)
    except MeshError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("user", ["²", "1:²", "①", "٣", "9" * 400, "65535", "1:65535", "-1", "1:"])
def test_user_that_is_no_id_is_reported_unless_its_group_is_left_out(tmp_path: Path, user: str) -> None:
    lines = problems(tmp_path, {"User": user})
    assert len(lines) == (0 if user == "1:" else 1)
    assert all("user is not numeric or too high" in line for line in lines)


@pytest.mark.parametrize("count", [1_000_000_000, -1, 5001])
def test_desired_count_that_ecs_refuses_is_reported(tmp_path: Path, count: int) -> None:
    (line,) = problems(tmp_path, {}, {"DesiredCount": count})
    message = f"DesiredCount: desired count out of range, got {count} (0 to 5000)"
    assert line == f"template.json: Service.{message}"


@pytest.mark.parametrize("value", ["9" * 400, "²", [1], {"a": 1}, "1e400", True])
@pytest.mark.parametrize("key", ["Cpu", "Memory", "StopTimeout", "User", "Name", "Command", "HealthCheck"])
def test_value_of_a_wrong_type_is_no_error_of_python(tmp_path: Path, key: str, value: Any) -> None:
    problems(tmp_path, {key: value})


@pytest.mark.parametrize(
    "bootstrap",
    [
        {"static_resources": []},
        {"static_resources": {"clusters": {}, "listeners": 1}},
        {"static_resources": {"clusters": [1, {"load_assignment": []}], "listeners": [{"address": 1}, None]}},
        {"static_resources": {"clusters": [{"load_assignment": {"endpoints": [{"lb_endpoints": [1, {}]}]}}]}},
        {"static_resources": {"listeners": [{"traffic_direction": "OUTBOUND"}]}, "node": [1]},
        {"static_resources": {"clusters": [{"eds_cluster_config": {"service_name": {}}}, {"eds_cluster_config": 1}]}},
        {"layered_runtime": [{"layers": 1}]},
        {"layered_runtime": {"layers": [1, {"rtds_layer": []}, {"rtds_layer": {"name": ["a/b"]}}]}},
    ],
)
def test_configuration_of_another_form_has_no_hostnames(bootstrap: dict[str, Any]) -> None:
    read_bootstrap = bootstrap_in(["--config-yaml", json.dumps(bootstrap)])
    assert read_bootstrap == bootstrap
    assert cluster_hostnames(read_bootstrap) == {}
    assert discovered_services(read_bootstrap) == []
    assert outbound_addresses(read_bootstrap) == set()
    assert bootstrap_owner(read_bootstrap) is None


def test_configuration_that_is_nested_deeply_is_none() -> None:
    assert bootstrap_in(["--config-yaml", "[" * 100_000]) == {}


def test_compressed_configuration_is_limited_while_it_is_read() -> None:
    bomb = gzip.compress(b"0" * 100_000_000)
    with pytest.raises(ValueError, match="too large"):
        read(["gzip", base64.b64encode(bomb).decode()])
