"""The VPC: a router, which is this network namespace, and a network namespace for each interface."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from itertools import count

from color_mesh.ecs.task_definitions import ProxyConfiguration
from color_mesh.local.plan.diagnosis import INTERNET
from color_mesh.local.plan.network import Network
from color_mesh.local.run import namespace
from color_mesh.local.run.firewall import INTERNET_LINK, Interface, redirection_rules, security_rules

# Where every interface sends what is not for itself; each of the router's links has it.
_ROUTER = "169.254.1.1"
_RESERVED = 4  # Amazon VPC User Guide, Subnet sizing: the first four addresses are not for use, nor is the last.


class Fabric:
    """Hold the interfaces of the VPC."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._interfaces: dict[str, Interface] = {}
        self._next: dict[str, count[int]] = {}
        self._written = asyncio.Condition()
        self._version = self._written_version = 0

    @property
    def resolver(self) -> IPv4Address:
        """The address of the VPC's resolver (Amazon VPC User Guide, *Amazon DNS server*)."""
        return resolver_address(self._network.cidr)

    async def start(self) -> None:
        """Make the router, and the network outside the VPC."""
        await run(["ip", "-batch", "-"], f"link set lo up\naddr add {self.resolver}/32 dev lo\n")
        await self._link(INTERNET_LINK, INTERNET[1])
        await self.write_rules()

    async def attach(self, name: str, subnets: Sequence[str], groups: tuple[str, ...], public: bool) -> IPv4Address:
        """Make an interface in one of the subnets, in a network namespace that is called the same."""
        address = self._free(subnets)
        self._interfaces[name] = Interface(link=name, address=address, groups=groups, public=public)
        await self._link(name, address)
        await self.write_rules()
        return address

    async def redirect(self, name: str, redirection: ProxyConfiguration) -> None:
        """Redirect the traffic of an interface to Envoy."""
        command = ["nsenter", f"--net={namespace.NETWORKS / name}", "iptables-restore", "--noflush"]
        await run(command, redirection_rules(redirection))

    async def control(self, name: str, parameter: str, value: str) -> None:
        """Set a kernel parameter of the network of an interface."""
        file = f"/proc/sys/{parameter.replace('.', '/')}"
        command = ["nsenter", f"--net={namespace.NETWORKS / name}", "sh", "-c", 'cat > "$0"', file]
        await run(command, f"{value}\n")

    async def detach(self, name: str) -> None:
        """Remove an interface, and its network namespace, as far as they have been made."""
        if self._interfaces.pop(name, None) is not None:
            await self.write_rules()
            for command in (["ip", "link", "del", name], ["ip", "netns", "del", name]):
                with suppress(RuntimeError):
                    await run(command)

    async def change(self, network: Network, groups: Callable[[str], tuple[str, ...] | None]) -> None:
        """Take on other security groups; ``groups`` gives those of an interface, or ``None`` to leave them."""
        self._network = network
        for name, interface in self._interfaces.items():
            found = groups(name)
            if found is not None:
                self._interfaces[name] = Interface(
                    link=name, address=interface.address, groups=found, public=interface.public
                )
        await self.write_rules()

    async def write_rules(self) -> None:
        """Write the rules of the security groups; of several who want it at once, one does."""
        self._version += 1
        wanted = self._version
        async with self._written:
            if self._written_version < wanted:
                version = self._version
                await run(["iptables-restore"], security_rules(self._network, list(self._interfaces.values())))
                self._written_version = version

    def _free(self, subnets: Sequence[str]) -> IPv4Address:
        """Choose an address that was not in use before, from the subnets in turn."""
        name = min(subnets, key=lambda each: (self._used(each), subnets.index(each)))
        subnet = self._network.subnets.get(name, self._network.cidr)
        # Subnets that no template declares are all taken to be the whole VPC.
        numbers = self._next.setdefault(str(subnet), count())
        usable = subnet.num_addresses - _RESERVED - 1
        taken = {interface.address for interface in self._interfaces.values()}
        for _ in range(usable):
            address = subnet[_RESERVED + next(numbers) % usable]
            if address not in taken:
                return address
        raise RuntimeError(f"every address of {subnet} is taken")

    def _used(self, name: str) -> int:
        subnet = self._network.subnets.get(name, self._network.cidr)
        return sum(interface.address in subnet for interface in self._interfaces.values())

    async def _link(self, name: str, address: IPv4Address) -> None:
        await run(["ip", "netns", "add", name])
        router = f"""\
link add {name} type veth peer name eth0 netns {name}
link set {name} up
addr add {_ROUTER}/32 dev {name}
route add {address}/32 dev {name}
"""
        task = f"""\
link set lo up
link set eth0 up
addr add {address}/32 dev eth0
route add {_ROUTER} dev eth0
route add default via {_ROUTER}
"""
        await run(["ip", "-batch", "-"], router)
        namespace.forward(name)
        await run(["ip", "-netns", name, "-batch", "-"], task)


def resolver_address(cidr: IPv4Network) -> IPv4Address:
    """Find the address of the resolver of a VPC: the third of its addresses."""
    return cidr[2]


async def run(command: Sequence[str], text: str = "") -> None:
    """Run a command that changes the network, and fail with what it says."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(text.encode())
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said.decode().strip()}\n{text}")
