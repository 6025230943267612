"""The example `json_web_tokens`: Envoy accepts the configuration that its function returns."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template as Assertions

from color_mesh.envoy.document import document
from examples.json_web_tokens.app import HTTP_CONNECTION_MANAGER, ShopStack
from tests.support.envoy import ENVOY

pytestmark = pytest.mark.node
TASK = "AWS::ECS::TaskDefinition"


@pytest.fixture(scope="module")
def bootstrap() -> Any:
    """Configuration of the gateway in the template."""
    stack = ShopStack(App(builtin_cloud_formation_validation=False), "ShopStack")
    template: Any = Assertions.from_stack(stack).to_json()
    tasks = [each["Properties"] for each in template["Resources"].values() if each["Type"] == TASK]
    (gateway,) = [each for each in tasks if each["ContainerDefinitions"][0]["Name"] == "envoy-proxy"]
    return json.loads(" ".join(gateway["ContainerDefinitions"][0]["Command"]))


def test_filter_is_before_the_router(bootstrap: Any) -> None:
    (names,) = [
        [each["name"] for each in network_filter["typed_config"]["http_filters"]]
        for listener in bootstrap["static_resources"]["listeners"]
        for network_filter in listener["filter_chains"][0]["filters"]
        if network_filter["name"] == HTTP_CONNECTION_MANAGER and listener["name"].startswith("lds_ingress_")
    ]
    assert names[-2:] == ["envoy.filters.http.jwt_authn", "envoy.filters.http.router"]


@pytest.mark.envoy
def test_envoy_accepts_the_configuration(bootstrap: Any, tmp_path: Path) -> None:
    file = tmp_path / "bootstrap.yaml"
    file.write_text("\n".join(document(bootstrap)))
    command = [ENVOY, "--mode", "validate", "--config-path", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
