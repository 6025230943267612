"""Which names the services of a mesh have on self-managed Envoy, where private zones answer for them."""

from collections import Counter
from dataclasses import dataclass, replace

from color_mesh.migration.findings import Finding, to_do
from color_mesh.model import CloudMapDiscovery, DnsDiscovery, Mesh, MeshError, VirtualNode
from color_mesh.model.deployment import TASKS_LABEL
from color_mesh.model.errors import problem

# IANA, Special-Use Domain Names, and what ICANN has set apart (internal) or put off for good.
_NOBODYS = frozenset(("corp", "home", "internal", "lan", "local", "localdomain", "mail", "private", "test"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Hold where the names of a mesh are.

    Attributes:
        domain: The mesh's own, which its zone answers for.
    """

    domain: str

    @property
    def namespace(self) -> str:
        """The Cloud Map namespace of the tasks."""
        return f"{TASKS_LABEL}.{self.domain}"

    def inside(self, name: str) -> bool:
        """Tell whether the mesh's own zone answers a name."""
        return name.lower().removesuffix(".").endswith(f".{self.domain.lower()}")

    def other_domains(self, mesh: Mesh) -> tuple[str, ...]:
        """Find what the names of services end with that the mesh's own zone does not answer."""
        return tuple(dict.fromkeys(_parent(each.name) for each in mesh.services if not self.inside(each.name)))


def name_services(mesh: Mesh) -> tuple[Mesh, Names, list[Finding]]:
    """Find the domains of a mesh, and give another name to services that no private zone could answer for.

    Raises:
        MeshError: When another service has that name.
    """
    names = Names(domain=_domain(mesh))
    new = {service.name: _renamed(service.name, names) for service in mesh.services}
    renamed = {name: to for name, to in new.items() if name != to}
    taken = Counter(name.lower() for name in new.values())
    problems = [
        problem(f"virtual service {name!r}", "has no name that DNS can answer, and another has", to, "rename one")
        for name, to in renamed.items()
        if taken[to.lower()] > 1
    ]
    if problems:
        raise MeshError(problems)
    findings = [
        to_do(f"virtual service {name!r}", f"is called {to!r} now, which DNS can answer: callers must call it so")
        for name, to in renamed.items()
    ]
    return _with_names(mesh, renamed), names, findings


def _domain(mesh: Mesh) -> str:
    """Find the domain that may be the mesh's: its zone hides every other name below it from the whole VPC.

    That is one of a Cloud Map namespace, or of a name that is nobody's on the internet, and the one with most services.
    """
    spaces = [node.discovery.namespace for node in mesh.nodes if isinstance(node.discovery, CloudMapDiscovery)]
    spaces += [service.namespace for service in mesh.cloud_map_services]
    hosts = [_parent(node.discovery.hostname) for node in mesh.nodes if isinstance(node.discovery, DnsDiscovery)]
    parents = [_parent(service.name) for service in mesh.services]
    own = [
        domain
        for domain in dict.fromkeys((*parents, *spaces, *hosts))
        if "." in domain and (domain in spaces or domain.rpartition(".")[2].lower() in _NOBODYS)
    ]
    made_up = f"{mesh.name.lower().replace('_', '-')}.local"
    return max(own, key=lambda each: (parents.count(each), spaces.count(each), hosts.count(each)), default=made_up)


def _parent(name: str) -> str:
    return name.partition(".")[2]


def _renamed(name: str, names: Names) -> str:
    """Find what a service is called: as it was, unless no zone, or the tasks' own, would answer that."""
    below_tasks = name.lower().endswith(f".{names.namespace.lower()}")
    if "." in name and not below_tasks and name.lower() != names.domain.lower():
        return name
    return f"{name.partition('.')[0]}.{names.domain}"


def _with_names(mesh: Mesh, renamed: dict[str, str]) -> Mesh:
    def called(name: str) -> str:
        return renamed.get(name, name)

    def node(old: VirtualNode) -> VirtualNode:
        backends = (replace(each, virtual_service=called(each.virtual_service)) for each in old.backends)
        return replace(old, backends=tuple(backends))

    return replace(
        mesh,
        nodes=tuple(node(each) for each in mesh.nodes),
        services=tuple(replace(each, name=called(each.name)) for each in mesh.services),
        gateways=tuple(
            replace(
                each,
                routes=tuple(replace(route, virtual_service=called(route.virtual_service)) for route in each.routes),
            )
            for each in mesh.gateways
        ),
    )
