"""Parts of the runner by themselves: the resolver's answers, documents for Envoy, rules, overrides, tables."""

import asyncio
import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from color_mesh.appmesh.source import read_source
from color_mesh.ecs.network import ANYWHERE, Network, Rule, SecurityGroup
from color_mesh.ecs.task_definitions import Redirection
from color_mesh.envoy import ServerEndpoints, configure
from color_mesh.local.plan.overrides import with_backends, with_weights
from color_mesh.local.plan.programs import program_of
from color_mesh.local.run.dns.propagation import Propagation
from color_mesh.local.run.dns.resolver import Resolver
from color_mesh.local.run.envoys.discovery_server import REJECTED_AFTER, DiscoveryDocuments, document_name
from color_mesh.local.run.network.iptables_rules import NetworkInterface, redirection_rules, security_group_rules
from color_mesh.local.run.tasks.task_registry import RegisteredTask, TaskRegistry
from color_mesh.model import Mesh, MeshError


def tutorial() -> Mesh:
    """The tutorial's mesh, from its manifests."""
    return read_source([Path(__file__).parent.parent / "manifests"]).meshes[0]


class TestResolver:
    @staticmethod
    def ask(name: str, kind: str = "A", values: int = 2, weighted: bool = False) -> dns.message.Message:
        answers = Resolver()
        addresses = [f"10.0.0.{number}" for number in range(values)]
        names = {"red.colors.local": {"A": {"ttl": 300, "values": addresses, "weighted": weighted}}}
        answers.zones, answers.names = ["colors.local"], names
        wire = answers.answer(dns.message.make_query(name, kind).to_wire())
        assert wire is not None
        return dns.message.from_wire(wire)

    def test_a_name_has_its_addresses_and_how_long_they_may_be_kept(self) -> None:
        (found,) = self.ask("red.colors.local").answer
        assert (found.ttl, {each.to_text() for each in found}) == (300, {"10.0.0.0", "10.0.0.1"})

    def test_case_does_not_matter(self) -> None:
        assert self.ask("RED.Colors.local").answer

    def test_an_answer_has_eight_at_most(self) -> None:
        (found,) = self.ask("red.colors.local", values=20).answer
        assert len(found) == 8

    def test_a_weighted_answer_has_one(self) -> None:
        (found,) = self.ask("red.colors.local", values=20, weighted=True).answer
        assert len(found) == 1

    @pytest.mark.parametrize(
        ("name", "kind", "code", "authority"),
        [
            pytest.param("blue.colors.local", "A", dns.rcode.NXDOMAIN, 1, id="unknown"),
            pytest.param("red.colors.local", "AAAA", dns.rcode.NOERROR, 1, id="other-type"),
            pytest.param("example.com", "A", dns.rcode.NXDOMAIN, 0, id="outside"),
        ],
    )
    def test_what_is_not_there_is_not_there(self, name: str, kind: str, code: int, authority: int) -> None:
        found = self.ask(name, kind)
        assert (found.rcode(), found.answer, len(found.authority)) == (code, [], authority)

    def test_an_answer_is_kept_for_as_long_as_it_may_be(self) -> None:
        kept = KeptAnswers()
        kept.tell("10.0.0.4")
        assert kept.ask() == (["10.0.0.4"], 5)
        kept.tell("10.0.0.5")
        kept.now = 4.5
        assert kept.ask() == (["10.0.0.4"], 1)
        kept.now = 5.0
        assert kept.ask() == (["10.0.0.5"], 5)

    def test_what_is_left_is_never_more_than_it_may_be(self) -> None:
        kept = KeptAnswers()
        kept.tell("10.0.0.4")
        kept.now = 3.3  # to which 5 can be added, and taken away again, only with a rest
        assert (kept.now + 5) - kept.now > 5
        assert kept.ask() == (["10.0.0.4"], 5)

    def test_that_a_name_is_gone_is_kept_too(self) -> None:
        kept = KeptAnswers()
        kept.tell("10.0.0.4")
        kept.tell()
        assert kept.ask() == ([], None)
        kept.tell("10.0.0.5")
        kept.now = 14.9
        assert kept.ask() == ([], None)
        kept.now = 15.0
        assert kept.ask() == (["10.0.0.5"], 5)

    def test_that_a_name_was_never_there_is_not(self) -> None:
        kept = KeptAnswers()
        kept.tell()
        assert kept.ask() == ([], None)
        kept.tell("10.0.0.4")
        assert kept.ask() == (["10.0.0.4"], 5)

    @pytest.mark.parametrize("wire", [b"", b"nonsense", b"\0" * 12], ids=["empty", "nonsense", "no-question"])
    def test_what_is_no_query_is_not_answered(self, wire: bytes) -> None:
        assert Resolver().answer(wire) is None


