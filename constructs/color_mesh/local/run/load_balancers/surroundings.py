"""Properties of a load balancer that its definition does not have."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """Properties of a load balancer that its definition does not have.

    Attributes:
        domain_names: Domain names of certificates.
        machine_ports: Ports of this machine at which its ports are published, by these.
    """

    domain_names: tuple[str, ...] = ()
    machine_ports: Mapping[int, int] = field(default_factory=dict)
