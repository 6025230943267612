"""Values that arguments of constructs take: durations and lists, defaults, and a function for each kind."""

import inspect
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

import color_mesh
from color_mesh import (
    AccessLog,
    ConnectionPool,
    HeaderMatch,
    HealthCheck,
    Listener,
    OutlierDetection,
    QueryParameterMatch,
    RetryPolicy,
    RouteMatch,
    Timeout,
    TlsCertificate,
    TlsTrust,
)
from color_mesh.model import (
    AcmCertificate,
    FileCertificate,
    FileTrust,
    Milliseconds,
    Protocol,
    SdsCertificate,
    SdsTrust,
    SecretsManagerCertificate,
    SecretsManagerTrust,
)
from tests.support.builders import refusal, routing

CONSTRUCTS = ("ServiceMesh", "MeshNode", "MeshRouter", "MeshService", "MeshGateway", "MeshedColorNode", "ColorRouter")
# Methods that constructs call of each other.
INTERNAL = ("add", "check", "admit", "own_security_group")


def methods() -> Iterator[Any]:
    """Yield the constructors and the public methods of the constructs."""
    for name in CONSTRUCTS:
        construct = getattr(color_mesh, name)
        for method_name, method in inspect.getmembers(construct, inspect.isfunction):
            is_ours = method.__module__.startswith("color_mesh")
            if (
                is_ours
                and (method_name == "__init__" or not method_name.startswith("_"))
                and method_name not in INTERNAL
            ):
                yield pytest.param(method, id=f"{name}.{method_name}")


def classes(hint: object) -> Iterator[type]:
    """Yield the classes in a type, and in the fields of the values among them."""
    if isinstance(hint, type):
        yield hint
        if is_dataclass(hint):
            for each in typing.get_type_hints(hint).values():
                yield from classes(each)
    for argument in typing.get_args(hint):
        yield from classes(argument)


@pytest.mark.parametrize("method", list(methods()))
def test_classes_of_arguments_are_public(method: Any) -> None:
    hints = {name: hint for name, hint in typing.get_type_hints(method).items() if name != "return"}
    ours = {each.__name__ for hint in hints.values() for each in classes(hint) if each.__module__.startswith("color_")}
    # Durations of the CDK are durations of the model.
    assert ours - {"Duration"} <= {*color_mesh.__all__} & {*dir(color_mesh)}


def test_durations_of_the_cdk_are_equal_to_those_of_the_model() -> None:
    given = Timeout(per_request=Duration.minutes(1), idle=Duration.millis(1))
    assert given == Timeout(per_request=Milliseconds(60_000), idle=Milliseconds(1))
    assert hash(given) == hash(Timeout(per_request=Milliseconds(60_000), idle=Milliseconds(1)))
    assert HealthCheck(interval=Duration.seconds(6)).interval_millis == 6000
    assert OutlierDetection(base_ejection_duration=Duration.seconds(7)).base_ejection_millis == 7000
    assert RetryPolicy(per_retry_timeout=Duration.seconds(8)).per_retry_timeout_millis == 8000


@pytest.mark.parametrize("protocol", typing.get_args(Protocol))
def test_values_have_defaults(protocol: Protocol) -> None:
    listener = Listener(port=80, protocol=protocol, health_check=HealthCheck(), outlier_detection=OutlierDetection())
    assert listener.health_check is not None
    assert listener.health_check.protocol == protocol
    assert routing(red=(listener,))


def test_health_checks_have_a_function_for_each_protocol() -> None:
    checks = [HealthCheck.http(path="/up"), HealthCheck.http2(), HealthCheck.grpc(), HealthCheck.tcp()]
    assert [(each.protocol, each.path) for each in checks] == [
        ("http", "/up"),
        ("http2", "/"),
        ("grpc", None),
        ("tcp", None),
    ]
    assert HealthCheck.tcp(interval=Duration.seconds(9)) == HealthCheck(protocol="tcp", interval=Milliseconds(9000))


def test_listeners_and_pools_have_a_function_for_each_protocol() -> None:
    listeners = (
        Listener.http(8080, connection_pool=ConnectionPool.http(max_connections=1, max_pending_requests=2)),
        Listener.http2(8081, connection_pool=ConnectionPool.http2(max_requests=1)),
        Listener.grpc(8082, connection_pool=ConnectionPool.grpc(max_requests=1)),
        Listener.tcp(8083, connection_pool=ConnectionPool.tcp(max_connections=1)),
    )
    assert [each.protocol for each in listeners] == ["http", "http2", "grpc", "tcp"]
    assert routing(red=listeners)