class KeptAnswers:
    """A resolver of one name, for which answers may be kept for 5 seconds, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self._answers = Resolver(lambda: self.now)

    def tell(self, *addresses: str) -> None:
        """Say where the name is, or that it is nowhere."""
        records = {"A": {"ttl": 5, "values": addresses, "weighted": False}}
        self._answers.update(json.dumps({"zones": ["local"], "names": {"red.local": records} if addresses else {}}))

    def ask(self) -> tuple[list[str], int | None]:
        """The addresses, and for how long they may be kept."""
        wire = self._answers.answer(dns.message.make_query("red.local", "A").to_wire())
        assert wire is not None
        found = dns.message.from_wire(wire).answer
        return [address.to_text() for each in found for address in each], next((each.ttl for each in found), None)


class TestPropagation:
    RED = RegisteredTask(id="red", address=IPv4Address("10.0.0.4"))
    BLUE = RegisteredTask(id="blue", address=IPv4Address("10.0.0.5"))

    @pytest.fixture
    def registry(self) -> TaskRegistry:
        return TaskRegistry(lambda: None)

    def test_the_first_task_of_a_name_is_there_at_once(self, registry: TaskRegistry) -> None:
        names = Propagation(registry, 7, lambda: 0.0)
        names.update(["names"])
        assert (names.tasks_of("names"), names.seconds_until_change()) == ((), None)
        registry.register("names", self.RED)
        names.update(["names"])
        assert (names.tasks_of("names"), names.seconds_until_change()) == ((self.RED,), None)

    def test_every_change_of_it_comes_later(self, registry: TaskRegistry) -> None:
        now = [0.0]
        names = Propagation(registry, 7, lambda: now[0])
        registry.register("names", self.RED)
        names.update(["names"])
        registry.register("names", self.BLUE)
        names.update(["names"])
        now[0] = 2.0
        registry.deregister("red")
        names.update(["names"])
        assert (names.tasks_of("names"), names.seconds_until_change()) == ((self.RED,), 5.0)
        now[0] = 7.0
        names.update(["names"])
        assert (names.tasks_of("names"), names.seconds_until_change()) == ((self.RED, self.BLUE), 2.0)
        now[0] = 9.0
        names.update(["names"])
        assert (names.tasks_of("names"), names.seconds_until_change()) == ((self.BLUE,), None)


class TestFeed:
    def test_envoy_is_answered_when_there_is_another_version(self) -> None:
        async def run() -> list[Any]:
            feed = DiscoveryDocuments(lambda _: None)
            await feed.put({"cds.json": {"resources": [1]}})
            first = await feed.respond("cds.json", "")
            waiting = asyncio.ensure_future(feed.respond("cds.json", first["version_info"]))
            await asyncio.sleep(0.01)
            assert not waiting.done()
            assert await feed.wait_until_accepted("cds.json", 0)
            await feed.put({"cds.json": {"resources": [1]}})
            await asyncio.sleep(0.01)
            assert not waiting.done()
            await feed.put({"cds.json": {"resources": [2]}})
            return [first, await waiting]

        assert asyncio.run(run()) == [
            {"version_info": "1", "resources": [1]},
            {"version_info": "2", "resources": [2]},
        ]

    def test_a_document_that_envoy_does_not_take_is_told_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("color_mesh.local.run.envoys.discovery_server.RETRY_SECONDS", 0)
        refused: list[str] = []

        async def run() -> None:
            feed = DiscoveryDocuments(refused.append)
            await feed.put({"lds.json": {"resources": []}})
            for _ in range(REJECTED_AFTER + 5):
                await feed.respond("lds.json", "")
            assert not await feed.wait_until_accepted("lds.json", 0)

        asyncio.run(run())
        assert refused == ["lds.json"]

    @pytest.mark.parametrize(
        ("path", "names", "document"),
        [
            ("/v3/discovery:listeners", [], "lds.json"),
            ("/v3/discovery:clusters", None, "cds.json"),
            ("/v3/discovery:routes", ["r"], "rds/r.json"),
            ("/v3/discovery:endpoints", ["c"], "eds/c.json"),
            ("/v3/discovery:secrets", ["s"], None),
        ],
    )
    def test_each_resource_has_its_document(self, path: str, names: Any, document: str | None) -> None:
        assert document_name(path, {"resource_names": names}) == document


def test_all_that_may_change_comes_from_the_server() -> None:
    mesh = tutorial()
    made = configure(mesh, mesh.node("red"), endpoints=ServerEndpoints(socket="/run/x.sock"))
    assert set(made.files) == {
        "cds.json",
        "lds.json",
        "rds/rds_ingress_http_80.json",
        "rds/rds_egress_http_80.json",
        "eds/cds_egress_color-mesh_green_http_80.json",
        "eds/cds_egress_color-mesh_yellow_http_80.json",
    }
    (server,) = made.bootstrap["static_resources"]["clusters"]
    assert server["load_assignment"]["endpoints"] == [
        {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": "/run/x.sock"}}}}]}
    ]


class TestFirewall:
    A = NetworkInterface(link="a", address=IPv4Address("10.0.0.4"), groups=("x",))
    B = NetworkInterface(link="b", address=IPv4Address("10.0.0.5"), groups=("y",), public=True)

    @staticmethod
    def rules(*interfaces: NetworkInterface, **groups: SecurityGroup) -> list[str]:
        network = Network(cidr=IPv4Network("10.0.0.0/16"), groups=groups)
        return [line for line in security_group_rules(network, interfaces).splitlines() if line.startswith("-A")]

    def test_groups_let_in_members_of_groups_and_addresses(self) -> None:
        y = SecurityGroup(
            key="y",
            name="y",
            ingress=(
                Rule(protocol="tcp", first_port=80, last_port=81, group="x"),
                Rule(protocol="udp", first_port=53, last_port=53, cidr=IPv4Network("192.0.2.0/24")),
                Rule(protocol="all", cidr=IPv4Network("192.0.2.7/32")),
            ),
            egress=(Rule(protocol="tcp", first_port=443, last_port=443, cidr=ANYWHERE),),
        )
        x = SecurityGroup(key="x", name="x", egress=(Rule(protocol="all", cidr=ANYWHERE),))
        rules = self.rules(self.A, self.B, x=x, y=y)
        assert rules[-5:] == [
            "-A group0-out -d 0.0.0.0/0 -j MARK --set-mark 0x1",
            "-A group1-in -s 10.0.0.4/32 -p tcp --dport 80:81 -j ACCEPT",
            "-A group1-in -s 192.0.2.0/24 -p udp --dport 53:53 -j ACCEPT",
            "-A group1-in -s 192.0.2.7/32 -j ACCEPT",
            "-A group1-out -d 0.0.0.0/0 -p tcp --dport 443:443 -j MARK --set-mark 0x1",
        ]

    def test_the_internet_reaches_public_interfaces_alone(self) -> None:
        found = [rule for rule in self.rules(self.A, self.B) if "-i internet" in rule]
        assert found == ["-A FORWARD -i internet -o b -j MARK --set-mark 0x1"]

    def test_groups_that_nobody_declares_let_everything_through(self) -> None:
        assert "-A FORWARD -o a -j ACCEPT" in self.rules(self.A)

    def test_the_redirection_is_that_of_the_cni_plugin(self) -> None:
        redirection = Redirection(
            app_ports=(80, 8080),
            ingress_port=15000,
            egress_port=15001,
            ignored_uid=1337,
            ignored_gid=1338,
            ignored_ports=(22, 3306),
            ignored_ips=("169.254.170.2", "10.9.0.0/16"),
        )
        assert redirection_rules(redirection).splitlines() == [
            "*nat",
            ":APPMESH_INGRESS - [0:0]",
            "-A APPMESH_INGRESS -p tcp -m multiport --dports 80,8080 -j REDIRECT --to-port 15000",
            "-A PREROUTING -p tcp -m addrtype ! --src-type LOCAL -j APPMESH_INGRESS",
            ":APPMESH_EGRESS - [0:0]",
            "-A APPMESH_EGRESS -m owner --uid-owner 1337 -j RETURN",
            "-A APPMESH_EGRESS -m owner --gid-owner 1338 -j RETURN",
            "-A APPMESH_EGRESS -p tcp -m multiport --dports 22,3306 -j RETURN",
            "-A APPMESH_EGRESS -p tcp -d 169.254.170.2 -j RETURN",
            "-A APPMESH_EGRESS -p tcp -d 10.9.0.0/16 -j RETURN",
            "-A APPMESH_EGRESS -p tcp -j REDIRECT --to 15001",
            "-A OUTPUT -p tcp -m addrtype ! --dst-type LOCAL -j APPMESH_EGRESS",
            "COMMIT",
        ]

    def test_what_comes_in_may_be_left_alone(self) -> None:
        rules = redirection_rules(Redirection(egress_port=15001, ignored_gid=1))
        assert "APPMESH_INGRESS" not in rules


class TestOverrides:
    @staticmethod
    def weights(mesh: Mesh) -> dict[str, tuple[int, int | None]]:
        (route,) = mesh.router("color-router").routes
        return {target.virtual_node: (target.weight, target.port) for target in route.targets}

    def test_a_route_has_other_targets_at_the_same_port(self) -> None:
        assert self.weights(with_weights(tutorial(), "color-route", {"blue": 3, "yellow": 0})) == {
            "blue": (3, 80),
            "yellow": (0, 80),
        }

    def test_a_node_has_other_backends_by_their_first_labels(self) -> None:
        changed = with_backends(tutorial(), "red", ["router", "blue.colors.local"])
        assert [each.virtual_service for each in changed.node("red").backends] == [
            "router.colors.local",
            "blue.colors.local",
        ]
        assert with_backends(tutorial(), "red", []).node("red").backends == ()

    def test_what_is_not_there_is_refused(self) -> None:
        with pytest.raises(MeshError, match=r"^set route: unknown route, got 'r' \(known: color-route\)$"):
            with_weights(tutorial(), "r", {"blue": 1})
        with pytest.raises(MeshError, match="^set route color-route: names no target, got None"):
            with_weights(tutorial(), "color-route", {})
        with pytest.raises(MeshError, match="^set node: unknown virtual node, got 'rad'"):
            with_backends(tutorial(), "rad", [])
        with pytest.raises(MeshError, match="^set node: unknown virtual service, got 'green'"):
            with_backends(tutorial(), "red", ["green"])


class TestImages:
    @pytest.mark.parametrize(
        "image",
        [
            "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.27.0.0-prod",
            "envoyproxy/envoy:v1.38.0",
            "envoyproxy/envoy-distroless@sha256:0123",
            "registry:5000/team/envoy",
            "envoy",
        ],
    )
    def test_image_of_envoy_runs_the_installed_envoy(self, image: str) -> None:
        program = program_of(image, {})
        assert program is not None
        assert (program.envoy, program.command) == (True, ("envoy",))

    @pytest.mark.parametrize("image", ["envoyproxy/ratelimit", "example/envoy-exporter", "nginx", "colorapp"])
    def test_other_image_has_no_program(self, image: str) -> None:
        assert program_of(image, {}) is None

    @pytest.mark.parametrize("name", ["a/b:1", "a/b", "b"])
    def test_command_is_looked_up_by_any_name_of_the_image(self, name: str) -> None:
        program = program_of("a/b:1", {name: ("true",)})
        assert program is not None
        assert (program.envoy, program.command) == (False, ("true",))


def test_a_task_is_registered_until_it_is_removed() -> None:
    changes: list[None] = []
    registry = TaskRegistry(lambda: changes.append(None))
    entry = RegisteredTask(id="t", address=IPv4Address("10.0.0.4"), port=80)
    registry.register("names", entry)
    registry.register("targets", entry)
    assert registry.tasks_of("names") == registry.tasks_of("targets") == (entry,)
    registry.deregister("t")
    assert (registry.tasks_of("names"), registry.tasks_of("nothing"), len(changes)) == ((), (), 3)
