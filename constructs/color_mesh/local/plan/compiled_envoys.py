"""Compiled configurations of the Envoys that receive theirs from App Mesh."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.envoy import Configuration, ServerEndpoints, configure
from color_mesh.model import Mesh, MeshError, Telemetry, VirtualGateway, VirtualNode

# Path of the discovery server's socket. It is relative to the working directory of Envoy, so that all tasks of a
# virtual node share one configuration.
DISCOVERY_SOCKET = "discovery.sock"
# Shorter than in deployments without App Mesh, so that people see a renewal. App Mesh states no time.
CERTIFICATE_REFRESH_SECONDS = 10

Compiler: TypeAlias = Callable[[Mesh, VirtualNode | VirtualGateway, Telemetry | None], Configuration]


def compile_envoy(mesh: Mesh, part: VirtualNode | VirtualGateway, telemetry: Telemetry | None = None) -> Configuration:
    """Compile the configuration of an Envoy that receives it from a discovery server, in place of App Mesh.

    Raises:
        MeshError: With everything that cannot be compiled.
    """
    return configure(
        mesh,
        part,
        endpoints=ServerEndpoints(socket=DISCOVERY_SOCKET),
        as_in_app_mesh=True,
        telemetry=telemetry,
        certificate_refresh_seconds=CERTIFICATE_REFRESH_SECONDS,
    )


def undeclared(resource: MeshResource) -> str:
    """Return the problem of an Envoy whose node or gateway is in no template."""
    return f"no template declares {resource}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledEnvoy:
    """Configuration of the Envoy of a virtual node or virtual gateway.

    Attributes:
        mesh: Mesh of the node or gateway.
        configuration: Configuration of the Envoy.
    """

    mesh: Mesh
    configuration: Configuration


class CompiledEnvoys:
    """Configurations of the Envoys of some meshes. Each is compiled when it is first read, and never again.

    Args:
        meshes: The meshes.
        compiler: Compiler of one configuration. Default: `compile_envoy`.
        telemetry: Telemetry by node or gateway. Default: none.
    """

    def __init__(
        self,
        meshes: Iterable[Mesh],
        compiler: Compiler = compile_envoy,
        telemetry: Mapping[MeshResource, Telemetry] = MappingProxyType({}),
    ) -> None:
        self._meshes = {mesh.name: mesh for mesh in meshes}
        self._compiler = compiler
        self._telemetry = telemetry
        self._results: dict[MeshResource, CompiledEnvoy | MeshError] = {}

    def of(self, resource: MeshResource) -> CompiledEnvoy:
        """Return the configuration of the Envoy of a virtual node or virtual gateway.

        Raises:
            MeshError: If no mesh has the node or gateway, or with everything that cannot be compiled.
        """
        if resource not in self._results:
            try:
                self._results[resource] = self._compile(resource)
            except MeshError as error:
                self._results[resource] = error
        result = self._results[resource]
        if isinstance(result, MeshError):
            raise MeshError(result.problems)
        return result

    def with_meshes(self, meshes: Iterable[Mesh], telemetry: Mapping[MeshResource, Telemetry]) -> "CompiledEnvoys":
        """Return the configurations of other meshes. Those of unchanged meshes are not compiled again."""
        changed = CompiledEnvoys(meshes, self._compiler, telemetry)
        unchanged = {name for name, mesh in changed._meshes.items() if self._meshes.get(name) == mesh}
        changed._results = {
            each: result
            for each, result in self._results.items()
            if each.mesh in unchanged and self._telemetry.get(each) == telemetry.get(each)
        }
        return changed

    def _compile(self, resource: MeshResource) -> CompiledEnvoy:
        declared = resource.look_up(self._meshes.values())
        if declared is None:
            raise MeshError([undeclared(resource)])
        mesh, part = declared
        return CompiledEnvoy(mesh=mesh, configuration=self._compiler(mesh, part, self._telemetry.get(resource)))
