"""Service mesh as one immutable value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from color_mesh.model.checks import check_choice, check_name, check_tags
from color_mesh.model.discovery import CloudMapService, check_ip_preference
from color_mesh.model.errors import problem, refuse
from color_mesh.model.index import MeshIndex, MeshParts
from color_mesh.model.listener import IpPreference
from color_mesh.model.node import VirtualNode, VirtualService
from color_mesh.model.references import check_parts
from color_mesh.model.router import VirtualGateway, VirtualRouter

EgressFilter = Literal["DROP_ALL", "ALLOW_ALL"]
EGRESS_FILTERS: tuple[EgressFilter, ...] = get_args(EgressFilter)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mesh:
    """Service mesh. A mesh that exists is valid: construction validates the parts, alone and together.

    Attributes:
        name: Name of the mesh: 1 to 255 letters, digits, ``-`` and ``_``.
        owner: AWS account that owns the mesh, 12 digits. Default: the account is not named.
        egress_filter: ``DROP_ALL``: nodes reach only their backends through Envoy. ``ALLOW_ALL``: nodes reach
            any other destination too. Default: ``DROP_ALL``.
        ip_preference: IP versions that Envoys use to connect. Default: IPv4 before IPv6 for nodes in Cloud Map, IPv6
            before IPv4 for nodes with a hostname.
        cloud_map_services: Cloud Map services that are declared with the mesh.
        nodes: Virtual nodes.
        services: Virtual services.
        routers: Virtual routers.
        gateways: Virtual gateways.
        external_services: Names of virtual services of this mesh that are declared elsewhere.
        tags: Tags of the mesh as keys and values. Envoy receives them as metadata.

    Raises:
        MeshError: If a part or a reference between parts is not valid. The error lists all problems.
    """

    name: str
    owner: str | None = None
    egress_filter: EgressFilter = "DROP_ALL"
    ip_preference: IpPreference | None = None
    cloud_map_services: tuple[CloudMapService, ...] = ()
    nodes: tuple[VirtualNode, ...] = ()
    services: tuple[VirtualService, ...] = ()
    routers: tuple[VirtualRouter, ...] = ()
    gateways: tuple[VirtualGateway, ...] = ()
    external_services: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    _index: MeshIndex = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = MeshParts(
            cloud_map_services=self.cloud_map_services,
            nodes=self.nodes,
            services=self.services,
            external_services=self.external_services,
            routers=self.routers,
            gateways=self.gateways,
        )
        index = MeshIndex()
        index.add(parts)
        object.__setattr__(self, "_index", index)
        subject = f"mesh {self.name!r}"
        refuse((*_check_mesh(subject, self), *check_parts(subject, parts, index, MeshIndex())))

    def node(self, name: str) -> VirtualNode:
        """Look up a virtual node of this mesh."""
        return self._index.nodes[name]

    def service(self, name: str) -> VirtualService:
        """Look up a virtual service of this mesh."""
        return self._index.services[name]

    def router(self, name: str) -> VirtualRouter:
        """Look up a virtual router of this mesh."""
        return self._index.routers[name]

    def gateway(self, name: str) -> VirtualGateway:
        """Look up a virtual gateway of this mesh."""
        return self._index.gateways[name]

    def provider(self, service: VirtualService) -> VirtualNode | VirtualRouter | None:
        """Look up the virtual node or virtual router that provides a virtual service of this mesh."""
        return self._index.provider(service)

    @property
    def known_services(self) -> tuple[str, ...]:
        """Names of the virtual services that a node or gateway may send requests to."""
        return (*(service.name for service in self.services), *self.external_services)


def is_account(owner: object) -> bool:
    """Return whether a mesh owner is an AWS account ID."""
    return isinstance(owner, str) and re.fullmatch("[0-9]{12}", owner) is not None


def _check_mesh(subject: str, mesh: Mesh) -> Iterator[str]:
    yield from check_name(subject, mesh.name)
    if mesh.owner is not None and not is_account(mesh.owner):
        yield problem(subject, "owner is not an AWS account ID", mesh.owner, "12 digits, such as '111122223333'")
    yield from check_choice(subject, "egress filter", mesh.egress_filter, EGRESS_FILTERS)
    yield from check_ip_preference(subject, mesh.ip_preference)
    yield from check_tags(subject, mesh.tags)
