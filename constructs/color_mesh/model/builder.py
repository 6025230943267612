"""Mesh that is declared part by part."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from color_mesh.model.errors import refuse
from color_mesh.model.index import MeshIndex, MeshParts
from color_mesh.model.mesh import Mesh
from color_mesh.model.node import VirtualNode, VirtualServiceBackend, check_virtual_node
from color_mesh.model.references import check_backends, check_gateway_target, check_parts, check_targets
from color_mesh.model.route import GatewayRoute, Route
from color_mesh.model.router import check_added_route
from color_mesh.model.tls import ClientTls


class MeshBuilder:
    """Mesh that is declared part by part. The parts declared so far are a valid mesh at any time.

    Each method validates what it adds in time that depends on the addition alone, and reports the same problems as the
    construction of a `Mesh` with all parts does. If there is a problem, nothing is added.

    Attributes:
        name: Name of the mesh.
        parts: Parts declared so far, by name. For lookups only.
    """

    def __init__(self, mesh: Mesh) -> None:
        """Start with the settings of a mesh without parts."""
        self.name = mesh.name
        self.parts = MeshIndex()
        self._empty = mesh
        self._mesh: Mesh | None = mesh
        self._subject = f"mesh {mesh.name!r}"

    def build(self) -> Mesh:
        """Return the mesh as it is declared so far, the same object until something is added."""
        if self._mesh is None:
            parts = self.parts
            self._mesh = replace(
                self._empty,
                cloud_map_services=tuple(parts.cloud_map_services.values()),
                nodes=tuple(parts.nodes.values()),
                services=tuple(parts.services.values()),
                external_services=tuple(parts.external_services.values()),
                routers=tuple(parts.routers.values()),
                gateways=tuple(parts.gateways.values()),
            )
        return self._mesh

    def add(self, parts: MeshParts, problems: Iterable[str] = ()) -> None:
        """Add parts.

        Args:
            parts: Parts to add. They may refer to each other and to parts added before.
            problems: Problems that the caller has found, reported first.

        Raises:
            MeshError: If there is a problem. The error lists all problems.
        """
        self.check(parts, problems)
        self.parts.add(parts)
        self._mesh = None

    def check(self, parts: MeshParts, problems: Iterable[str] = ()) -> None:
        """Raise the error that `add` would raise, and add nothing."""
        refuse((*problems, *check_parts(self._subject, parts, self.parts.extended(parts), self.parts)))

    def add_backends(
        self,
        node_name: str,
        backends: Sequence[VirtualServiceBackend],
        problems: Iterable[str] = (),
        client_tls: ClientTls | None = None,
    ) -> None:
        """Add backends to a virtual node, in time that depends on the number of its backends; see `add`.

        Args:
            node_name: Name of the node.
            backends: Backends to add.
            problems: Problems that the caller has found, reported first.
            client_tls: Client policy of the node. Default: it stays as it is.
        """
        self.parts.nodes[node_name] = self.check_backends(node_name, backends, problems, client_tls)
        self._mesh = None

    def check_backends(
        self,
        node_name: str,
        backends: Sequence[VirtualServiceBackend],
        problems: Iterable[str] = (),
        client_tls: ClientTls | None = None,
    ) -> VirtualNode:
        """Return the node with the backends, or raise the error that `add_backends` would raise; nothing is added."""
        node = self.parts.nodes[node_name]
        node = replace(node, backends=(*node.backends, *backends), client_tls=client_tls or node.client_tls)
        refuse((*problems, *check_virtual_node(node), *check_backends(node, self.parts)))
        return node

    def add_route(self, router_name: str, route: Route, problems: Iterable[str] = ()) -> None:
        """Add a route to a virtual router, in time that depends on the number of its routes; see `add`."""
        router = self.parts.routers[router_name]
        refuse((*problems, *check_added_route(router, route), *check_targets(route, self.parts)))
        self.parts.routers[router_name] = replace(router, routes=(*router.routes, route))
        self._mesh = None

    def add_gateway_route(self, gateway_name: str, route: GatewayRoute, problems: Iterable[str] = ()) -> None:
        """Add a route to a virtual gateway, in time that depends on the number of its routes; see `add`."""
        gateway = self.parts.gateways[gateway_name]
        refuse((*problems, *check_added_route(gateway, route), *check_gateway_target(route, self.parts)))
        self.parts.gateways[gateway_name] = replace(gateway, routes=(*gateway.routes, route))
        self._mesh = None
