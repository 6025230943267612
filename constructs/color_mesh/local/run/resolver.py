"""The resolver of the VPC: a DNS server that answers the names of Cloud Map, and keeps what it has answered.

Run as ``python -m color_mesh.local.run.resolver ADDRESS``; each line of its input is a JSON object with all it is to
answer from then on.
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
MOST_ANSWERS = 8  # AWS Cloud Map API Reference, DnsConfig: MULTIVALUE
# AWS Cloud Map API Reference, CreatePrivateDnsNamespace: how long it may be kept that a name is not there.
NEGATIVE_SECONDS = 15

Names = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """An answer, which is given again until its time has come."""

    until: float
    exists: bool
    values: tuple[str, ...] = ()


class Answers:
    """Hold what is answered.

    An answer is kept for as long as it may be, and so is that a name is not there, once it has been there: nobody has
    asked before for what has only just been declared.

    Args:
        clock: Tells the time in seconds.

    Attributes:
        zones: The namespaces.
        names: By name and record type, the seconds that an answer may be kept, its values, and whether one is enough.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.zones: list[str] = []
        self.names: dict[str, dict[str, Names]] = {}
        self._clock = clock
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._been_there: set[str] = set()

    def update(self, line: str) -> None:
        """Take on what a line of input says."""
        found = json.loads(line)
        self.zones, self.names = found["zones"], found["names"]
        self._been_there.update(self.names)

    def answer(self, wire: bytes) -> bytes | None:
        """Answer a query; what is no query is not answered."""
        try:
            query = dns.message.from_wire(wire)
            question = query.question[0]
        except (dns.exception.DNSException, IndexError):
            return None
        response = dns.message.make_response(query, recursion_available=True)
        name = question.name.to_text(omit_final_dot=True).lower()
        kind, now = dns.rdatatype.to_text(question.rdtype), self._clock()
        found = self._kept.get((name, kind))
        if found is None or found.until <= now:
            found = self._kept[name, kind] = self._look_up(name, kind, now)
        if not found.exists:
            response.set_rcode(dns.rcode.NXDOMAIN)
        zone = next((each for each in self.zones if name == each or name.endswith(f".{each}")), None)
        if found.values:
            values = random.sample(found.values, len(found.values))
            # Adding and taking away again may leave a bit more than there was.
            left = math.ceil(round(found.until - now, 3))
            response.answer.append(dns.rrset.from_text_list(question.name, left, "IN", question.rdtype, values))
        elif zone is not None:
            soa = f"ns.{zone}. hostmaster.{zone}. 1 7200 900 1209600 {NEGATIVE_SECONDS}"
            response.authority.append(dns.rrset.from_text(f"{zone}.", NEGATIVE_SECONDS, "IN", "SOA", soa))
        return response.to_wire()

    def _look_up(self, name: str, kind: str, now: float) -> _Kept:
        """Find what there is to answer now, and until when it is kept."""
        records = self.names.get(name, {}).get(kind)
        if records is not None and records["values"]:
            most = 1 if records["weighted"] else MOST_ANSWERS
            values = random.sample(records["values"], min(most, len(records["values"])))
            return _Kept(until=now + records["ttl"], exists=True, values=tuple(values))
        gone = name in self._been_there and name not in self.names
        return _Kept(until=now + NEGATIVE_SECONDS if gone else now, exists=name in self.names)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Asyncio's own is not of the class that its documentation names.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        answer = self._answers.answer(data)
        if answer is not None:
            self._transport.sendto(answer, addr)


async def serve(address: str) -> None:
    """Answer until the input ends."""
    answers = Answers()
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while length := await reader.readexactly(2):
                answer = answers.answer(await reader.readexactly(int.from_bytes(length, "big")))
                if answer is None:
                    break
                writer.write(len(answer).to_bytes(2, "big") + answer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    await asyncio.start_server(connected, address, PORT)
    await loop.create_datagram_endpoint(lambda: _Datagrams(answers), local_addr=(address, PORT))
    print("ready", flush=True)
    while line := await lines.readline():
        answers.update(line.decode())


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
