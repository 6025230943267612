"""A shop whose tasks speak mutual TLS, with certificates of ACM, of another authority, and of Secrets Manager."""

import json
import shlex

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from color_mesh import (
    ClientTls,
    MeshGateway,
    MeshNode,
    MeshTls,
    SecretsManagerCertificate,
    SecretsManagerTrust,
    ServiceMesh,
    TlsCertificate,
    TlsTrust,
    TlsValidation,
)
from color_mesh.envoy.typed import HTTP_CONNECTION_MANAGER, ROUTER, extension, socket_address
from color_mesh.local.run.requirements import envoy_binary
from color_mesh.model.certificates import Certificate
from color_mesh.model.health_check import Protocol

NAMESPACE = "tasks.shop.local"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/vault/tls-AbCdEf"
_COLORAPP, _SERVER = "public.ecr.aws/docker/library/nginx", "example/server"


def server_option() -> tuple[str, str]:
    """Return the option for the program of the image ``example/server``: over HTTP/1.1 and HTTP/2, and for gRPC."""
    answer = {"status": 200, "body": {"inline_string": "served"}}
    headers = [{"header": {"key": "grpc-status", "value": "0"}}]
    routes = [{"match": {"prefix": "/"}, "direct_response": answer, "response_headers_to_add": headers}]
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        HTTP_CONNECTION_MANAGER,
        stat_prefix="server",
        http_filters=[extension("envoy.filters.http.router", ROUTER)],
        route_config={"virtual_hosts": [{"name": "server", "domains": ["*"], "routes": routes}]},
    )
    chain = {"filters": [manager]}
    listener = {"name": "server", "address": socket_address("127.0.0.1", 80), "filter_chains": [chain]}
    bootstrap = {"static_resources": {"listeners": [listener]}}
    options = ["--disable-hot-restart", "--concurrency", "1", "--config-yaml", json.dumps(bootstrap)]
    return "--image", f"{_SERVER}={shlex.join([str(envoy_binary()), *options])}"


class EncryptedShop(Stack):
    """A gateway and the node ``red``, and nodes that they call.

    ``green`` is called by both. The others are called by ``red``: one for each other protocol, one with the certificate
    of another authority, and one with the certificate of another name. ``vault`` has its certificate in a secret.
    """

    def __init__(self, app: App) -> None:
        super().__init__(app, "Shop")
        vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        self._cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        self._authority = self._authority_of("Root")
        self._other_authority = self._authority_of("Other")
        self._certificates: dict[str, Certificate] = {}
        tls = MeshTls(trust=TlsTrust.acm([self._authority]), certificate_of=self._certificate)
        self._mesh = ServiceMesh(
            self,
            "Mesh",
            mesh_name="shop",
            vpc=vpc,
            domain="shop.local",
            tls=tls,
            refresh_interval=Duration.seconds(1),
            certificate_refresh_interval=Duration.seconds(1),
        )
        protocols: dict[str, Protocol] = {"stream": "tcp", "multiplexed": "http2", "procedures": "grpc"}
        green = self._node("green", "http", count=2)
        others = [self._node(name, "http") for name in ("stranger", "misnamed")]
        others += [self._node(name, each) for name, each in protocols.items()]
        red = MeshNode(self, "red", mesh=self._mesh, name="red", backends=[green, *others])
        validation = TlsValidation(trust=SecretsManagerTrust(secret_arn=SECRET))
        vault = self._node("vault", "http")
        red.connect_to(vault, client_tls=ClientTls(validation=validation, certificate=self._certificates["red"]))
        self._implement(red, _COLORAPP)
        gateway = MeshGateway(self, "Gateway", mesh=self._mesh, name="door")
        gateway.add_route("Green", to=green)
        gateway.implement(self, "GatewayTasks", cluster=self._cluster, exposure="public-ip")

    def _authority_of(self, name: str) -> acmpca.ICertificateAuthority:
        subject = acmpca.CfnCertificateAuthority.SubjectProperty(common_name=name)
        authority = acmpca.CfnCertificateAuthority(
            self,
            f"{name}Authority",
            type="ROOT",
            subject=subject,
            key_algorithm="EC_prime256v1",
            signing_algorithm="SHA256WITHECDSA",
        )
        certificate = acmpca.CfnCertificate(
            self,
            f"{name}Certificate",
            certificate_authority_arn=authority.attr_arn,
            certificate_signing_request=authority.attr_certificate_signing_request,
            signing_algorithm="SHA256WITHECDSA",
            template_arn="arn:aws:acm-pca:::template/RootCACertificate/V1",
            validity=acmpca.CfnCertificate.ValidityProperty(type="YEARS", value=10),
        )
        acmpca.CfnCertificateAuthorityActivation(
            self,
            f"{name}Activation",
            certificate=certificate.attr_certificate,
            certificate_authority_arn=authority.attr_arn,
        )
        return acmpca.CertificateAuthority.from_certificate_authority_arn(self, name, authority.attr_arn)

    def _certificate(self, name: str, dns_name: str) -> Certificate:
        if name == "vault":
            return SecretsManagerCertificate(secret_arn=SECRET)
        self._certificates[name] = TlsCertificate.acm(
            acm.PrivateCertificate(
                self,
                f"Certificate{name}",
                domain_name="elsewhere.shop.local" if name == "misnamed" else dns_name,
                certificate_authority=self._other_authority if name == "stranger" else self._authority,
            )
        )
        return self._certificates[name]

    def _node(self, name: str, protocol: Protocol, count: int = 1) -> MeshNode:
        node = MeshNode(self, name, mesh=self._mesh, name=name, protocol=protocol)
        self._implement(node, _COLORAPP if protocol in ("http", "tcp") else _SERVER, count)
        return node

    def _implement(self, node: MeshNode, image: str, count: int = 1) -> None:
        node.implement(
            self,
            f"{node.name}Tasks",
            cluster=self._cluster,
            image=ecs.ContainerImage.from_registry(image),
            environment={"COLOR": node.name},
            app_address="127.0.0.1",
            desired_count=count,
            service_name=node.name,
        )
