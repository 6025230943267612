"""Validation of configurations by Envoy itself."""

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from color_mesh.envoy import Configuration
from color_mesh.envoy.document import document
from color_mesh.model import Mesh, VirtualGateway, VirtualNode

# Loopback address of this pytest-xdist worker, outside the networks of `loopback_mesh`.
WORKER_ADDRESS = f"127.9.{os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw')}.1"
ENVOY = shutil.which("envoy", path=sysconfig.get_path("scripts")) or "envoy"


def parts(mesh: Mesh) -> list[VirtualNode | VirtualGateway]:
    """Return the parts of a mesh that have an Envoy."""
    return [*mesh.nodes, *mesh.gateways]


def validate(configuration: Configuration, folder: Path, tls: Path) -> None:
    """Fail unless Envoy accepts the bootstrap and all resources that it would read from files.

    Paths of certificates are replaced by those in ``tls``, and logs by /dev/null: the others do not exist here.
    """
    for name, content in configuration.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    static = {"listeners": configuration.listeners, "clusters": configuration.clusters}
    clusters = configuration.bootstrap["static_resources"].get("clusters", [])
    secrets = [cluster for cluster in clusters if cluster not in configuration.clusters]
    bootstrap = {
        **{key: value for key, value in configuration.bootstrap.items() if key != "dynamic_resources"},
        "static_resources": {**static, "clusters": [*secrets, *configuration.clusters]},
    }
    # Deployed Envoys read JSON as YAML, because their command has it as an option.
    for name, content in (("bootstrap.json", bootstrap), ("bootstrap.yaml", configuration.bootstrap)):
        file = folder / name
        file.write_text("\n".join(document(_on_this_machine(content, tls))), encoding="utf-8")
        command = [ENVOY, "--mode", "validate", "--config-path", str(file), "--log-level", "warning"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, _warnings(done.stderr)) == (0, []), f"{done.stdout}\n{done.stderr}\n{file.read_text()}"


def _warnings(log: str) -> list[str]:
    return [line for line in log.splitlines() if "[warning]" in line or "[error]" in line or "[critical]" in line]


def _on_this_machine(value: Any, tls: Path) -> Any:
    if isinstance(value, list | tuple):
        return [_on_this_machine(each, tls) for each in value]
    if not isinstance(value, dict):
        return value
    files = {"certificate_chain": "chain.pem", "private_key": "key.pem", "trusted_ca": "ca.pem"}
    result = {
        key: {"filename": str(tls / files[key])} if key in files else _on_this_machine(each, tls)
        for key, each in value.items()
    }
    if str(result.get("@type")).endswith("FileAccessLog") or "event_log_path" in result:
        result |= {key: "/dev/null" for key in ("path", "event_log_path") if key in result}
    return result
