"""Certificates and trusted authorities from AWS Certificate Manager, AWS Private CA and AWS Secrets Manager.

Envoy's REST subscriptions of secrets (Envoy, *Secret discovery service*) go to the cluster of an API. Its upstream
filters make each of them a call of the API (`certificates.lua`) and sign it. The name of a secret has all that the
filter needs: ARNs, and for Secrets Manager the key of the value.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from color_mesh.envoy.aws.lua import lua_filter
from color_mesh.envoy.aws.signed_cluster import REGION, URL_SUFFIX, rest_source, signed_cluster
from color_mesh.envoy.typed import Json
from color_mesh.model import AcmCertificate, AcmTrust, SecretsManagerCertificate, SecretsManagerTrust
from color_mesh.model.certificates import Certificate, Trust

# Authorities are asked for one after the other, so the first answer of several takes several requests of Envoy. Envoy
# opens a connection for a request that the filter answers, so others wait as long as after a failure.
_SEVERAL_POLL_SECONDS = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateApi:
    """API of AWS that has certificates.

    Attributes:
        cluster: Name of its cluster.
        service: Name of the service in its host and in signatures.
        source: Source file of its Lua filter.
        action: IAM action of the call.
    """

    cluster: str
    service: str
    source: str
    action: str

    @property
    def host(self) -> str:
        """Host of the API."""
        return f"{self.service}.{REGION}.{URL_SUFFIX}"


ACM = CertificateApi(cluster="aws_acm", service="acm", source="acm.lua", action="acm:ExportCertificate")
PRIVATE_CA = CertificateApi(
    cluster="aws_acm_pca",
    service="acm-pca",
    source="acm_pca.lua",
    action="acm-pca:GetCertificateAuthorityCertificate",
)
SECRETS_MANAGER = CertificateApi(
    cluster="aws_secretsmanager",
    service="secretsmanager",
    source="secrets_manager.lua",
    action="secretsmanager:GetSecretValue",
)
CERTIFICATE_APIS = (ACM, PRIVATE_CA, SECRETS_MANAGER)


def aws_secret(of: Certificate | Trust, retry_seconds: int) -> Json | None:
    """Render the SDS configuration of a certificate or of trusted authorities; ``None`` if they are not from AWS.

    Args:
        of: The certificate, or the authorities.
        retry_seconds: Shortest time between two requests of Envoy. The longest is twice as long.
    """
    match of:
        case AcmCertificate(arn=arn):
            return _secret(ACM, arn, retry_seconds)
        case AcmTrust(certificate_authority_arns=arns):
            seconds = retry_seconds if len(arns) == 1 else _SEVERAL_POLL_SECONDS
            return _secret(PRIVATE_CA, ",".join(arns), seconds)
        case SecretsManagerCertificate(secret_arn=arn):
            return _secret(SECRETS_MANAGER, f"{arn}#tls.crt", retry_seconds)
        case SecretsManagerTrust(secret_arn=arn):
            return _secret(SECRETS_MANAGER, f"{arn}#ca.crt", retry_seconds)
    return None


def certificate_clusters(resources: Iterable[Json], refresh_seconds: int, retry_seconds: int) -> Iterator[Json]:
    """Render the clusters of the APIs that listeners and clusters call.

    Args:
        resources: Listeners and clusters.
        refresh_seconds: Time between two calls for the same certificate after an answer.
        retry_seconds: Time between two calls after a failure.
    """
    called = {api.cluster for api, _ in called_certificates(resources)}
    for api in CERTIFICATE_APIS:
        if api.cluster in called:
            yield certificate_cluster(api, refresh_seconds, retry_seconds)


def certificate_cluster(api: CertificateApi, refresh_seconds: int, retry_seconds: int) -> Json:
    """Render the cluster of an API; see `certificate_clusters`."""
    lua = lua_filter(api.source, REFRESH_SECONDS=refresh_seconds, RETRY_SECONDS=retry_seconds)
    return signed_cluster(api.cluster, api.host, api.service, [lua])


def called_certificates(resources: Iterable[Json]) -> Iterator[tuple[CertificateApi, str]]:
    """Yield the API and the ARN of each certificate, authority and secret that listeners and clusters need."""
    apis = {api.cluster: api for api in CERTIFICATE_APIS}
    calls: dict[tuple[CertificateApi, str], None] = {}
    for resource in resources:
        for secret in _secret_configs(resource):
            # A function of the user may have added secrets, which may be in the bootstrap configuration itself.
            source = secret.get("sds_config", {}).get("api_config_source", {})
            for cluster in source.get("cluster_names", []):
                if cluster in apis:
                    arns = secret["name"].partition("#")[0].split(",")
                    calls |= dict.fromkeys((apis[cluster], arn) for arn in arns)
    yield from calls


def _secret_configs(resource: Json) -> Iterator[Json]:
    """Yield the SDS configurations in the transport sockets of a listener or a cluster."""
    for chain in (resource, *resource.get("filter_chains", [])):
        context = chain.get("transport_socket", {}).get("typed_config", {}).get("common_tls_context", {})
        yield from context.get("tls_certificate_sds_secret_configs", [])
        combined = context.get("combined_validation_context", {})
        if "validation_context_sds_secret_config" in combined:
            yield combined["validation_context_sds_secret_config"]


def _secret(api: CertificateApi, name: str, poll_seconds: int) -> Json:
    return {"name": name, "sds_config": rest_source(api.cluster, poll_seconds)}
