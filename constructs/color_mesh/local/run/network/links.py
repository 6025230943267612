"""Links, addresses and routes of the VPC."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from pyroute2 import AsyncIPRoute, NetlinkError

from color_mesh.local.run.network.network_namespaces import NETWORK_NAMESPACES, inside

# Gateway of every interface: each link of the router has this address.
_ROUTER = "169.254.1.1"
_LOOPBACK_INDEX = 1
_SCOPE_LINK = 253
# Linux: include/uapi/linux/rtnetlink.h, if_link.h and ip.h
_RTM_SETLINK, _NLM_F_REQUEST_ACK, _IFLA_AF_SPEC, _IFLA_INET_CONF, _FORWARDING = 19, 5, 26, 1, 1


class Links:
    """Links of the router, which is this network namespace, to interfaces in other network namespaces."""

    def __init__(self) -> None:
        self._router = AsyncIPRoute()

    async def set_up_router(self, *addresses: IPv4Address) -> None:
        """Set up the loopback interface of the router, with addresses of its own."""
        with _kernel_errors("loopback interface"):
            await self._router.link("set", index=_LOOPBACK_INDEX, state="up")
            for address in addresses:
                await self._router.addr("add", index=_LOOPBACK_INDEX, address=str(address), prefixlen=32)

    async def connect(self, name: str, address: IPv4Address) -> None:
        """Create the interface ``eth0`` in a network namespace, and the router's link to it, of the same name."""
        with _kernel_errors(f"link {name}"):
            link = await self._create_link(name, address)
            enable_forwarding(link)
            with inside(name):
                eth0 = socket.if_nametoindex("eth0")
                interface = AsyncIPRoute()
                interface.fileno()  # Its socket is created when it is first used, and belongs to this namespace.
            async with interface:
                await interface.link("set", index=_LOOPBACK_INDEX, state="up")
                await interface.link("set", index=eth0, state="up")
                await interface.addr("add", index=eth0, address=str(address), prefixlen=32)
                await interface.route("add", dst=f"{_ROUTER}/32", oif=eth0, scope=_SCOPE_LINK)
                await interface.route("add", dst="default", gateway=_ROUTER, oif=eth0)

    async def disconnect(self, name: str) -> None:
        """Remove the router's link to a network namespace."""
        with _kernel_errors(f"link {name}"):
            await self._router.link("del", ifname=name)

    async def _create_link(self, name: str, address: IPv4Address) -> int:
        """Create the router's link to a network namespace, and return its index."""
        with (NETWORK_NAMESPACES / name).open() as namespace:
            peer = {"ifname": "eth0", "net_ns_fd": namespace.fileno()}
            await self._router.link("add", ifname=name, kind="veth", peer=peer)
        link = socket.if_nametoindex(name)
        await self._router.link("set", index=link, state="up")
        await self._router.addr("add", index=link, address=_ROUTER, prefixlen=32)
        await self._router.route("add", dst=f"{address}/32", oif=link, scope=_SCOPE_LINK)
        return link


@contextmanager
def _kernel_errors(subject: str) -> Iterator[None]:
    """Raise errors of netlink as the ``OSError`` of other system calls."""
    try:
        yield
    except NetlinkError as error:
        raise OSError(error.code, os.strerror(error.code), subject) from error


def enable_forwarding(link: int) -> None:
    """Let the router forward packets that it receives from a link.

    By netlink, because ``/proc/sys`` is read-only in many containers; by hand, because pyroute2 only reads the IPv4
    settings of a link.
    """
    option = _attribute(_FORWARDING, struct.pack("I", 1))
    settings = _attribute(_IFLA_AF_SPEC, _attribute(socket.AF_INET, _attribute(_IFLA_INET_CONF, option)))
    body = struct.pack("BxHiII", 0, 0, link, 0, 0) + settings
    header = struct.pack("IHHII", 16 + len(body), _RTM_SETLINK, _NLM_F_REQUEST_ACK, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(header + body)
        (error,) = struct.unpack("i", netlink.recv(4096)[16:20])
    if error:
        raise OSError(-error, os.strerror(-error), f"link {link}")


def _attribute(kind: int, content: bytes) -> bytes:
    return struct.pack("HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)
