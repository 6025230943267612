"""DNS names in the certificates of nodes and gateways."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.cloudformation import Templates
from color_mesh.ecs import Declarations, read_declarations
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.services import Service
from color_mesh.local.plan.emulation import EMULATED
from color_mesh.local.plan.runnable import RunnableTask, runnable_task
from color_mesh.model import CloudMapDiscovery, Mesh, VirtualGateway, VirtualNode
from color_mesh.model.mesh_tls import certificate_name


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateOwner:
    """Node or gateway that has a certificate.

    Attributes:
        mesh: Name of the mesh.
        name: Name of the node or gateway.
        dns_names: DNS names in its certificate.
    """

    mesh: str
    name: str
    dns_names: tuple[str, ...]


def service_names(declarations: Declarations, service: Service, task: RunnableTask) -> list[str]:
    """Return the DNS names in the certificates of the Envoys of a service's tasks.

    They are those of its Cloud Map services. Without one, they are the names of its nodes and gateways in each
    namespace.
    """
    discovery = [declarations.discovery_services.get(each.registry) for each in service.discovery]
    names = [each.dns_name for each in discovery if each is not None]
    if names:
        return names
    namespaces = dict.fromkeys(each.namespace for each in declarations.discovery_services.values() if each.namespace)
    return [f"{each.name}.{namespace}" for each in task.mesh_resources.values() for namespace in namespaces]


def owners_in_templates(templates: Templates) -> Iterator[CertificateOwner]:
    """Yield the nodes and gateways whose Envoys have their configuration in a task definition."""
    declarations = read_declarations(templates, EMULATED)
    regions = templates.regions
    # A node may have several services.
    names: dict[MeshResource, dict[str, None]] = {}
    for service in declarations.services.values():
        definition = declarations.task_definitions.get(service.task_definition)
        if definition is not None:
            task = runnable_task(definition, {}, regions[service.task_definition])
            for owner in task.mesh_resources.values():
                names.setdefault(owner, {}).update(dict.fromkeys(service_names(declarations, service, task)))
    for owner, dns_names in names.items():
        yield CertificateOwner(mesh=owner.mesh, name=owner.name, dns_names=tuple(dns_names))


def owners_in_mesh(mesh: Mesh) -> Iterator[CertificateOwner]:
    """Yield the nodes and gateways of a mesh."""
    discoveries = [node.discovery for node in mesh.nodes]
    namespaces = [each.namespace for each in discoveries if isinstance(each, CloudMapDiscovery)]
    parts: list[VirtualNode | VirtualGateway] = [*mesh.nodes, *mesh.gateways]
    for part in parts:
        # Callers validate the name of the service discovery, of whatever kind it is.
        discovery = part.discovery if isinstance(part, VirtualNode) else None
        name = certificate_name(part, next(iter(namespaces), mesh.name)) if discovery is None else discovery.dns_name
        yield CertificateOwner(mesh=mesh.name, name=part.name, dns_names=(name,))
