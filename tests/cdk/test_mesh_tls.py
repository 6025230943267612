"""TLS of all connections of a mesh, as one argument: what each Envoy has in its task definition."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Annotations, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Annotations as Found
from aws_cdk.assertions import Match

from color_mesh import (
    ClientTls,
    ListenerTls,
    MeshError,
    MeshGateway,
    MeshNode,
    MeshTls,
    ServiceMesh,
    TlsCertificate,
    TlsTrust,
    TlsValidation,
)
from color_mesh.model import AcmCertificate, AcmTrust, Listener, SecretsManagerCertificate
from color_mesh.model.deployment import DataPlaneName
from tests.support.cloudformation import Template, container, only

TASK = "AWS::ECS::TaskDefinition"
NODE = "AWS::AppMesh::VirtualNode"
TRUST = TlsTrust.file("/tls/ca.pem")
Shop = Callable[..., ServiceMesh]


def certificate_of(name: str, dns_name: str) -> Any:
    return TlsCertificate.file(f"/tls/{dns_name}.pem", f"/tls/{name}.key")


def mesh_tls(**changes: Any) -> MeshTls:
    return MeshTls(**{"trust": TRUST, "certificate_of": certificate_of, **changes})


@pytest.fixture
def shop(stack: Stack, vpc: ec2.IVpc) -> Shop:
    def shop(tls: MeshTls | None, data_plane: DataPlaneName = "envoy") -> ServiceMesh:
        return ServiceMesh(
            stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", tls=tls, data_plane=data_plane
        )

    return shop


def implement(part: MeshNode | MeshGateway, cluster: ecs.Cluster) -> None:
    if isinstance(part, MeshGateway):
        part.implement(part, "Task", cluster=cluster, family=part.name)
    else:
        image = ecs.ContainerImage.from_registry("shop/app:1")
        part.implement(part, "Task", cluster=cluster, image=image, family=part.name, app_address="127.0.0.1")


def bootstrap(template: Template, family: str, name: str = "envoy-sidecar") -> Any:
    envoy = container(only(template, TASK, Family=family), name)
    return json.loads(" ".join(envoy["Command"]))["static_resources"]


def inbound(template: Template, family: str) -> list[Any]:
    """Return the filter chains of the first listener for other tasks."""
    (listener,) = (
        each
        for each in bootstrap(template, family)["listeners"]
        if each["address"]["socket_address"]["port_value"] == 15100
    )
    return list(listener["filter_chains"])


def files(context: Any) -> list[str]:
    """Return the paths in a TLS context."""
    return sorted(re.findall(r"/tls/[^\"]+", json.dumps(context)))


def upstream(template: Template, family: str, callee: str, name: str = "envoy-sidecar") -> Any:
    (cluster,) = (
        each
        for each in bootstrap(template, family, name)["clusters"]
        if each["name"].startswith(f"cds_egress_shop_{callee}_")
    )
    return cluster.get("transport_socket")


def admitted(chain: Any) -> list[str]:
    """Return the names that the HTTP filter of a chain admits."""
    filters = chain["filters"][0]["typed_config"]["http_filters"]
    (rbac,) = (each["typed_config"] for each in filters if each["name"] == "envoy.filters.http.rbac")
    policies = (rbac.get("rules") or rbac["shadow_rules"])["policies"]
    principals = [each for policy in policies.values() for each in policy["principals"]]
    return [each["custom"]["typed_config"]["san_matcher"]["matcher"]["exact"] for each in principals]


def test_connections_of_nodes_and_gateways_have_mutual_tls(
    stack: Stack, shop: Shop, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    mesh = shop(mesh_tls())
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", cloud_map_name="carts")
    orders = MeshNode(stack, "Orders", mesh=mesh, name="orders", port=81, backends=[cart])
    report = MeshNode(stack, "Report", mesh=mesh, name="report", listeners=[], virtual_service=False, backends=[cart])
    cart.connect_to(orders)
    gateway = MeshGateway(stack, "Entry", mesh=mesh, name="entry")
    gateway.add_route("All", to=cart)
    for part in (cart, orders, report, gateway):
        implement(part, cluster)
    synthesized = template()
    (chain,) = inbound(synthesized, "cart")
    context = chain["transport_socket"]["typed_config"]
    assert context["require_client_certificate"]
    assert files(context) == ["/tls/ca.pem", "/tls/cart.key", "/tls/carts.tasks.shop.local.pem"]
    names = {
        "orders": "orders.tasks.shop.local",
        "report": "report.tasks.shop.local",
        "entry": "entry.tasks.shop.local",
    }
    assert admitted(chain) == sorted(names.values())
    for name, dns_name in names.items():
        socket = upstream(synthesized, name, "cart", "envoy-proxy" if name == "entry" else "envoy-sidecar")
        assert files(socket) == ["/tls/ca.pem", f"/tls/{name}.key", f"/tls/{dns_name}.pem"]
        assert '"exact": "carts.tasks.shop.local"' in json.dumps(socket)
    assert admitted(inbound(synthesized, "orders")[0]) == ["carts.tasks.shop.local"]
    assert files(upstream(synthesized, "cart", "orders")) == files(context)


def test_clients_of_a_gateway_need_no_tls(
    stack: Stack, shop: Shop, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    gateway = MeshGateway(stack, "Entry", mesh=shop(mesh_tls()), name="entry")
    implement(gateway, cluster)
    for listener in bootstrap(template(), "entry", "envoy-proxy")["listeners"]:
        assert all("transport_socket" not in chain for chain in listener["filter_chains"])


def test_function_is_asked_once_for_each_certificate(stack: Stack, shop: Shop) -> None:
    asked: list[tuple[str, str]] = []

    def certificate(name: str, dns_name: str) -> Any:
        asked.append((name, dns_name))
        return certificate_of(name, dns_name)

    mesh = shop(mesh_tls(certificate_of=certificate))
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", listeners=[Listener(port=80), Listener(port=81)])
    MeshNode(stack, "Database", mesh=mesh, name="database", port=5432, protocol="tcp", hostname="db.example.com")
    stock = MeshNode.from_attributes(stack, "Stock", mesh=mesh, name="stock", security_group=cart.security_group)
    cart.connect_to(stock)
    MeshGateway(stack, "Entry", mesh=mesh, name="entry")
    assert asked == [("cart", "cart.tasks.shop.local"), ("entry", "entry.tasks.shop.local")]


def test_workload_outside_the_mesh_is_called_without_tls(
    stack: Stack, shop: Shop, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    mesh = shop(mesh_tls())
    database = MeshNode(
        stack, "Database", mesh=mesh, name="database", port=5432, protocol="tcp", hostname="db.example.com"
    )
    implement(MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[database]), cluster)
    assert upstream(template(), "cart", "database") is None


def test_node_with_tls_of_its_own_has_it_instead(
    stack: Stack, shop: Shop, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    mesh = shop(mesh_tls())
    own = TlsCertificate.file("/own/chain.pem", "/own/key.pem")
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", tls=ListenerTls(mode="DISABLED", certificate=own))
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", port=81, tls=ListenerTls(certificate=own))
    client_tls = ClientTls(validation=TlsValidation(trust=TlsTrust.file("/own/ca.pem")))
    plain = MeshNode(stack, "Plain", mesh=mesh, name="plain", port=82, client_tls=client_tls, backends=[stock])
    orders = MeshNode(stack, "Orders", mesh=mesh, name="orders", port=83, backends=[cart, stock])
    for part in (cart, stock, plain, orders):
        implement(part, cluster)
    synthesized = template()
    assert "transport_socket" not in inbound(synthesized, "cart")[0]
    assert "rbac" not in json.dumps([inbound(synthesized, "cart"), inbound(synthesized, "stock")])
    assert "/own/chain.pem" in json.dumps(inbound(synthesized, "stock"))
    assert upstream(synthesized, "orders", "cart") is None
    assert "/tls/orders.key" in json.dumps(upstream(synthesized, "orders", "stock"))
    assert "/tls/" not in json.dumps(upstream(synthesized, "plain", "stock"))


def test_callers_of_other_apps_are_admitted_by_name(
    stack: Stack, shop: Shop, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    mesh = shop(mesh_tls())
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    stock = MeshNode.from_attributes(
        stack, "Stock", mesh=mesh, name="stock", port=81, cloud_map_name="stocks", security_group=cart.security_group
    )
    cart.connect_to(stock)
    cart.admit(stock, "entry.tasks.shop.local")
    cart.admit("spiffe://billing/worker")
    implement(cart, cluster)
    synthesized = template()
    assert admitted(inbound(synthesized, "cart")[0]) == [
        "entry.tasks.shop.local",
        "spiffe://billing/worker",
        "stocks.tasks.shop.local",
    ]
    assert '"exact": "stocks.tasks.shop.local"' in json.dumps(upstream(synthesized, "cart", "stock"))


def test_listeners_have_tls_before_callers_use_it(
    stack: Stack, shop: Shop, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    mesh = shop(mesh_tls(mode="PERMISSIVE", callers="plaintext"))
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    orders = MeshNode(stack, "Orders", mesh=mesh, name="orders", port=81, backends=[cart])
    for part in (cart, orders):
        implement(part, cluster)
    synthesized = template()
    encrypted, plaintext = inbound(synthesized, "cart")
    assert files(encrypted["transport_socket"]) == ["/tls/ca.pem", "/tls/cart.key", "/tls/cart.tasks.shop.local.pem"]
    assert "transport_socket" not in plaintext
    assert admitted(encrypted) == admitted(plaintext) == ["orders.tasks.shop.local"]
    assert upstream(synthesized, "orders", "cart") is None


def test_without_client_certificates_every_caller_is_admitted(
    stack: Stack, shop: Shop, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    mesh = shop(mesh_tls(client_certificates=False))
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    orders = MeshNode(stack, "Orders", mesh=mesh, name="orders", port=81, backends=[cart])
    for part in (cart, orders):
        implement(part, cluster)
    synthesized = template()
    assert "rbac" not in json.dumps(inbound(synthesized, "cart"))
    assert files(upstream(synthesized, "orders", "cart")) == ["/tls/ca.pem"]


def test_app_mesh_has_the_tls_of_the_mesh(stack: Stack, shop: Shop, template: Callable[[], Template]) -> None:
    mesh = shop(mesh_tls(), "app-mesh")
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    MeshNode(stack, "Orders", mesh=mesh, name="orders").connect_to(cart)
    synthesized = template()
    callee, caller = (only(synthesized, NODE, VirtualNodeName=name)["Spec"] for name in ("cart", "orders"))
    assert callee["Listeners"][0]["TLS"]["Mode"] == "STRICT"
    assert caller["BackendDefaults"]["ClientPolicy"]["TLS"]["Enforce"] is False
    # A policy that applies to no connection is a finding.
    assert "BackendDefaults" not in callee


def test_mesh_of_another_app_takes_the_same_argument(stack: Stack, vpc: ec2.IVpc) -> None:
    mesh = ServiceMesh.from_attributes(
        stack,
        "Mesh",
        mesh_name="shop",
        vpc=vpc,
        namespace=imported_namespace(stack),
        zone=imported_zone(stack),
        security_group=ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-mesh"),
        tls=mesh_tls(),
    )
    node = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    assert mesh.model.node(node.name).listeners[0].tls == mesh_tls().listener_tls(
        certificate_of("cart", "cart.tasks.shop.local")
    )


def imported_namespace(stack: Stack) -> Any:
    return servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
        stack, "Namespace", namespace_name="tasks.shop.local", namespace_id="ns-shop", namespace_arn="arn:aws:ns"
    )


def imported_zone(stack: Stack) -> Any:
    return route53.PrivateHostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z1", zone_name="shop.local"
    )


AUTHORITY = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/one"
ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/one"
ARN_OF_SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:one-a1B2c3"
ENTRY, ORDERS = "virtual gateway 'entry'", "virtual node 'orders'"


def one_certificate(name: str, dns_name: str) -> AcmCertificate:
    return AcmCertificate(arn=ARN)


class TestSharedCertificates:
    """Two nodes and a gateway, whose certificates may stand for each other."""

    def warnings(self, stack: Stack, mesh: ServiceMesh) -> list[str]:
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        MeshNode(stack, "Orders", mesh=mesh, name="orders", port=81, backends=[cart])
        MeshGateway(stack, "Entry", mesh=mesh, name="entry").add_route("All", to=cart)
        found = Found.from_stack(stack).find_warning(
            "*", Match.string_like_regexp(re.escape("[ack: color-mesh:shared-certificate]"))
        )
        return [str(each.entry.data).rpartition(" [")[0] for each in found]

    def warning(self, shown: str, *parts: str) -> str:
        each = f"a certificate for each of {', '.join(parts)}, with its own name only"
        return f"mesh 'shop': nodes cannot tell apart callers with one certificate, got {shown} ({each})"

    @pytest.mark.parametrize("shared", [AcmCertificate(arn=ARN), SecretsManagerCertificate(secret_arn=ARN_OF_SECRET)])
    def test_certificate_of_two_parts_is_warned_of(self, stack: Stack, shop: Shop, shared: Any) -> None:
        own = certificate_of("cart", "cart")
        mesh = shop(mesh_tls(certificate_of=lambda name, dns_name: own if name == "cart" else shared))
        arn = ARN if isinstance(shared, AcmCertificate) else ARN_OF_SECRET
        assert self.warnings(stack, mesh) == [self.warning(f"'{arn}'", ENTRY, ORDERS)]

    def test_certificate_with_the_names_of_others_is_warned_of(self, stack: Stack, shop: Shop) -> None:
        def certificate(name: str, dns_name: str) -> Any:
            certificate = acm.Certificate(
                stack,
                f"{name}Certificate",
                domain_name="*.tasks.shop.local" if name == "cart" else dns_name,
                subject_alternative_names=["ORDERS.tasks.shop.local"] if name == "entry" else None,
            )
            return TlsCertificate.acm(certificate)

        assert self.warnings(stack, shop(mesh_tls(certificate_of=certificate))) == [
            self.warning("('*.tasks.shop.local',)", ENTRY, "virtual node 'cart'", ORDERS),
            self.warning("('entry.tasks.shop.local', 'ORDERS.tasks.shop.local')", ENTRY, ORDERS),
        ]

    @pytest.mark.parametrize(
        ("tls", "data_plane"),
        [
            # Another file, and another secret of SDS, may be in each task.
            (mesh_tls(certificate_of=lambda name, dns_name: TlsCertificate.file("/a", "/b")), "envoy"),
            (mesh_tls(certificate_of=lambda name, dns_name: TlsCertificate.sds("a")), "envoy"),
            (mesh_tls(certificate_of=lambda name, dns_name: AcmCertificate(arn=f"{ARN}-{name}")), "envoy"),
            (
                mesh_tls(certificate_of=one_certificate, client_certificates=False),
                "envoy",
            ),
            (
                mesh_tls(
                    certificate_of=one_certificate,
                    trust=AcmTrust(certificate_authority_arns=(AUTHORITY,)),
                    client_certificates=False,
                ),
                "app-mesh",
            ),
        ],
        ids=["file", "sds", "each-its-own", "no-client-certificates", "app-mesh"],
    )
    def test_no_warning(self, stack: Stack, shop: Shop, tls: MeshTls, data_plane: DataPlaneName) -> None:
        assert self.warnings(stack, shop(tls, data_plane)) == []

    def test_warning_can_be_acknowledged(self, stack: Stack, shop: Shop) -> None:
        mesh = shop(mesh_tls(certificate_of=one_certificate))
        Annotations.of(mesh).acknowledge_warning("color-mesh:shared-certificate", "They trust each other.")
        assert self.warnings(stack, mesh) == []


class TestQuota:
    @pytest.mark.parametrize(("tasks", "rate"), [(75, None), (76, "5.1"), (750, "50.0")])
    def test_more_exports_than_the_quota_when_all_tasks_start_are_warned_of(
        self, stack: Stack, shop: Shop, cluster: ecs.Cluster, tasks: int, rate: str | None
    ) -> None:
        """Each Envoy asks every 15 seconds on average, until it has its certificate."""
        mesh = shop(mesh_tls(certificate_of=lambda name, dns_name: AcmCertificate(arn=f"{ARN}-{name}")))
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
        image = ecs.ContainerImage.from_registry("shop/app:1")
        cart.implement(cart, "Task", cluster=cluster, image=image, desired_count=tasks, app_address="127.0.0.1")
        found = Found.from_stack(stack).find_warning("*", Match.string_like_regexp("ExportCertificate"))
        assert [str(each.entry.data) for each in found] == [
            (
                "mesh 'shop': Envoys exceed the account's quota of calls of ExportCertificate when all tasks start, "
                f"got '{rate} a second' (at most 5 a second: a longer refresh_interval, or a higher quota) "
                "[ack: color-mesh:export-certificate]"
            )
        ][: rate is not None]


class TestProblems:
    def test_two_parts_with_one_name_in_their_certificates(self, stack: Stack, shop: Shop) -> None:
        mesh = shop(mesh_tls())
        MeshNode(stack, "Cart", mesh=mesh, name="cart", cloud_map_name="entry")
        with pytest.raises(MeshError) as error:
            MeshGateway(stack, "Entry", mesh=mesh, name="Entry")
        assert str(error.value) == (
            "virtual gateway 'Entry': its certificate has the name of virtual node 'cart', "
            "got 'Entry.tasks.shop.local' (rename one of them: nodes admit callers by this name)"
        )

    @pytest.mark.parametrize("part", [MeshNode, MeshGateway])
    def test_function_without_a_certificate(
        self, stack: Stack, shop: Shop, part: type[MeshNode] | type[MeshGateway]
    ) -> None:
        mesh = shop(mesh_tls(certificate_of=lambda name, dns_name: None))
        with pytest.raises(MeshError) as error:
            part(stack, "Cart", mesh=mesh, name="cart")
        kind = "node" if part is MeshNode else "gateway"
        assert str(error.value) == (
            f"virtual {kind} 'cart': 'certificate_of' returns no certificate, got None "
            "(return TlsCertificate.acm(...), or another certificate)"
        )
        assert stack.node.try_find_child("Cart") is None

    def test_function_is_asked_for_certificates_of_valid_parts_only(self, stack: Stack, shop: Shop) -> None:
        def certificate(name: str, dns_name: str) -> Any:
            asked.append(name)
            return certificate_of(name, dns_name)

        asked: list[str] = []
        mesh = shop(mesh_tls(certificate_of=certificate))
        own = ListenerTls(certificate=certificate_of("own", "own"))
        cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", tls=own)
        with pytest.raises(MeshError, match="^virtual node 'stock': listener port out of range"):
            MeshNode(stack, "Stock", mesh=mesh, name="stock", port=0)
        with pytest.raises(MeshError, match="virtual node 'a b': name has invalid characters"):
            MeshNode(stack, "Stock", mesh=mesh, name="a b")
        with pytest.raises(MeshError, match="^virtual gateway 'entry': listener port out of range"):
            MeshGateway(stack, "Entry", mesh=mesh, name="entry", port=0)
        with pytest.raises(MeshError, match="duplicate backend"):
            cart.connect_to(*[MeshNode(stack, "Orders", mesh=mesh, name="orders", tls=own)] * 2)
        assert asked == []

    def test_certificate_that_callers_do_not_use_yet(self, stack: Stack, shop: Shop) -> None:
        tls = mesh_tls(
            mode="PERMISSIVE", callers="plaintext", certificate_of=lambda name, dns_name: TlsCertificate.file("", "")
        )
        with pytest.raises(MeshError, match="certificate chain"):
            MeshNode(stack, "Cart", mesh=shop(tls), name="cart")

    @pytest.mark.parametrize(
        ("tls", "data_plane"),
        [(None, "envoy"), (mesh_tls(client_certificates=False), "envoy"), (mesh_tls(), "app-mesh")],
    )
    def test_admitted_name_in_a_mesh_that_admits_everybody(
        self, stack: Stack, shop: Shop, tls: MeshTls | None, data_plane: DataPlaneName
    ) -> None:
        node = MeshNode(stack, "Cart", mesh=shop(tls, data_plane), name="cart")
        with pytest.raises(MeshError, match="mesh does not admit callers by name"):
            node.admit("orders.tasks.shop.local")

    @pytest.mark.parametrize("name", ["", "*.tasks.shop.local", "orders tasks", "spiffe://" + "a" * 300])
    def test_invalid_name(self, stack: Stack, shop: Shop, name: str) -> None:
        node = MeshNode(stack, "Cart", mesh=shop(mesh_tls()), name="cart")
        with pytest.raises(MeshError, match="name of a caller"):
            node.admit(name)

    @pytest.mark.parametrize("changes", [{"mode": "DISABLED"}, {}, {"validation": ("orders.shop.local",)}])
    def test_admitted_name_of_a_node_that_does_not_admit_by_name(
        self, stack: Stack, shop: Shop, changes: dict[str, Any]
    ) -> None:
        if "validation" in changes:
            changes = {"validation": TlsValidation(trust=TRUST, subject_alternative_names=changes["validation"])}
        tls = ListenerTls(certificate=certificate_of("own", "own"), **changes)
        node = MeshNode(stack, "Cart", mesh=shop(mesh_tls()), name="cart", tls=tls)
        with pytest.raises(MeshError, match="has no listener that admits callers by the TLS of the mesh"):
            node.admit("orders.tasks.shop.local")

    def test_name_is_admitted_before_callers_use_tls(self, stack: Stack, shop: Shop) -> None:
        mesh = shop(mesh_tls(mode="PERMISSIVE", callers="plaintext"))
        MeshNode(stack, "Cart", mesh=mesh, name="cart").admit("orders.tasks.shop.local")

    def test_app_mesh_whose_callers_do_not_use_tls_yet(self, shop: Shop) -> None:
        with pytest.raises(MeshError) as error:
            shop(mesh_tls(mode="PERMISSIVE", callers="plaintext"), "app-mesh")
        assert str(error.value) == (
            "mesh 'shop': App Mesh's callers use TLS as soon as listeners have it, got 'plaintext' "
            "(leave it out, or data_plane='envoy')"
        )
