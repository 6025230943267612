"""Gateways with certificates: HTTPS at an application load balancer."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from color_mesh import (
    AcmCertificate,
    FileCertificate,
    FileTrust,
    ListenerTls,
    MeshError,
    MeshGateway,
    ServiceMesh,
    TlsValidation,
)
from color_mesh.cdk import GatewayImplementation
from color_mesh.envoy import Loopback, configure
from color_mesh.model import TlsMode
from color_mesh.model.health_check import Protocol
from tests.support.builders import refusal
from tests.support.cloudformation import Properties, Template, container, only, properties

GROUP = "AWS::EC2::SecurityGroup"
INGRESS = "AWS::EC2::SecurityGroupIngress"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
SERVICE = "AWS::ECS::Service"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/shop"

Implement = Callable[..., GatewayImplementation]


@pytest.fixture
def certificate(stack: Stack) -> acm.ICertificate:
    return acm.Certificate.from_certificate_arn(stack, "Certificate", ARN)


@pytest.fixture
def gateway(stack: Stack, any_mesh: ServiceMesh) -> MeshGateway:
    return MeshGateway(stack, "Gateway", mesh=any_mesh, name="door", port=8080)


@pytest.fixture
def implement(stack: Stack, gateway: MeshGateway, cluster: ecs.Cluster, certificate: acm.ICertificate) -> Implement:
    """Implement a gateway on each data plane, with a certificate."""
    return partial(gateway.implement, stack, "Door", cluster=cluster, certificates=[certificate], family="door")


def listener(template: Template, port: int) -> Properties:
    return only(template, LISTENER, Port=port)


@pytest.mark.parametrize(("exposure", "scheme"), [("internal", "internal"), ("internet", "internet-facing")])
def test_load_balancer_with_certificates_is_for_https(
    exposure: str, scheme: str, implement: Implement, template: Callable[[], Template]
) -> None:
    implement(exposure=exposure, load_balancer_name="door-lb", target_group_name="door-tg")
    synthesized = template()
    balancer = only(synthesized, LOAD_BALANCER)
    assert (balancer["Type"], balancer["Scheme"], balancer["Name"]) == ("application", scheme, "door-lb")
    https = listener(synthesized, 443)
    assert (https["Protocol"], https["Certificates"]) == ("HTTPS", [{"CertificateArn": ARN}])
    assert https["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    group = only(synthesized, TARGET_GROUP)
    assert (group["Protocol"], group["Port"], group["TargetType"], group["Name"]) == ("HTTP", 8080, "ip", "door-tg")
    (target,) = only(synthesized, SERVICE)["LoadBalancers"]
    assert (target["ContainerName"], target["ContainerPort"]) == ("envoy-proxy", 8080)


def test_http_is_redirected_to_https(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    (action,) = listener(template(), 80)["DefaultActions"]
    assert action["RedirectConfig"] == {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}


@pytest.mark.parametrize(("exposure", "clients"), [("internal", "10.7.0.0/16"), ("internet", "0.0.0.0/0")])
def test_clients_reach_the_load_balancer_only_at_its_two_ports(
    exposure: str, clients: str, implement: Implement, template: Callable[[], Template]
) -> None:
    implement(exposure=exposure)
    synthesized = template()
    entry = only(synthesized, GROUP, GroupDescription="Clients of a virtual gateway.")
    assert [(rule["CidrIp"], rule["FromPort"]) for rule in entry["SecurityGroupIngress"]] == [
        (clients, 443),
        (clients, 80),
    ]
    (rule,) = properties(synthesized, INGRESS)
    assert (rule["FromPort"], rule["SourceSecurityGroupId"]["Fn::GetAtt"][0][:-8]) == (8080, "DoorEntrySecurityGroup")
    egress = [each for each in properties(synthesized, "AWS::EC2::SecurityGroupEgress") if each["FromPort"] == 8080]
    assert len(egress) == 1


def test_given_group_of_clients_gets_no_rule_for_clients(
    stack: Stack, implement: Implement, vpc: ec2.IVpc, template: Callable[[], Template]
) -> None:
    clients = ec2.SecurityGroup(stack, "Clients", vpc=vpc, allow_all_outbound=False)
    implement(entry_security_group=clients)
    synthesized = template()
    resource = stack.get_logical_id(clients.node.default_child)  # type: ignore[arg-type]
    assert "SecurityGroupIngress" not in synthesized["Resources"][resource]["Properties"]
    assert [rule["FromPort"] for rule in properties(synthesized, INGRESS)] == [8080]


def test_any_answer_but_a_failure_is_healthy_without_a_path_for_health_checks(
    gateway: MeshGateway, implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    group = only(template(), TARGET_GROUP)
    without_path = gateway.mesh.data_plane.gateway_health_path is None
    assert ("HealthCheckPath" in group, group.get("Matcher")) == (
        (False, {"HttpCode": "200-499"}) if without_path else (True, None)
    )


def test_url_has_the_scheme_https(stack: Stack, implement: Implement) -> None:
    implementation = implement()
    assert implementation.load_balancer is not None
    name = stack.resolve(implementation.load_balancer.load_balancer_dns_name)
    assert stack.resolve(implementation.url) == {"Fn::Join": ["", ["https://", name]]}


def test_parts_of_the_implementation_are_those_for_https(implement: Implement) -> None:
    implementation = implement()
    assert isinstance(implementation.load_balancer, elbv2.ApplicationLoadBalancer)
    assert isinstance(implementation.target_group, elbv2.ApplicationTargetGroup)
    assert isinstance(implementation.listener, elbv2.ApplicationListener)


@pytest.fixture
def envoy_mesh(stack: Stack, vpc: ec2.IVpc) -> ServiceMesh:
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local")


@pytest.mark.parametrize(("given", "hops"), [({}, 1), ({"trusted_hops": 1}, 1), ({"trusted_hops": 0}, 0)])
def test_load_balancer_of_the_gateway_is_a_trusted_hop(
    given: dict[str, int],
    hops: int,
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    certificate: acm.ICertificate,
    template: Callable[[], Template],
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=envoy_mesh, name="door")
    gateway.implement(stack, "Door", cluster=cluster, certificates=[certificate], family="door", **given)  # type: ignore[arg-type]
    model = envoy_mesh.model
    expected = configure(model, model.gateway("door"), interception=Loopback(), trusted_hops=hops)
    command = container(only(template(), "AWS::ECS::TaskDefinition", Family="door"), "envoy-proxy")["Command"]
    assert json.loads(" ".join(command)) == expected.bootstrap


def test_further_trusted_hops_need_a_group_that_admits_them_only(
    stack: Stack, envoy_mesh: ServiceMesh, cluster: ecs.Cluster, certificate: acm.ICertificate
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=envoy_mesh, name="door")
    with pytest.raises(MeshError, match="'trusted_hops' needs an entry_security_group, got 2"):
        gateway.implement(stack, "Door", cluster=cluster, certificates=[certificate], trusted_hops=2)


@pytest.mark.parametrize(
    ("protocol", "version", "path"),
    [
        ("http", "HTTP1", "/.well-known/gateway-health"),
        ("http2", "HTTP2", "/.well-known/gateway-health"),
        ("grpc", "GRPC", None),
    ],
)
def test_protocol_and_health_check_are_those_of_the_gateway(
    protocol: Protocol,
    version: str,
    path: str | None,
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    certificate: acm.ICertificate,
    template: Callable[[], Template],
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=envoy_mesh, name="door", protocol=protocol)
    gateway.implement(stack, "Door", cluster=cluster, certificates=[certificate])
    group = only(template(), TARGET_GROUP)
    assert (group["ProtocolVersion"], group.get("HealthCheckPath")) == (version, path)
    assert (group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"]) == (10, 5)
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "30"} in group["TargetGroupAttributes"]


def test_requests_to_a_gateway_with_tls_have_tls(
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    certificate: acm.ICertificate,
    template: Callable[[], Template],
) -> None:
    own = FileCertificate(certificate_chain="/certificates/chain.pem", private_key="/certificates/key.pem")
    tls = ListenerTls(mode="STRICT", certificate=own)
    gateway = MeshGateway(stack, "Gateway", mesh=envoy_mesh, name="door", port=8443, tls=tls)
    gateway.implement(stack, "Door", cluster=cluster, certificates=[certificate])
    assert only(template(), TARGET_GROUP)["Protocol"] == "HTTPS"


@pytest.mark.parametrize("exposure", ["public-ip", "none"])
def test_certificates_without_a_load_balancer_are_refused(exposure: str, stack: Stack, implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(exposure=exposure)
    assert str(error.value) == (
        f"virtual gateway 'door': 'certificates' need a load balancer, got '{exposure}' "
        "(exposure='internal' or 'internet': the load balancer of the gateway has them)"
    )
    assert stack.node.try_find_child("Door") is None


def test_one_certificate_in_place_of_a_list_is_refused(implement: Implement, certificate: acm.ICertificate) -> None:
    wrong: Any = certificate
    with pytest.raises(MeshError, match=r"'certificates' is not a list, got .* \(certificates=\[\.\.\.\]\)"):
        implement(certificates=wrong)


def with_tls(mode: TlsMode = "STRICT", validation: TlsValidation | None = None) -> ListenerTls:
    return ListenerTls(mode=mode, certificate=AcmCertificate(arn=ARN), validation=validation)


TRUST = TlsValidation(trust=FileTrust(certificate_chain="/authorities.pem"))


@pytest.mark.parametrize(
    ("tls", "check", "url"),
    [
        (with_tls(), ("HTTPS", "/.well-known/gateway-health"), "https://"),
        (with_tls("PERMISSIVE"), ("HTTPS", "/.well-known/gateway-health"), "http://"),
        (with_tls(validation=TRUST), (None, None), "https://"),
        (with_tls("DISABLED"), ("HTTP", "/.well-known/gateway-health"), "http://"),
    ],
    ids=["strict", "permissive", "mutual", "disabled"],
)
def test_tls_of_clients_goes_through_the_network_load_balancer_to_the_gateway(
    tls: ListenerTls,
    check: tuple[str | None, str | None],
    url: str,
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    template: Callable[[], Template],
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=envoy_mesh, name="door", port=443, tls=tls)
    implementation = gateway.implement(stack, "Door", cluster=cluster, exposure="internet")
    port = "" if url == "https://" else ":443"
    assert implementation.load_balancer is not None
    name = implementation.load_balancer.load_balancer_dns_name
    assert stack.resolve(implementation.url) == stack.resolve(f"{url}{name}{port}")
    synthesized = template()
    assert only(synthesized, LISTENER)["Protocol"] == "TCP"
    group = only(synthesized, TARGET_GROUP)
    assert (group["Protocol"], group["Port"]) == ("TCP", 443)
    assert (group.get("HealthCheckProtocol"), group.get("HealthCheckPath")) == check


def test_load_balancer_speaks_plaintext_to_a_gateway_with_disabled_tls(
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    certificate: acm.ICertificate,
    template: Callable[[], Template],
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=envoy_mesh, name="door", tls=with_tls("DISABLED"))
    gateway.implement(stack, "Door", cluster=cluster, certificates=[certificate])
    assert only(template(), TARGET_GROUP)["Protocol"] == "HTTP"


def test_certificates_before_a_gateway_that_demands_client_certificates_are_refused(
    stack: Stack, envoy_mesh: ServiceMesh, cluster: ecs.Cluster, certificate: acm.ICertificate
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=envoy_mesh, name="door", tls=with_tls(validation=TRUST))
    assert refusal(gateway.implement, stack, "Door", cluster=cluster, certificates=[certificate]) == (
        "virtual gateway 'door': its listener demands a client certificate of the load balancer, got 'STRICT' "
        "(leave out 'certificates': clients present theirs to the gateway, through a network load balancer)"
    )
