"""Damage to one resource of a mesh with ECS services changes neither the Envoy nor the migrated service of another."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from color_mesh.appmesh.source import read_source
from color_mesh.cloudformation import load
from color_mesh.envoy import configure
from color_mesh.migration import migrate
from color_mesh.model import Mesh, MeshError, VirtualGateway, VirtualNode
from tests.support.damage import change
from tests.support.ecs_strategies import DEPENDENTS, GATEWAY, NODES, shops, together
from tests.support.envoy import parts
from tests.support.needs import examples

MAX_SECONDS = 2
_PART = re.compile(r'(?:nodes|gateways)\["([a-z]+)"\]\.implement')


@st.composite
def damaged(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], set[str]]:
    """Draw resources, the same with one damaged, and the workloads that may change by it."""
    shop = draw(shops())
    # Parts that several resources share are copied for each: only one of them gets damaged.
    changed = json.loads(json.dumps(shop))
    owner = draw(st.sampled_from(list(shop)))
    id = draw(st.sampled_from([each for each in shop[owner] if each != "Mesh"]))
    change(draw, changed[owner][id]["Properties"])
    is_part = shop[owner][id]["Type"].startswith("AWS::AppMesh::")
    return together(shop), together(changed), DEPENDENTS[owner] if is_part else {owner}


def read(folder: Path, resources: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return the configuration of each Envoy and the code of each service; ``None`` if the file itself is refused."""
    file = folder / "a.json"
    file.write_bytes(json.dumps({"Resources": resources}).encode(errors="surrogatepass"))
    try:
        load(file)
    except MeshError:
        return None
    source = read_source([file])
    (mesh,) = (each for each in source.meshes if each.name == "shop")
    services = migrate(source, mesh).files("")["services_stack.py"].split("\n\n")
    code = {match[1]: block for block in services if (match := _PART.search(block))}
    return {part.name: compiled(mesh, part) for part in parts(mesh)}, code


def compiled(mesh: Mesh, part: VirtualNode | VirtualGateway) -> str:
    """Return the configuration of an Envoy as text, or the problems with it."""
    try:
        return json.dumps(configure(mesh, part).bootstrap)
    except MeshError as error:
        return str(error)


@pytest.mark.thorough
@examples(30)
@given(drawn=damaged())
def test_damage_to_a_workload_changes_no_other(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[dict[str, Any], dict[str, Any], set[str]]
) -> None:
    resources, changed, affected = drawn
    note(f"damaged: {[each for id, each in changed.items() if each != resources[id]]}")
    folder = tmp_path_factory.mktemp("damage")
    before = read(folder, resources)
    start = time.process_time()
    after = read(folder, changed)
    assert time.process_time() - start < MAX_SECONDS
    if before is None or after is None:
        return
    assert before[1].keys() == {name.lower() for name in (*NODES, GATEWAY)}
    for name in {*NODES, GATEWAY} - affected:
        for one, other in zip(before, after, strict=True):
            assert other[name.lower()] == one[name.lower()]
