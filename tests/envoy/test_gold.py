"""Golden configurations: for each case a template, and next to it the configurations of some of its parts.

The metadata of the template selects the parts: a node or gateway, a kind, and a prefix of the resource names.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from color_mesh.appmesh.source import read_source
from color_mesh.cloudformation import load
from color_mesh.envoy import CloudMapEndpoints, Configuration, FileEndpoints, Loopback, Transparent, configure
from color_mesh.model import Mesh
from tests.support.envoy import parts, validate
from tests.support.gold import compare_with_gold, dump_yaml

GOLD = Path(__file__).parent / "gold"
CASES = sorted(path.parent.name for path in GOLD.glob("*/template.yaml"))
SELECTORS = [(case, selector) for case in CASES for selector in load(GOLD / case / "template.yaml")["Metadata"]["Gold"]]


def compiled(case: str, part: str, folder: Path) -> Configuration:
    """Return the configuration of a part of a case's mesh."""
    template = GOLD / case / "template.yaml"
    (mesh,) = read_source([template]).meshes
    metadata = load(template)["Metadata"]
    loopback = Loopback(app_address=metadata.get("ApplicationAddress"))
    return configure(
        mesh,
        part_of(mesh, part),
        interception=loopback if metadata.get("Interception") == "loopback" else Transparent(),
        endpoints=FileEndpoints(directory=str(folder)) if metadata.get("Endpoints") == "files" else CloudMapEndpoints(),
        sds_socket="/run/sds.sock",
        as_in_app_mesh=metadata.get("DataPlane") == "app-mesh",
    )


def part_of(mesh: Mesh, name: str) -> Any:
    return next(part for part in parts(mesh) if part.name == name)


def gold_file(case: str, selector: str) -> Path:
    part, kind, *_ = selector.split()
    return GOLD / case / f"{part}.{kind}.yaml"


@pytest.mark.parametrize(("case", "selector"), [pytest.param(*each, id="-".join(each)) for each in SELECTORS])
def test_configuration_equals_its_gold_file(
    case: str, selector: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    part, kind, *prefix = selector.split()
    resources = getattr(compiled(case, part, tmp_path), kind)
    if prefix:
        resources = [each for each in resources if each["name"].startswith(prefix[0])]
    plain = json.loads(json.dumps(resources).replace(str(tmp_path), "/watched"))
    text = dump_yaml(plain)
    compare_with_gold(gold_file(case, selector), text, request)
    assert 2 < len(text.splitlines()) <= 75


@pytest.mark.envoy
@pytest.mark.parametrize(("case", "part"), sorted({(case, selector.split()[0]) for case, selector in SELECTORS}))
def test_envoy_accepts_the_configuration(case: str, part: str, tls: Path, tmp_path: Path) -> None:
    validate(compiled(case, part, tmp_path), tmp_path, tls)


def test_every_gold_file_is_compared() -> None:
    expected = {gold_file(case, selector) for case, selector in SELECTORS} | {
        GOLD / case / "template.yaml" for case in CASES
    }
    assert {path for path in GOLD.rglob("*") if path.is_file()} == expected
