"""Generated meshes as templates: every command answers soon, and damage to one resource changes no other part."""

import copy
import io
import json
import os
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.appmesh.source import read_source
from color_mesh.appmesh.template import write_template
from color_mesh.cli.main import main
from color_mesh.cloudformation import load
from color_mesh.envoy import Loopback, Transparent, configure
from color_mesh.model import Mesh, MeshError, VirtualGateway, VirtualNode, VirtualRouter
from tests.support.damage import change
from tests.support.envoy import parts
from tests.support.mesh_strategies import meshes
from tests.support.needs import examples

MAX_SECONDS = 2
COMMANDS = (("show",), ("parity",), ("analyze", "--severity", "note"), ("migrate", "--out", "out"))
MESH_PARTS = ("VirtualNode", "VirtualService", "VirtualRouter", "VirtualGateway", "Route", "GatewayRoute")
Template = dict[str, Any]


def used(mesh: Mesh, part: VirtualNode | VirtualGateway) -> set[tuple[str, str]]:
    """Return the kind and name of each part of a mesh that the Envoy of a node or gateway depends on."""
    names: set[tuple[str, str]]
    if isinstance(part, VirtualNode):
        names = {("VirtualNode", part.name)}
        called = {each.virtual_service for each in part.backends}
    else:
        names = {("VirtualGateway", part.name), *(("GatewayRoute", route.name) for route in part.routes)}
        called = {route.virtual_service for route in part.routes}
    for service in mesh.services:
        if service.name in called:
            names.add(("VirtualService", service.name))
            provider = mesh.provider(service)
            if isinstance(provider, VirtualRouter):
                names.add(("VirtualRouter", provider.name))
                names |= {("Route", route.name) for route in provider.routes}
                names |= {("VirtualNode", target.virtual_node) for route in provider.routes for target in route.targets}
            elif provider is not None:
                names.add(("VirtualNode", provider.name))
    return names


def name_of(resource: Template) -> tuple[str, str]:
    """Return the kind and name of a resource of App Mesh."""
    kind = resource["Type"].removeprefix("AWS::AppMesh::")
    properties = resource.get("Properties")
    return kind, str(properties.get(f"{kind}Name")) if isinstance(properties, dict) else ""


def compiled(mesh: Mesh, part: VirtualNode | VirtualGateway, kind: type[Transparent] | type[Loopback]) -> str:
    """Return the configuration of an Envoy as text, or the problems with it."""
    try:
        return json.dumps(configure(mesh, part, interception=kind(), sds_socket="/s").bootstrap)
    except MeshError as error:
        return str(error)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Mesh, Template, Template, tuple[str, str]]:
    """Draw a mesh, its template, the same with one damaged resource, and the kind and name of that one."""
    mesh = draw(meshes().filter(lambda drawn: len(parts(drawn)) > 1))
    template = write_template(mesh)
    ids = [id for id, each in template["Resources"].items() if name_of(each)[0] in MESH_PARTS]
    id = draw(st.sampled_from(ids))
    changed = copy.deepcopy(template)
    declared = name_of(template["Resources"][id])
    change(draw, changed["Resources"][id]["Properties"])
    return mesh, template, changed, declared


def read(template: Template, name: str) -> Mesh | None:
    """Read a mesh of a template; ``None`` if the file itself is refused, for example for a number that is too long."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.json"
        file.write_bytes(json.dumps(template).encode(errors="surrogatepass"))
        try:
            load(file)
        except MeshError:
            return None
        return next(mesh for mesh in read_source([file]).meshes if mesh.name == name)


@pytest.mark.thorough
@examples(80)
@given(drawn=damaged(), kind=st.sampled_from((Transparent, Loopback)))
def test_damage_to_a_resource_changes_no_other_part(
    drawn: tuple[Mesh, Template, Template, tuple[str, str]], kind: type[Transparent] | type[Loopback]
) -> None:
    mesh, template, changed, declared = drawn
    others = [name_of(each) for each in template["Resources"].values() if name_of(each) != declared]
    if len(set(others)) < len(others) or any(name_of(each) in others for each in _changed(template, changed)):
        return  # The last one of the same name counts.
    start = time.process_time()
    result = read(changed, mesh.name)
    assert time.process_time() - start < MAX_SECONDS
    if result is None:
        return
    for part in parts(mesh):
        if declared not in used(mesh, part):
            same = next(each for each in parts(result) if type(each) is type(part) and each.name == part.name)
            assert compiled(result, same, kind) == compiled(mesh, part, kind)


def _changed(template: Template, changed: Template) -> list[Template]:
    return [each for id, each in changed["Resources"].items() if each != template["Resources"][id]]


@pytest.mark.thorough
@examples(60)
@given(mesh=meshes(), command=st.sampled_from(COMMANDS))
def test_valid_template_is_answered_soon(
    tmp_path_factory: pytest.TempPathFactory, mesh: Mesh, command: tuple[str, ...]
) -> None:
    folder = tmp_path_factory.mktemp("valid")
    (folder / "a.json").write_text(json.dumps(write_template(mesh)))
    here = Path.cwd()
    os.chdir(folder)
    out, err = io.StringIO(), io.StringIO()
    start = time.process_time()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = main([*command, "a.json"])
    finally:
        os.chdir(here)
    assert time.process_time() - start < MAX_SECONDS
    assert status in (0, 1)
    # The model has what Envoy has not: only migrate may refuse a valid mesh, and the status of analyze is its result.
    assert status == 0 or command[0] in ("migrate", "analyze"), err.getvalue()
