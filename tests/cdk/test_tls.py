"""TLS with certificates of AWS: which data plane supports which source, and ARNs that the deployment knows."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template as Assertions

from color_mesh import (
    AcmCertificate,
    AcmTrust,
    ClientTls,
    ListenerTls,
    MeshGateway,
    MeshNode,
    MeshTls,
    SecretsManagerCertificate,
    ServiceMesh,
    TlsCertificate,
    TlsTrust,
    TlsValidation,
)
from color_mesh.envoy.aws.certificates import CERTIFICATE_APIS
from color_mesh.envoy.document import read
from tests.support.builders import refusal
from tests.support.cloudformation import Properties, Template, container, only, properties

TASK_DEFINITION = "AWS::ECS::TaskDefinition"
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/shop"
AUTHORITY = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/shop"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop-a1B2c3"
TRUST = TlsValidation(trust=AcmTrust(certificate_authority_arns=(AUTHORITY,)))
FIX = "(a file or an SDS secret, or use data_plane='envoy')"


def test_sources_that_app_mesh_did_not_have_are_refused_before_a_construct_exists(
    stack: Stack, guarded_mesh: ServiceMesh
) -> None:
    mutual = ListenerTls(certificate=AcmCertificate(arn=CERTIFICATE), validation=TRUST)
    policy = ClientTls(certificate=SecretsManagerCertificate(secret_arn=SECRET), validation=TRUST)
    of_listener = f"listener 80: App Mesh does not support trust in ACM at listeners, got ('{AUTHORITY}',) {FIX}"
    of_policy = f"App Mesh does not support certificates in Secrets Manager, got '{SECRET}' {FIX}"
    assert refusal(MeshNode, stack, "Cart", mesh=guarded_mesh, name="cart", tls=mutual, client_tls=policy) == (
        f"virtual node 'cart' {of_listener}\nvirtual node 'cart': {of_policy}"
    )
    assert refusal(MeshGateway, stack, "Cart", mesh=guarded_mesh, name="door", port=80, tls=mutual) == (
        f"virtual gateway 'door' {of_listener}"
    )
    assert stack.node.try_find_child("Cart") is None
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh, name="stock")
    cart = MeshNode(stack, "Cart", mesh=guarded_mesh, name="cart")
    assert refusal(cart.connect_to, stock, client_tls=policy) == (
        f"virtual node 'cart' backend 'stock.shop.local': {of_policy}"
    )
    assert guarded_mesh.model.node("cart").backends == ()


def test_app_mesh_gets_certificates_and_authorities_of_the_app(
    stack: Stack, guarded_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    authority = acmpca.CfnCertificateAuthority(
        stack, "Authority", key_algorithm="RSA_2048", signing_algorithm="SHA256WITHRSA", subject={}, type="ROOT"
    )
    trusted = acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "Trusted", authority.attr_arn)
    certificate = acm.PrivateCertificate(
        stack, "Certificate", domain_name="cart.shop.local", certificate_authority=trusted
    )
    policy = ClientTls(validation=TlsValidation(trust=TlsTrust.acm([trusted])))
    tls = ListenerTls(certificate=TlsCertificate.acm(certificate))
    MeshNode(stack, "Cart", mesh=guarded_mesh, name="cart", tls=tls, client_tls=policy)
    spec = only(template(), "AWS::AppMesh::VirtualNode")["Spec"]
    (resource,) = spec["Listeners"]
    assert resource["TLS"]["Certificate"]["ACM"]["CertificateArn"] == stack.resolve(certificate.certificate_arn)
    trust = spec["BackendDefaults"]["ClientPolicy"]["TLS"]["Validation"]["Trust"]
    assert trust["ACM"]["CertificateAuthorityArns"] == [stack.resolve(authority.attr_arn)]


@pytest.fixture
def envoy_mesh(stack: Stack, vpc: ec2.IVpc) -> ServiceMesh:
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local")


def statements(template: Template, *actions: str) -> list[Properties]:
    """Return the statements of the task roles' policies that allow one of some actions."""
    policies = properties(template, "AWS::IAM::Policy")
    found = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    return [each for each in found if each["Action"] in actions]


