"""Virtual service declared by itself."""

from collections.abc import Iterator
from typing import TypeAlias

from constructs import Construct

from color_mesh.cdk.arguments import check_policies
from color_mesh.cdk.caller_policy import declare_router, router_with_policy
from color_mesh.cdk.data_plane import MeshResources
from color_mesh.cdk.imported_node import ImportedNode
from color_mesh.cdk.kinds import checked
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.naming import default_name
from color_mesh.cdk.node import MeshNode
from color_mesh.cdk.router import MeshRouter
from color_mesh.model import RetryPolicy, Timeout, VirtualService
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshParts

AnyNode: TypeAlias = MeshNode | ImportedNode
"""Node of this app or of another one."""
Provider: TypeAlias = AnyNode | MeshRouter
"""Provider of a virtual service."""


class MeshService(Construct):
    """Virtual service declared by itself: a further name of a node or a router, or a name without a provider.

    Attributes:
        mesh: Mesh of the service.
        name: Name of the service, which is the name that callers use.
        virtual_service_name: Name that callers use.
        mesh_resources: L1 resources that the data plane created for the service, by construct id. With App Mesh:
            ``VirtualService``; with a policy for callers also ``VirtualRouter``, and its routes.
    """

    @checked()
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        virtual_service_name: str,
        provider: Provider | None = None,
        retry_policy: RetryPolicy | None = None,
        caller_timeout: Timeout | None = None,
    ) -> None:
        """Create a virtual service.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            mesh: Mesh of the service.
            virtual_service_name: Name that callers use. With transparent interception it is the DNS name of a node of
                the mesh; any node will do.
            provider: Node that listens, or router. Default: no provider, callers receive no answer.
            retry_policy: Retry policy of the callers, if the provider is a node. Default: two retries if a task is
                unavailable.
            caller_timeout: Timeout of the callers, if the provider is a node. With this argument or ``retry_policy``, a
                router in front of the node provides the service. Default: 15 seconds.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        subject = f"virtual service {virtual_service_name!r}"
        problems = [*_check_provider(subject, mesh, provider)]
        valid_provider = None if problems else provider
        problems += check_policies(subject, isinstance(provider, AnyNode), retry_policy, caller_timeout)
        router = None
        if isinstance(valid_provider, AnyNode):
            router = router_with_policy(
                default_name(scope, id),
                node=valid_provider.name,
                listeners=mesh.declared.parts.nodes[valid_provider.name].listeners,
                retry_policy=retry_policy,
                timeout=caller_timeout,
            )
        router_name = None if router is None else router.name
        service = VirtualService(
            name=virtual_service_name,
            virtual_node=valid_provider.name if isinstance(valid_provider, AnyNode) and router is None else None,
            virtual_router=valid_provider.name if isinstance(valid_provider, MeshRouter) else router_name,
        )
        mesh.add(self, MeshParts(services=(service,), routers=(router,) if router else ()), problems)
        super().__init__(scope, id)
        self.mesh: ServiceMesh = mesh
        self.name: str = virtual_service_name
        self.virtual_service_name: str = virtual_service_name
        declared = declare_router(self, mesh, router) if router else {}
        self.mesh_resources: MeshResources = {**declared, **mesh.data_plane.declare(self, service)}


def _check_provider(subject: str, mesh: ServiceMesh, provider: Provider | None) -> Iterator[str]:
    if provider is None:
        return
    if provider.mesh is not mesh:
        fix = f"it is in mesh {provider.mesh.name!r}, this is {mesh.name!r}"
        yield problem(subject, "provider belongs to another mesh", provider.name, fix)
    elif isinstance(provider, MeshNode) and provider.port is None:
        yield problem(subject, "provider has no listener", provider.name, "a node that listens, or a router")
