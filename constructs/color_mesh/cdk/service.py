"""Virtual service declared by itself."""

from collections.abc import Iterator

from constructs import Construct

from color_mesh.cdk.backend import Caller
from color_mesh.cdk.data_plane import MeshResources
from color_mesh.cdk.kinds import checked
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.node import MeshNode
from color_mesh.cdk.router import MeshRouter
from color_mesh.model import VirtualService
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshParts


class MeshService(Construct):
    """Virtual service declared by itself: a further name of a node or a router, or a name without a provider.

    Attributes:
        mesh: Mesh of the service.
        name: Name of the service, which is the name that callers use.
        virtual_service_name: Name that callers use.
        mesh_resources: L1 resources that the data plane created for the service, by construct id. With App Mesh:
            ``VirtualService``.
    """

    @checked()
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        virtual_service_name: str,
        provider: MeshNode | MeshRouter | None = None,
    ) -> None:
        """Create a virtual service.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            mesh: Mesh of the service.
            virtual_service_name: Name that callers use. With transparent interception it is the DNS name of a node of
                the mesh; any node will do.
            provider: Node that listens, or router. Default: no provider, callers receive no answer.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        problems = [*_check_provider(f"virtual service {virtual_service_name!r}", mesh, provider)]
        valid_provider = None if problems else provider
        service = VirtualService(
            name=virtual_service_name,
            virtual_node=valid_provider.name if isinstance(valid_provider, MeshNode) else None,
            virtual_router=valid_provider.name if isinstance(valid_provider, MeshRouter) else None,
        )
        mesh.add(MeshParts(services=(service,)), problems)
        super().__init__(scope, id)
        self.mesh: ServiceMesh = mesh
        self.name: str = virtual_service_name
        self.virtual_service_name: str = virtual_service_name
        self.mesh_resources: MeshResources = mesh.data_plane.declare(self, service)
        self._provider = provider

    def admit(self, caller: Caller) -> None:
        """Allow the tasks of ``caller`` to connect to the provider's tasks."""
        if self._provider is not None:
            self._provider.admit(caller)


def _check_provider(subject: str, mesh: ServiceMesh, provider: MeshNode | MeshRouter | None) -> Iterator[str]:
    if provider is None:
        return
    if provider.mesh is not mesh:
        fix = f"it is in mesh {provider.mesh.name!r}, this is {mesh.name!r}"
        yield problem(subject, "provider belongs to another mesh", provider.name, fix)
    elif isinstance(provider, MeshNode) and provider.port is None:
        yield problem(subject, "provider has no listener", provider.name, "a node that listens, or a router")
