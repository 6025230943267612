"""Configuration of the Envoys of a running mesh: that of the templates, with the changes made by ``color-mesh set``."""

from collections.abc import Mapping

from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.services import Service
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.compiled_envoys import CompiledEnvoy, CompiledEnvoys, Compiler, compile_envoy, undeclared
from color_mesh.local.plan.diagnosis import denial, warnings
from color_mesh.model import Mesh, MeshError


class MeshConfiguration:
    """Meshes of a run, and the compiled configurations of their Envoys.

    Args:
        compiler: Compiler of the configuration of one Envoy. Default: `compile_envoy`.

    Attributes:
        meshes: Meshes by name.
    """

    def __init__(self, compiler: Compiler = compile_envoy) -> None:
        self.meshes: Mapping[str, Mesh] = {}
        self._compiled = CompiledEnvoys((), compiler)
        self._plan: Plan | None = None

    def apply(self, plan: Plan) -> tuple[str, ...]:
        """Take over the meshes of a plan, and return warnings about what will not work.

        Changes made by ``color-mesh set`` remain until the templates change a mesh.
        """
        unchanged = self._plan is not None and self._plan.meshes == plan.meshes
        self._plan = plan
        self.change_meshes(self.meshes if unchanged else {mesh.name: mesh for mesh in plan.meshes})
        return warnings(plan, self._compiled)

    def change_meshes(self, meshes: Mapping[str, Mesh]) -> None:
        """Replace the meshes. The Envoys of unchanged meshes are not compiled again."""
        self.meshes = meshes
        telemetry = {} if self._plan is None else self._plan.telemetry
        self._compiled = self._compiled.with_meshes(meshes.values(), telemetry)

    def of(self, service: Service, resource: MeshResource) -> CompiledEnvoy:
        """Return the configuration of the Envoy of a service's tasks.

        Raises:
            MeshError: If App Mesh would not give it a configuration, with the reason.
        """
        if self._plan is None:
            raise MeshError([undeclared(resource)])
        reason = denial(self._plan, service, resource, self._compiled)
        if reason is not None:
            raise MeshError([reason])
        return self._compiled.of(resource)
