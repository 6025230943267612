"""Backends that callers in a mesh may send requests to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from color_mesh.model import ClientTls, VirtualServiceBackend
from color_mesh.model.errors import problem


class NamedMesh(Protocol):
    """Mesh of a backend or a caller: a `ServiceMesh`."""

    @property
    def name(self) -> str:
        """Name of the mesh."""


@runtime_checkable
class Backend(Protocol):
    """Service that a node may call and a gateway may route to: a node, a router, a service or an external service."""

    @property
    def name(self) -> str:
        """Name of the backend in the mesh."""

    @property
    def mesh(self) -> NamedMesh:
        """Mesh of the backend."""

    @property
    def virtual_service_name(self) -> str | None:
        """Name that callers use. ``None``: the backend has no virtual service."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ExternalBackend:
    """Backend whose virtual service is declared elsewhere.

    Attributes:
        name: Name of the virtual service.
        mesh: Mesh of the virtual service.
    """

    name: str
    mesh: NamedMesh

    @property
    def virtual_service_name(self) -> str:
        """Name that callers use."""
        return self.name


def virtual_backends(
    mesh: NamedMesh, backends: Sequence[Backend], client_tls: ClientTls | None = None
) -> tuple[VirtualServiceBackend, ...]:
    """Return the virtual services of backends, without those that `check_backend_arguments` reports.

    Args:
        mesh: Mesh of the caller.
        backends: The backends.
        client_tls: TLS of connections to the backends. Default: the TLS of the calling node.
    """
    return tuple(
        VirtualServiceBackend(virtual_service=backend.virtual_service_name, client_tls=client_tls)
        for backend in backends
        if not isinstance(backend, str) and backend.virtual_service_name is not None and backend.mesh is mesh
    )


def check_backend_arguments(subject: str, mesh: NamedMesh, backends: Sequence[Backend]) -> Iterator[str]:
    """Validate that backends belong to the mesh of their caller and have a virtual service."""
    for backend in backends:
        if isinstance(backend, str):
            fix = "the node, router or service itself; with app-mesh external_service(...) for one that is elsewhere"
            yield problem(subject, "backend is text", backend, fix)
        elif backend.virtual_service_name is None:
            fix = "give it one with virtual_service=True, or put it behind a MeshRouter"
            yield problem(subject, "backend has no virtual service", backend.name, fix)
        elif backend.mesh is not mesh:
            fix = f"it is in mesh {backend.mesh.name!r}, this is {mesh.name!r}"
            yield problem(subject, "backend belongs to another mesh", backend.name, fix)
