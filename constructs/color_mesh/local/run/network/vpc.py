"""The VPC: a router, which is this network namespace, and a network namespace for each interface."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import count

from color_mesh.ecs.task_definitions import ProxyConfiguration
from color_mesh.local.plan.network import API_ADDRESSES, INTERNET, Network
from color_mesh.local.run.container_users import ContainerUsers
from color_mesh.local.run.isolation import SYSTEM_ENVIRONMENT, system_program
from color_mesh.local.run.network.iptables_rules import (
    CREDENTIALS_ENDPOINT,
    INTERNET_LINK,
    NetworkInterface,
    redirection_rules,
    security_group_rules,
)
from color_mesh.local.run.network.links import Links
from color_mesh.local.run.network.network_namespaces import (
    NETWORK_NAMESPACES,
    create_network_namespace,
    remove_network_namespace,
)

_RESERVED = 4  # Amazon VPC User Guide, Subnet sizing: the first four addresses are reserved, and so is the last.


class Vpc:
    """The network interfaces of a VPC.

    Args:
        network: The VPC as the templates declare it.
        users: Users of the containers.
    """

    def __init__(self, network: Network, users: ContainerUsers) -> None:
        self._network = network
        self._users = users
        self._interfaces: dict[str, NetworkInterface] = {}
        self._next_addresses: dict[str, count[int]] = {}
        self._links = Links()
        self._rules_written = asyncio.Condition()
        self._version = self._written_version = 0

    @property
    def resolver(self) -> IPv4Address:
        """Address of the VPC's resolver."""
        return resolver_address(self._network.cidr)

    async def start(self) -> None:
        """Create the router, and the network outside the VPC."""
        await self._links.set_up_router(self.resolver, CREDENTIALS_ENDPOINT[0], *API_ADDRESSES)
        await self._connect(INTERNET_LINK, INTERNET[1])
        await self.write_rules()

    async def attach(self, name: str, subnets: Sequence[str], groups: tuple[str, ...], public: bool) -> IPv4Address:
        """Create an interface in one of the subnets, and a network namespace of the same name.

        Args:
            name: Name of the interface and its network namespace.
            subnets: Subnets to choose an address from.
            groups: Security groups of the interface.
            public: True if the internet reaches it.

        Raises:
            OSError: If the kernel refuses the namespace or the link.
            RuntimeError: If the subnet has no free address, or iptables refuses the rules.
        """
        address = self._free_address(subnets)
        self._interfaces[name] = NetworkInterface(link=name, address=address, groups=groups, public=public)
        await self._connect(name, address)
        await self.write_rules()
        return address

    async def redirect(self, name: str, redirection: ProxyConfiguration) -> None:
        """Redirect the traffic of an interface to Envoy."""
        users = self._users.namespace
        # Rules about users are accepted from the user namespace of the network namespace only (Linux, xt_owner).
        inside = [f"--net={NETWORK_NAMESPACES / name}", f"--user=/proc/self/fd/{users}"]
        prefix = [system_program("nsenter"), *inside]
        await _iptables_restore(redirection_rules(redirection), "--noflush", prefix=prefix, descriptors=(users,))

    async def detach(self, name: str) -> None:
        """Remove an interface and its network namespace, as far as they exist."""
        if self._interfaces.pop(name, None) is not None:
            await self.write_rules()
            with suppress(OSError):
                await self._links.disconnect(name)
            with suppress(OSError):
                remove_network_namespace(name)

    async def change(self, network: Network, groups: Callable[[str], tuple[str, ...] | None]) -> None:
        """Take over changed security groups.

        Args:
            network: The VPC as the templates declare it now.
            groups: Security groups of an interface by its name, or ``None`` if they have not changed.
        """
        self._network = network
        for name, interface in self._interfaces.items():
            changed = groups(name)
            if changed is not None:
                self._interfaces[name] = replace(interface, groups=changed)
        await self.write_rules()

    async def write_rules(self) -> None:
        """Write the iptables rules of the security groups; concurrent calls share one write."""
        self._version += 1
        wanted = self._version
        async with self._rules_written:
            if self._written_version < wanted:
                version = self._version
                await _iptables_restore(security_group_rules(self._network, list(self._interfaces.values())))
                self._written_version = version

    async def _connect(self, name: str, address: IPv4Address) -> None:
        create_network_namespace(name, self._users)
        await self._links.connect(name, address)

    def _free_address(self, subnets: Sequence[str]) -> IPv4Address:
        """Choose an address of the emptiest subnet, those that were never in use first."""
        name = min(subnets, key=lambda each: (self._interfaces_in(each), subnets.index(each)))
        subnet = self._network.subnets.get(name, self._network.cidr)
        # Subnets that no template declares are taken to be the whole VPC.
        numbers = self._next_addresses.setdefault(str(subnet), count())
        usable = subnet.num_addresses - _RESERVED - 1
        taken = {interface.address for interface in self._interfaces.values()}
        for _ in range(usable):
            address = subnet[_RESERVED + next(numbers) % usable]
            if address not in taken:
                return address
        raise RuntimeError(f"every address of {subnet} is taken")

    def _interfaces_in(self, name: str) -> int:
        subnet = self._network.subnets.get(name, self._network.cidr)
        return sum(interface.address in subnet for interface in self._interfaces.values())


def resolver_address(cidr: IPv4Network) -> IPv4Address:
    """Return the address of a VPC's resolver, the third of the VPC (Amazon VPC User Guide, *Amazon DNS server*)."""
    return cidr[2]


async def _iptables_restore(
    rules: str, *options: str, prefix: Sequence[str] = (), descriptors: tuple[int, ...] = ()
) -> None:
    """Write iptables rules.

    Args:
        rules: The rules.
        options: Options of ``iptables-restore``.
        prefix: Program that starts it in another network namespace. Default: none, for the router.
        descriptors: File descriptors that the program inherits.

    Raises:
        RuntimeError: With the message of iptables and the rules.
    """
    command = [*prefix, system_program("iptables-restore"), *options]
    process = await asyncio.create_subprocess_exec(
        *command,
        env=SYSTEM_ENVIRONMENT,
        pass_fds=descriptors,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(rules.encode())
    if process.returncode:
        message = output.decode().strip()
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {message}\n{rules}")
