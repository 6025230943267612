"""A name that callers use, apart from what answers it."""

from collections.abc import Iterator

from constructs import Construct

from color_mesh.cdk.mesh import Caller, ServiceMesh
from color_mesh.cdk.node import MeshedColorNode
from color_mesh.cdk.router import ColorRouter
from color_mesh.model import VirtualService
from color_mesh.model.errors import problem


class ColorService(Construct):
    """Define a virtual service by itself: one more name for a node or a router, or a name that nothing answers.

    Attributes:
        mesh: The mesh it belongs to.
        name: Its name in the mesh, which is what callers use.
        virtual_service_name: The same.
        mesh_resources: What the data plane declared for it, by construct id: with App Mesh, ``VirtualService``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        virtual_service_name: str,
        provider: MeshedColorNode | ColorRouter | None = None,
    ) -> None:
        """Define a name.

        Args:
            scope: The construct to put it in.
            id: Its id there.
            mesh: The mesh it belongs to.
            virtual_service_name: The name that callers use. With ``transparent`` it is the DNS name of one of the
                mesh's nodes; which of them does not matter.
            provider: What answers, a node that listens or a router. Without it, nothing does.

        Raises:
            MeshError: With every problem; nothing has been created then.
        """
        problems = [*_provider_problems(f"virtual service {virtual_service_name!r}", mesh, provider)]
        known = None if problems else provider
        service = VirtualService(
            name=virtual_service_name,
            virtual_node=known.name if isinstance(known, MeshedColorNode) else None,
            virtual_router=known.name if isinstance(known, ColorRouter) else None,
        )
        mesh.add(services=[service], problems=problems)
        super().__init__(scope, id)
        self.mesh = mesh
        self.name = virtual_service_name
        self.virtual_service_name = virtual_service_name
        self.mesh_resources = mesh.data_plane.declare_service(self, service)
        self._provider = provider

    def admit(self, caller: Caller) -> None:
        """Let the tasks of ``caller`` reach what answers, now and later."""
        if self._provider is not None:
            self._provider.admit(caller)


def _provider_problems(
    subject: str, mesh: ServiceMesh, provider: MeshedColorNode | ColorRouter | None
) -> Iterator[str]:
    if provider is None:
        return
    if not isinstance(provider, MeshedColorNode | ColorRouter):
        fix = "a MeshedColorNode or a ColorRouter; without one, nothing answers"
        yield problem(subject, "provider is neither a node nor a router", provider, fix)
    elif provider.mesh is not mesh:
        fix = f"it is in mesh {provider.mesh.model.name!r}, this is {mesh.model.name!r}"
        yield problem(subject, "provider belongs to another mesh", provider.name, fix)
    elif isinstance(provider, MeshedColorNode) and provider.port is None:
        yield problem(subject, "provider has no listener", provider.name, "a node that listens, or a router")
