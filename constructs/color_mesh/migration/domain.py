"""Domain of a migrated mesh, and the names of its virtual services in private hosted zones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from color_mesh.migration.findings import Finding, to_do
from color_mesh.model import CloudMapDiscovery, DnsDiscovery, Mesh, MeshError, VirtualNode
from color_mesh.model.deployment import TASKS_LABEL
from color_mesh.model.errors import problem

# Top-level domains without public names: IANA, Special-Use Domain Names, and those that ICANN has reserved (internal)
# or will not delegate.
_PRIVATE = frozenset(("corp", "home", "internal", "lan", "local", "localdomain", "mail", "private", "test"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """Domain of the mesh's private hosted zone.

    Attributes:
        name: Name of the zone, such as ``colors.local``.
    """

    name: str

    @property
    def namespace(self) -> str:
        """Cloud Map namespace of the tasks, below the domain."""
        return f"{TASKS_LABEL}.{self.name}"

    def contains(self, name: str) -> bool:
        """Return whether a DNS name is below the domain."""
        return name.lower().removesuffix(".").endswith(f".{self.name.lower()}")

    def other_domains(self, mesh: Mesh) -> tuple[str, ...]:
        """Return the domains of the virtual services that are not below this one."""
        return tuple(dict.fromkeys(_parent(each.name) for each in mesh.services if not self.contains(each.name)))


def choose_domain(mesh: Mesh) -> Domain:
    """Return the domain with the most virtual services whose private zone hides no public names.

    A private hosted zone hides every other name below its domain from the whole VPC. A candidate is therefore a Cloud
    Map namespace, or has a top-level domain without public names.
    """
    namespaces = [node.discovery.namespace for node in mesh.nodes if isinstance(node.discovery, CloudMapDiscovery)]
    namespaces += [service.namespace for service in mesh.cloud_map_services]
    hosts = [_parent(node.discovery.hostname) for node in mesh.nodes if isinstance(node.discovery, DnsDiscovery)]
    parents = [_parent(service.name) for service in mesh.services]
    candidates = [
        name
        for name in dict.fromkeys((*parents, *namespaces, *hosts))
        if "." in name and (name in namespaces or name.rpartition(".")[2].lower() in _PRIVATE)
    ]
    return Domain(
        name=max(
            candidates,
            key=lambda each: (parents.count(each), namespaces.count(each), hosts.count(each)),
            default=f"{mesh.name.lower().replace('_', '-')}.local",
        )
    )


def rename_services(mesh: Mesh, domain: Domain) -> tuple[Mesh, Sequence[Finding]]:
    """Rename the virtual services whose names no private zone can resolve.

    Raises:
        MeshError: When another service has the new name.
    """
    names = {service.name: _resolvable(service.name, domain) for service in mesh.services}
    renamed = {old: new for old, new in names.items() if old != new}
    uses = Counter(name.lower() for name in names.values())
    problems = [
        problem(f"virtual service {old!r}", "needs a name that DNS resolves, which another has", new, "rename one")
        for old, new in renamed.items()
        if uses[new.lower()] > 1
    ]
    if problems:
        raise MeshError(problems)
    findings = [
        to_do(
            f"virtual service {old!r}", f"is renamed to {new!r}, which DNS can resolve: use the new name in its clients"
        )
        for old, new in renamed.items()
    ]
    return _with_names(mesh, renamed), findings


def _parent(name: str) -> str:
    return name.partition(".")[2]


def _resolvable(name: str, domain: Domain) -> str:
    """Return the name, or one in the domain when it has no domain or belongs to the tasks' namespace."""
    in_namespace = name.lower().endswith(f".{domain.namespace.lower()}")
    if "." in name and not in_namespace and name.lower() != domain.name.lower():
        return name
    return f"{name.partition('.')[0]}.{domain.name}"


def _with_names(mesh: Mesh, renamed: dict[str, str]) -> Mesh:
    def current(name: str) -> str:
        return renamed.get(name, name)

    def with_backends(node: VirtualNode) -> VirtualNode:
        backends = (replace(each, virtual_service=current(each.virtual_service)) for each in node.backends)
        return replace(node, backends=tuple(backends))

    return replace(
        mesh,
        nodes=tuple(with_backends(each) for each in mesh.nodes),
        services=tuple(replace(each, name=current(each.name)) for each in mesh.services),
        gateways=tuple(
            replace(
                each,
                routes=tuple(replace(route, virtual_service=current(route.virtual_service)) for route in each.routes),
            )
            for each in mesh.gateways
        ),
    )
