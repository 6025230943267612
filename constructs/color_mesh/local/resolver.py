"""The resolver of the VPC: a DNS server that answers the names of Cloud Map.

Run as ``python -m color_mesh.local.resolver ADDRESS``; each line of its input is a JSON object with all that it is to
answer from then on.
"""

import asyncio
import json
import random
import sys
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


class Answers:
    """Hold what is answered.

    Attributes:
        zones: The namespaces.
        names: By name and record type, the seconds that an answer may be kept, its values, and whether one is enough.
    """

    def __init__(self) -> None:
        self.zones: list[str] = []
        self.names: dict[str, dict[str, Names]] = {}

    def update(self, line: str) -> None:
        """Take on what a line of input says."""
        found = json.loads(line)
        self.zones, self.names = found["zones"], found["names"]

    def answer(self, wire: bytes) -> bytes | None:
        """Answer a query; what is no query is not answered."""
        try:
            query = dns.message.from_wire(wire)
            question = query.question[0]
        except (dns.exception.DNSException, IndexError):
            return None
        response = dns.message.make_response(query, recursion_available=True)
        name = question.name.to_text(omit_final_dot=True).lower()
        found = self.names.get(name)
        if found is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        records = (found or {}).get(dns.rdatatype.to_text(question.rdtype))
        zone = next((each for each in self.zones if name == each or name.endswith(f".{each}")), None)
        if records is not None and records["values"]:
            values = random.sample(records["values"], len(records["values"]))
            values = values[: 1 if records["weighted"] else MOST_ANSWERS]
            response.answer.append(
                dns.rrset.from_text_list(question.name, records["ttl"], "IN", question.rdtype, values)
            )
        elif zone is not None:
            soa = f"ns.{zone}. hostmaster.{zone}. 1 7200 900 1209600 {NEGATIVE_SECONDS}"
            response.authority.append(dns.rrset.from_text(f"{zone}.", NEGATIVE_SECONDS, "IN", "SOA", soa))
        return response.to_wire()


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
