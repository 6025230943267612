"""Configuration of Envoys while a mesh runs: compiled once for each change of the mesh."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from color_mesh.envoy import Configuration
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.compiled_envoys import compile_envoy
from color_mesh.local.run.envoys.mesh_configuration import MeshConfiguration
from color_mesh.model import Mesh, MeshError, Telemetry, VirtualGateway, VirtualNode
from tests.support.local_templates import Resources, planned


class CountingCompiler:
    """The compiler of Envoys, and the names of the nodes that it has compiled."""

    def __init__(self) -> None:
        self.compiled: list[str] = []

    def __call__(self, mesh: Mesh, part: VirtualNode | VirtualGateway, _: Telemetry | None) -> Configuration:
        self.compiled.append(part.name)
        return compile_envoy(mesh, part)


@pytest.fixture
def compiler() -> CountingCompiler:
    return CountingCompiler()


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return planned(tmp_path)


def configure_every_task(configuration: MeshConfiguration, plan: Plan, tasks: int = 3) -> None:
    """Read the configurations of several tasks of each service, as tasks do when they start."""
    for service in plan.services.values():
        for _, resource in plan.sidecars(service):
            for _ in range(tasks):
                configuration.of(service, resource)


def with_port_8080(resources: Resources) -> None:
    resources["Node"]["Spec"]["Listeners"][0]["PortMapping"]["Port"] = 8080


def with_two_tasks(resources: Resources) -> None:
    resources["Service"]["DesiredCount"] = 2


def test_envoy_is_compiled_once_for_warnings_and_all_tasks(compiler: CountingCompiler, plan: Plan) -> None:
    configuration = MeshConfiguration(compiler)
    configuration.apply(plan)
    configure_every_task(configuration, plan)
    assert compiler.compiled == ["stock"]


@pytest.mark.parametrize(
    ("change", "compiled"),
    [
        pytest.param(None, ["stock"], id="same-templates"),
        pytest.param(with_two_tasks, ["stock"], id="change-beside-the-mesh"),
        pytest.param(with_port_8080, ["stock", "stock"], id="change-of-the-mesh"),
    ],
)
def test_envoy_is_compiled_again_only_for_a_changed_mesh(
    compiler: CountingCompiler,
    plan: Plan,
    tmp_path: Path,
    change: Callable[[Resources], None] | None,
    compiled: list[str],
) -> None:
    configuration = MeshConfiguration(compiler)
    configuration.apply(plan)
    configure_every_task(configuration, plan)
    changed = planned(tmp_path, change)
    configuration.apply(changed)
    configure_every_task(configuration, changed)
    assert compiler.compiled == compiled


def test_unsupported_mesh_is_compiled_once_and_named_each_time(plan: Plan) -> None:
    compiled: list[str] = []

    def refuse(mesh: Mesh, part: VirtualNode | VirtualGateway, _: Telemetry | None) -> Configuration:
        compiled.append(part.name)
        raise MeshError(["virtual node 'stock': unsupported"])

    configuration = MeshConfiguration(refuse)
    assert configuration.apply(plan) == ("stock-svc: envoy gets no configuration: virtual node 'stock': unsupported",)
    for _ in range(2):
        with pytest.raises(MeshError, match="^virtual node 'stock': unsupported$"):
            configure_every_task(configuration, plan)
    assert compiled == ["stock"]


def test_changed_mesh_remains_until_the_templates_change_it(plan: Plan, tmp_path: Path) -> None:
    configuration = MeshConfiguration()
    configuration.apply(plan)
    (mesh,) = plan.meshes
    by_hand = replace(mesh, nodes=(replace(mesh.node("stock"), tags=(("by", "hand"),)),))
    configuration.change_meshes({mesh.name: by_hand})
    configuration.apply(planned(tmp_path, with_two_tasks))
    assert configuration.meshes == {"shop": by_hand}
    changed = planned(tmp_path, with_port_8080)
    configuration.apply(changed)
    assert configuration.meshes == {"shop": changed.meshes[0]}


def test_node_that_no_template_declares_gets_no_configuration(plan: Plan) -> None:
    configuration = MeshConfiguration()
    configuration.apply(replace(plan, meshes=()))
    with pytest.raises(MeshError, match="^no template declares mesh/shop/virtualNode/stock$"):
        configure_every_task(configuration, plan)