def test_tasks_may_get_exactly_the_certificates_that_their_envoys_use(
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    template: Callable[[], Template],
) -> None:
    key = kms.Key(stack, "Key")
    secret = secretsmanager.Secret(stack, "Secret", encryption_key=key)
    by_name = secretsmanager.Secret.from_secret_name_v2(stack, "ByName", "shop/authorities")
    tls = ListenerTls(
        certificate=TlsCertificate.secrets_manager(secret),
        validation=TlsValidation(trust=TlsTrust.secrets_manager(by_name)),
    )
    stock = MeshNode(stack, "Stock", mesh=envoy_mesh, name="stock", tls=tls)
    policy = ClientTls(certificate=AcmCertificate(arn=CERTIFICATE), validation=TRUST)
    cart = MeshNode(stack, "Cart", mesh=envoy_mesh, name="cart", backends=[stock], client_tls=policy)
    idle = MeshNode(stack, "Idle", mesh=envoy_mesh, name="idle", client_tls=policy)
    for node in (stock, cart, idle):
        node.implement(stack, f"{node.name}-tasks", cluster=cluster, image=image, app_port=8080)
    synthesized = template()
    assert statements(synthesized, "acm:ExportCertificate") == [
        {"Action": "acm:ExportCertificate", "Effect": "Allow", "Resource": CERTIFICATE}
    ]
    assert statements(synthesized, "acm-pca:GetCertificateAuthorityCertificate") == [
        {"Action": "acm-pca:GetCertificateAuthorityCertificate", "Effect": "Allow", "Resource": AUTHORITY}
    ]
    (of_secrets,) = statements(synthesized, "secretsmanager:GetSecretValue")
    assert of_secrets["Resource"] == [stack.resolve(secret.secret_arn), stack.resolve(f"{by_name.secret_arn}-??????")]
    (of_key,) = statements(synthesized, "kms:Decrypt")
    assert of_key["Resource"] == stack.resolve(key.key_arn)
    assert of_key["Condition"] == {
        "StringEquals": {
            "kms:ViaService": {"Fn::Join": ["", ["secretsmanager.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
        }
    }


def test_tasks_may_decrypt_their_secrets_before_callers_use_tls(
    stack: Stack, vpc: ec2.IVpc, cluster: ecs.Cluster, image: ecs.ContainerImage, template: Callable[[], Template]
) -> None:
    key = kms.Key(stack, "Key")
    secret = secretsmanager.Secret(stack, "Secret", encryption_key=key)
    tls = MeshTls(
        trust=TlsTrust.secrets_manager(secret),
        certificate_of=lambda name, dns_name: TlsCertificate.secrets_manager(secret),
        mode="PERMISSIVE",
        callers="plaintext",
    )
    mesh = ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", tls=tls)
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    stock.implement(stack, "Tasks", cluster=cluster, image=image, app_port=8080)
    (of_key,) = statements(template(), "kms:Decrypt")
    assert of_key["Resource"] == stack.resolve(key.key_arn)


def test_tasks_may_get_a_secret_whose_name_the_deployment_knows(
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    template: Callable[[], Template],
) -> None:
    name = CfnParameter(stack, "Name").value_as_string
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", name)
    tls = ListenerTls(certificate=TlsCertificate.secrets_manager(secret))
    stock = MeshNode(stack, "Stock", mesh=envoy_mesh, name="stock", tls=tls)
    stock.implement(stack, "Tasks", cluster=cluster, image=image, app_port=8080)
    (statement,) = statements(template(), "secretsmanager:GetSecretValue")
    assert statement["Resource"] == stack.resolve(f"{secret.secret_arn}-??????")


def test_secret_whose_name_looks_like_a_complete_arn_is_refused(stack: Stack) -> None:
    by_name = secretsmanager.Secret.from_secret_name_v2(stack, "ByName", "shop-yellow")
    for source in (TlsCertificate, TlsTrust):
        assert "name of the secret ends with a hyphen and six characters" in refusal(source.secrets_manager, by_name)
    complete = secretsmanager.Secret.from_secret_complete_arn(stack, "Complete", SECRET)
    assert TlsCertificate.secrets_manager(complete).secret_arn == SECRET


def test_function_of_the_user_may_add_secrets_of_its_own(
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    template: Callable[[], Template],
) -> None:
    def add(bootstrap: Any) -> Any:
        sources = [{"name": "static"}, {"name": "file", "sds_config": {"path_config_source": {"path": "/sds.yaml"}}}]
        context = {"common_tls_context": {"tls_certificate_sds_secret_configs": sources}}
        bootstrap["static_resources"]["clusters"].append({"name": "own", "transport_socket": {"typed_config": context}})
        return bootstrap

    stock = MeshNode(stack, "Stock", mesh=envoy_mesh, name="stock")
    stock.implement(stack, "Tasks", cluster=cluster, image=image, app_port=8080, adjust_bootstrap=add)
    assert not statements(template(), *(api.action for api in CERTIFICATE_APIS))


def envoy_of(template: Template, node: str) -> Properties:
    return container(only(template, TASK_DEFINITION, Family=node), "envoy-sidecar")


@pytest.mark.parametrize("is_long", [False, True], ids=["readable", "compressed"])
def test_arns_of_the_app_are_arguments_of_the_entry_point(
    is_long: bool,
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    template: Callable[[], Template],
) -> None:
    authority = acmpca.CfnCertificateAuthority(
        stack, "Authority", key_algorithm="RSA_2048", signing_algorithm="SHA256WITHRSA", subject={}, type="ROOT"
    )
    trusted = acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "Trusted", authority.attr_arn)
    certificate = acm.PrivateCertificate(
        stack, "Certificate", domain_name="stock.shop.local", certificate_authority=trusted
    )
    tls = ListenerTls(
        certificate=TlsCertificate.acm(certificate), validation=TlsValidation(trust=TlsTrust.acm([trusted]))
    )

    def lengthen(bootstrap: Any) -> Any:
        bootstrap["static_resources"]["clusters"].append({"name": "a" * 50_000})
        return bootstrap

    stock = MeshNode(stack, "Stock", mesh=envoy_mesh, name="stock", tls=tls)
    stock.implement(
        stack,
        "Tasks",
        cluster=cluster,
        image=image,
        app_port=8080,
        family="stock",
        adjust_bootstrap=lengthen if is_long else None,
    )
    envoy = envoy_of(template(), "stock")
    shell, option, script, *arguments = envoy["EntryPoint"]
    assert arguments[:1] + arguments[3:] == [
        "envoy",
        *map(stack.resolve, [certificate.certificate_arn, authority.attr_arn]),
    ]
    command = envoy["Command"]
    assert (command[0] == "gzip") == is_long
    names = [each["name"] for each in secret_configs(read(command))]
    assert names == ["@AWS_0@", "@AWS_1@"]
    # Envoy in place of the last lines of the script.
    script = script.partition("exec 3< <(")[0] + 'printf %s "$*"'
    values = ["envoy", "eu-west-1", "amazonaws.com", CERTIFICATE, AUTHORITY]
    printed = subprocess.run([shell, option, script, *values, *command], capture_output=True, check=True, timeout=10)
    assert [each["name"] for each in secret_configs(json.loads(printed.stdout))] == [CERTIFICATE, AUTHORITY]


def secret_configs(bootstrap: Any) -> list[Any]:
    (listener,) = [each for each in bootstrap["static_resources"]["listeners"] if "ingress" in each["name"]]
    context = listener["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]
    validation = context["combined_validation_context"]["validation_context_sds_secret_config"]
    return [*context["tls_certificate_sds_secret_configs"], validation]


def test_envoy_is_healthy_when_it_has_its_certificates_and_says_why_it_has_none(
    stack: Stack,
    envoy_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    template: Callable[[], Template],
) -> None:
    tls = ListenerTls(certificate=AcmCertificate(arn=CERTIFICATE))
    for name, settings in (("stock", tls), ("cart", None)):
        node = MeshNode(stack, name, mesh=envoy_mesh, name=name, tls=settings)
        node.implement(stack, f"{name}-tasks", cluster=cluster, image=image, app_port=8080, family=name)
    synthesized = template()
    envoys = [envoy_of(synthesized, name) for name in ("stock", "cart")]
    assert ["sds" in envoy["HealthCheck"]["Command"][-1] for envoy in envoys] == [True, False]
    reports = "API for certificates: the host name has no address; the task waits for the first answer"
    assert [reports in envoy["EntryPoint"][2] for envoy in envoys] == [True, False]


def test_interval_of_the_calls_is_that_of_the_mesh(stack: Stack, vpc: ec2.IVpc) -> None:
    seconds = Duration.hours(1)
    mesh = ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="a.local", certificate_refresh_interval=seconds)
    MeshNode(stack, "Stock", mesh=mesh, name="stock", tls=ListenerTls(certificate=AcmCertificate(arn=CERTIFICATE)))
    for wrong in (Duration.seconds(0), Duration.hours(25)):
        arguments = {"vpc": vpc, "domain": "b.local", "certificate_refresh_interval": wrong}
        assert refusal(ServiceMesh, stack, "Other", mesh_name="b", **arguments) == (
            f"mesh 'b': certificate refresh interval in seconds out of range, got {wrong.to_seconds():.0f} (1 to 86400)"
        )
    on_app_mesh = {"vpc": vpc, "domain": "b.local", "certificate_refresh_interval": seconds, "data_plane": "app-mesh"}
    assert refusal(ServiceMesh, stack, "Other", mesh_name="b", **on_app_mesh) == (
        "mesh 'b': App Mesh has no 'certificate_refresh_interval', got 3600 (leave it out, or data_plane='envoy')"
    )


def test_certificate_in_another_region_than_the_tasks_is_refused() -> None:
    stack = Stack(
        App(builtin_cloud_formation_validation=False), "Shop", env={"region": "us-east-1", "account": "1" * 12}
    )
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    mesh = ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local")
    stock = MeshNode(
        stack, "Stock", mesh=mesh, name="stock", tls=ListenerTls(certificate=AcmCertificate(arn=CERTIFICATE))
    )
    cluster, image = ecs.Cluster(stack, "Cluster", vpc=vpc), ecs.ContainerImage.from_registry("shop/app:1")
    stock.implement(stack, "Tasks", cluster=cluster, image=image, app_port=8080)
    with pytest.raises(RuntimeError) as error:
        Assertions.from_stack(stack)
    assert (
        f"virtual node 'stock': uses a certificate of another region, got '{CERTIFICATE}' "
        "(one of us-east-1, the region of the tasks)"
    ) in str(error.value)
