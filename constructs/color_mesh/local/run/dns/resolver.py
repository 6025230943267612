"""The resolver of the VPC: a DNS server for the names of Cloud Map and of private hosted zones, with a cache.

The argument of its process is the address. Each line of its standard input is a JSON object with all records that it
serves from then on. It listens from the first line on: without records it would answer that the names do not exist, and
Envoys would remove their endpoints.
"""

import asyncio
import json
import math
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

PORT = 53
MAXIMUM_ANSWERS = 8  # AWS Cloud Map API Reference, DnsConfig: MULTIVALUE
# TTL of negative answers (AWS Cloud Map API Reference, CreatePrivateDnsNamespace: SOA).
NEGATIVE_TTL_SECONDS = 15

# Records of a name by type, each with ``ttl``, ``values`` and ``weighted``.
Records = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _CachedAnswer:
    """Answer in the cache.

    Attributes:
        expires: Time until which the answer is used.
        exists: The name exists. ``False`` for a negative answer.
        values: Values of the records.
    """

    expires: float
    exists: bool
    values: tuple[str, ...] = ()


class Resolver:
    """Records and a cache of answers.

    Positive answers are cached for their TTL. Negative answers are cached only for names that existed before: on AWS,
    no client looks up a name before it is declared.

    Args:
        clock: Returns the time in seconds.

    Attributes:
        zones: Names of the zones, the longest first.
        names: Records by name.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.zones: list[str] = []
        self.names: dict[str, Records] = {}
        self._clock = clock
        self._cache: dict[tuple[str, str], _CachedAnswer] = {}
        self._names_seen: set[str] = set()

    def update(self, line: str) -> None:
        """Take over the zones and names of a line of input."""
        records = json.loads(line)
        self.zones, self.names = records["zones"], records["names"]
        self._names_seen.update(self.names)

    def answer(self, query_bytes: bytes) -> bytes | None:
        """Return the response to a query; ``None`` if the message is not a query."""
        try:
            query = dns.message.from_wire(query_bytes)
            question = query.question[0]
        except (dns.exception.DNSException, IndexError):
            return None
        response = dns.message.make_response(query, recursion_available=True)
        name = question.name.to_text(omit_final_dot=True).lower()
        kind, now = dns.rdatatype.to_text(question.rdtype), self._clock()
        cached = self._cache.get((name, kind))
        if cached is None or cached.expires <= now:
            cached = self._cache[name, kind] = self._look_up(name, kind, now)
        if not cached.exists:
            response.set_rcode(dns.rcode.NXDOMAIN)
        zone = next((each for each in self.zones if name == each or name.endswith(f".{each}")), None)
        if cached.values:
            values = random.sample(cached.values, len(cached.values))
            # The difference of floating-point times may exceed the TTL by a rounding error.
            ttl = math.ceil(round(cached.expires - now, 3))
            response.answer.append(dns.rrset.from_text_list(question.name, ttl, "IN", question.rdtype, values))
        elif zone is not None:
            soa = f"ns.{zone}. hostmaster.{zone}. 1 7200 900 1209600 {NEGATIVE_TTL_SECONDS}"
            response.authority.append(dns.rrset.from_text(f"{zone}.", NEGATIVE_TTL_SECONDS, "IN", "SOA", soa))
        return response.to_wire()

    def _look_up(self, name: str, kind: str, now: float) -> _CachedAnswer:
        """Look up the records of a name, and when the answer expires."""
        records = self.names.get(name, {}).get(kind)
        if records is not None and records["values"]:
            maximum = 1 if records["weighted"] else MAXIMUM_ANSWERS
            values = random.sample(records["values"], min(maximum, len(records["values"])))
            return _CachedAnswer(expires=now + records["ttl"], exists=True, values=tuple(values))
        removed = name in self._names_seen and name not in self.names
        return _CachedAnswer(expires=now + NEGATIVE_TTL_SECONDS if removed else now, exists=name in self.names)


class _UdpServer(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The transport of asyncio is not an instance of the class that its documentation names.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        response = self._resolver.answer(data)
        if response is not None:
            self._transport.sendto(response, addr)


async def serve(address: str) -> None:
    """Answer queries by UDP and TCP until standard input ends."""
    resolver = Resolver()
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while length := await reader.readexactly(2):
                response = resolver.answer(await reader.readexactly(int.from_bytes(length, "big")))
                if response is None:
                    break
                writer.write(len(response).to_bytes(2, "big") + response)
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    line = await lines.readline()
    if not line:
        return
    resolver.update(line.decode())
    await asyncio.start_server(connected, address, PORT)
    await loop.create_datagram_endpoint(lambda: _UdpServer(resolver), local_addr=(address, PORT))
    print("ready", flush=True)
    while line := await lines.readline():
        resolver.update(line.decode())


def main() -> None:
    """Serve until the process is ended."""
    asyncio.run(serve(sys.argv[1]))