def test_route_matches_have_a_function_for_each_protocol() -> None:
    headers = [HeaderMatch.value_is("x-user", "admin")]
    assert RouteMatch.http(prefix="/a", headers=headers) == RouteMatch(prefix="/a", headers=tuple(headers))
    assert RouteMatch.grpc(service_name="a.B") == RouteMatch(service_name="a.B")
    assert RouteMatch.tcp(port=1) == RouteMatch(port=1)


def test_header_matches_have_a_function_for_each_condition() -> None:
    assert HeaderMatch.value_starts_with("a", "b") == HeaderMatch(name="a", prefix="b")
    assert HeaderMatch.value_ends_with("a", "b") == HeaderMatch(name="a", suffix="b")
    assert HeaderMatch.value_matches_regex("a", "b+") == HeaderMatch(name="a", regex="b+")
    assert HeaderMatch.value_is_in_range("a", 1, 5) == HeaderMatch(name="a", range=(1, 5))
    assert HeaderMatch.value_is("a", "b", invert=True) == HeaderMatch(name="a", exact="b", invert=True)
    assert QueryParameterMatch.value_is("a", "b") == QueryParameterMatch(name="a", exact="b")


def test_retry_policies_have_a_function_for_each_protocol() -> None:
    assert RetryPolicy.http() == RetryPolicy(
        http_events=("gateway-error", "stream-error"), tcp_events=("connection-error",)
    )
    assert RetryPolicy.http(http_events=["server-error"], tcp_events=[]) == RetryPolicy(http_events=("server-error",))
    assert RetryPolicy.grpc(max_retries=4).grpc_events == ("unavailable",)


def test_access_logs_have_a_function_for_each_format() -> None:
    assert AccessLog.from_text("%PROTOCOL%\n") == AccessLog(text="%PROTOCOL%\n")
    assert AccessLog.from_json({"a": "%PROTOCOL%"}, path="/log") == AccessLog(path="/log", json=(("a", "%PROTOCOL%"),))


def test_certificates_have_a_function_for_each_origin() -> None:
    arn = "arn:aws:acm:eu-west-1:111122223333:certificate/shop"
    stack = Stack(App(), "Stack")
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", arn)
    assert TlsCertificate.acm(certificate) == AcmCertificate(arn=arn)
    key = kms.Key(stack, "Key")
    secret = secretsmanager.Secret(stack, "Secret", encryption_key=key)
    assert TlsCertificate.secrets_manager(secret) == SecretsManagerCertificate(
        secret_arn=secret.secret_arn, encryption_key_arn=key.key_arn
    )
    imported = secretsmanager.Secret.from_secret_name_v2(stack, "Imported", "shop/authorities")
    assert TlsTrust.secrets_manager(imported) == SecretsManagerTrust(secret_arn=imported.secret_arn)
    assert TlsCertificate.file("/a", "/b") == FileCertificate(certificate_chain="/a", private_key="/b")
    assert TlsCertificate.sds("a") == SdsCertificate(secret_name="a")
    assert TlsTrust.file("/a") == FileTrust(certificate_chain="/a")
    assert TlsTrust.sds("a") == SdsTrust(secret_name="a")


def test_arn_in_place_of_a_certificate_of_the_cdk_is_refused() -> None:
    arn: Any = "arn:aws:acm:eu-west-1:111122223333:certificate/shop"
    problems = [refusal(TlsCertificate.acm, arn), refusal(TlsTrust.acm, arn), refusal(TlsTrust.acm, [arn])]
    problems += [refusal(TlsCertificate.secrets_manager, arn), refusal(TlsTrust.secrets_manager, arn)]
    of_certificate = (
        f"certificate of ACM: is text, and no object of the CDK, got {arn!r} "
        "(acm.Certificate.from_certificate_arn, or AcmCertificate(arn=...))"
    )
    of_trust = (
        f"trust in ACM: is text, and no object of the CDK, got {arn!r} "
        "(a list with acmpca.CertificateAuthority.from_certificate_authority_arn, or AcmTrust(...))"
    )
    of_secrets = [
        f"{what} in Secrets Manager: is text, and no object of the CDK, got {arn!r} "
        f"(secretsmanager.Secret.from_secret_name_v2, or SecretsManager{what.title()}(secret_arn=...))"
        for what in ("certificate", "trust")
    ]
    assert problems == [of_certificate, of_trust, of_trust, *of_secrets]
