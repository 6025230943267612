"""Answers of the resolver."""

import json
import subprocess

import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from color_mesh.local.run.dns.resolver import Resolver
from color_mesh.local.run.interpreter import module_command


class CachingResolver:
    """A resolver of one name with a TTL of 5 seconds, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self._resolver = Resolver(lambda: self.now)

    def set_addresses(self, *addresses: str) -> None:
        """Replace the addresses of the name; without any, the name does not exist."""
        records = {"A": {"ttl": 5, "values": addresses, "weighted": False}}
        self._resolver.update(json.dumps({"zones": ["local"], "names": {"red.local": records} if addresses else {}}))

    def ask(self) -> tuple[list[str], int | None]:
        """Return the addresses and the TTL of the answer."""
        response = self._resolver.answer(dns.message.make_query("red.local", "A").to_wire())
        assert response is not None
        records = dns.message.from_wire(response).answer
        return [address.to_text() for record in records for address in record], next(
            (record.ttl for record in records), None
        )


def ask(name: str, kind: str = "A", values: int = 2, weighted: bool = False) -> dns.message.Message:
    resolver = Resolver()
    addresses = [f"10.0.0.{number}" for number in range(values)]
    names = {"red.colors.local": {"A": {"ttl": 300, "values": addresses, "weighted": weighted}}}
    resolver.zones, resolver.names = ["colors.local"], names
    response = resolver.answer(dns.message.make_query(name, kind).to_wire())
    assert response is not None
    return dns.message.from_wire(response)


def test_answer_has_the_addresses_and_the_ttl() -> None:
    (record,) = ask("red.colors.local").answer
    assert (record.ttl, {each.to_text() for each in record}) == (300, {"10.0.0.0", "10.0.0.1"})


def test_names_are_case_insensitive() -> None:
    assert ask("RED.Colors.local").answer


def test_answer_has_at_most_eight_addresses() -> None:
    (record,) = ask("red.colors.local", values=20).answer
    assert len(record) == 8


def test_answer_of_a_weighted_name_has_one_address() -> None:
    (record,) = ask("red.colors.local", values=20, weighted=True).answer
    assert len(record) == 1


@pytest.mark.parametrize(
    ("name", "kind", "code", "authority"),
    [
        pytest.param("blue.colors.local", "A", dns.rcode.NXDOMAIN, 1, id="unknown"),
        pytest.param("red.colors.local", "AAAA", dns.rcode.NOERROR, 1, id="other-type"),
        pytest.param("example.com", "A", dns.rcode.NXDOMAIN, 0, id="outside"),
    ],
)
def test_missing_record_has_a_negative_answer(name: str, kind: str, code: int, authority: int) -> None:
    response = ask(name, kind)
    assert (response.rcode(), response.answer, len(response.authority)) == (code, [], authority)


def test_answer_is_cached_for_its_ttl() -> None:
    resolver = CachingResolver()
    resolver.set_addresses("10.0.0.4")
    assert resolver.ask() == (["10.0.0.4"], 5)
    resolver.set_addresses("10.0.0.5")
    resolver.now = 4.5
    assert resolver.ask() == (["10.0.0.4"], 1)
    resolver.now = 5.0
    assert resolver.ask() == (["10.0.0.5"], 5)


def test_remaining_ttl_never_exceeds_the_ttl() -> None:
    resolver = CachingResolver()
    resolver.set_addresses("10.0.0.4")
    resolver.now = 3.3  # Adding 5 and subtracting it again leaves a rounding error.
    assert (resolver.now + 5) - resolver.now > 5
    assert resolver.ask() == (["10.0.0.4"], 5)


def test_negative_answer_for_a_removed_name_is_cached() -> None:
    resolver = CachingResolver()
    resolver.set_addresses("10.0.0.4")
    resolver.set_addresses()
    assert resolver.ask() == ([], None)
    resolver.set_addresses("10.0.0.5")
    resolver.now = 14.9
    assert resolver.ask() == ([], None)
    resolver.now = 15.0
    assert resolver.ask() == (["10.0.0.5"], 5)


def test_negative_answer_for_a_new_name_is_not_cached() -> None:
    resolver = CachingResolver()
    resolver.set_addresses()
    assert resolver.ask() == ([], None)
    resolver.set_addresses("10.0.0.4")
    assert resolver.ask() == (["10.0.0.4"], 5)


@pytest.mark.parametrize("query", [b"", b"nonsense", b"\0" * 12], ids=["empty", "nonsense", "no-question"])
def test_invalid_query_is_not_answered(query: bytes) -> None:
    assert Resolver().answer(query) is None


def test_resolver_without_records_does_not_listen() -> None:
    command = module_command("color_mesh.local.run.dns.resolver", "127.88.0.1")
    resolver = subprocess.run(command, input="", check=True, capture_output=True, text=True, timeout=60)
    assert resolver.stdout == ""
