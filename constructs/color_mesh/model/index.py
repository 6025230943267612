"""Parts of a mesh, and parts by name."""

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from typing import Any

from color_mesh.model.discovery import CloudMapService, DnsDiscovery
from color_mesh.model.node import VirtualNode, VirtualService
from color_mesh.model.router import VirtualGateway, VirtualRouter


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshParts:
    """Parts of a mesh, not yet validated.

    Attributes:
        cloud_map_services: Cloud Map services that the mesh's nodes are registered in.
        nodes: Virtual nodes.
        services: Virtual services.
        external_services: Names of virtual services of the mesh that are declared elsewhere.
        routers: Virtual routers.
        gateways: Virtual gateways.
    """

    cloud_map_services: tuple[CloudMapService, ...] = ()
    nodes: tuple[VirtualNode, ...] = ()
    services: tuple[VirtualService, ...] = ()
    external_services: tuple[str, ...] = ()
    routers: tuple[VirtualRouter, ...] = ()
    gateways: tuple[VirtualGateway, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshIndex:
    """Parts of a mesh by name. DNS names are in lower case where DNS and Envoy ignore case.

    Attributes:
        cloud_map_services: Cloud Map services by DNS name, in lower case.
        nodes: Virtual nodes by name.
        services: Virtual services by name.
        external_services: Names of virtual services that are declared elsewhere, by themselves.
        service_names: Names of the virtual services, declared or external, by themselves in lower case.
        routers: Virtual routers by name.
        gateways: Virtual gateways by name.
        hostnames: Hostnames of nodes with DNS discovery: by the hostname in lower case, then by the node's name.
    """

    cloud_map_services: MutableMapping[str, CloudMapService] = field(default_factory=dict)
    nodes: MutableMapping[str, VirtualNode] = field(default_factory=dict)
    services: MutableMapping[str, VirtualService] = field(default_factory=dict)
    external_services: MutableMapping[str, str] = field(default_factory=dict)
    service_names: MutableMapping[str, str] = field(default_factory=dict)
    routers: MutableMapping[str, VirtualRouter] = field(default_factory=dict)
    gateways: MutableMapping[str, VirtualGateway] = field(default_factory=dict)
    hostnames: MutableMapping[str, Mapping[str, str]] = field(default_factory=dict)

    def add(self, parts: MeshParts) -> None:
        """Add parts."""
        self.cloud_map_services.update((service.dns_name.lower(), service) for service in parts.cloud_map_services)
        self.nodes.update((node.name, node) for node in parts.nodes)
        self.services.update((service.name, service) for service in parts.services)
        self.external_services.update((name, name) for name in parts.external_services)
        names = (*(service.name for service in parts.services), *parts.external_services)
        self.service_names.update((str(name).lower(), name) for name in names)
        self.routers.update((router.name, router) for router in parts.routers)
        self.gateways.update((gateway.name, gateway) for gateway in parts.gateways)
        for node in parts.nodes:
            if isinstance(node.discovery, DnsDiscovery):
                hostname = node.discovery.hostname
                key = str(hostname).lower()
                self.hostnames[key] = {**self.hostnames.get(key, {}), node.name: hostname}

    def extended(self, parts: MeshParts) -> "MeshIndex":
        """Return an index that has ``parts`` too, in time that depends on these alone."""
        layers: dict[str, Any] = {each.name: ChainMap({}, getattr(self, each.name)) for each in fields(self)}
        extended = MeshIndex(**layers)
        extended.add(parts)
        return extended

    def provider(self, service: VirtualService) -> VirtualNode | VirtualRouter | None:
        """Look up the virtual node or virtual router that provides a virtual service."""
        if service.virtual_node is not None:
            return self.nodes.get(service.virtual_node)
        return self.routers.get(service.virtual_router or "")
