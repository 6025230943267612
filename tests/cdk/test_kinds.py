"""Kinds of arguments: text in place of a list, one thing in place of several, tokens in place of literals."""

import inspect
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any

import pytest
from aws_cdk import Aws, Duration, Stack, Token
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

import color_mesh
from color_mesh import (
    AccessLog,
    HealthCheck,
    MeshError,
    MeshGateway,
    MeshNode,
    MeshRouter,
    RetryPolicy,
    RouteMatch,
    ServiceMesh,
    Timeout,
    TlsValidation,
)
from tests.support.builders import refusal

CONSTRUCTS = ("ServiceMesh", "MeshNode", "MeshRouter", "MeshService", "MeshGateway", "MeshedColorNode", "ColorRouter")
# Methods that constructs call of each other.
INTERNAL = ("add",)


def arguments() -> Iterator[Any]:
    """Yield each argument of the constructs: the construct, the method, the argument and its type."""
    for name in CONSTRUCTS:
        construct = getattr(color_mesh, name)
        for method, function in inspect.getmembers(construct, inspect.isfunction):
            is_public = method == "__init__" or not method.startswith("_")
            if not function.__module__.startswith("color_mesh") or not is_public or method in INTERNAL:
                continue
            for argument, parameter in inspect.signature(function).parameters.items():
                if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                    hint = typing.get_type_hints(function)[argument]
                    yield pytest.param(construct, method, argument, hint, id=f"{name}.{method}({argument})")


ARGUMENTS = list(arguments())


def types(hint: Any) -> list[Any]:
    """Return the type of an argument, or the types of which it has one."""
    return [*typing.get_args(hint)] if typing.get_origin(hint) in (typing.Union, UnionType) else [hint]


def of_type(matches: Any) -> list[Any]:
    """Return the arguments with a type that matches."""
    return [each for each in ARGUMENTS if any(map(matches, types(each.values[3])))]


def is_list(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return origin is tuple or (inspect.isclass(origin) and issubclass(origin, Sequence))


def is_dictionary(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return inspect.isclass(origin) and issubclass(origin, Mapping)


def is_literal(hint: Any) -> bool:
    return hint in (str, int, bool) or typing.get_origin(hint) is typing.Literal


class Call:
    """Calls a method of a construct with one argument of a wrong kind, and returns the message."""

    def __init__(self, stack: Stack, mesh: ServiceMesh, vpc: ec2.IVpc) -> None:
        self.stack, self.mesh = stack, mesh
        node = MeshNode(stack, "Node", mesh=mesh, name="node", virtual_service=False)
        self.parts: dict[type, Any] = {
            MeshNode: node,
            MeshGateway: MeshGateway(stack, "Gateway", mesh=mesh, name="gateway"),
            MeshRouter: MeshRouter(stack, "Router", mesh=mesh, name="router", virtual_service_name="node.shop.local"),
            ServiceMesh: mesh,
        }
        cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
        self.required: dict[str, Any] = {
            "mesh": mesh,
            "name": "other",
            "vpc": vpc,
            "virtual_service_name": "a.shop.local",
            "targets": {node: 1},
            "to": node,
            "cluster": cluster,
            "image": ecs.ContainerImage.from_registry("app"),
        }

    def __call__(self, construct: type, method: str, argument: str, value: object) -> str:
        function = getattr(construct, method)
        parameters = inspect.signature(function).parameters
        keywords = {
            name: self.required[name]
            for name, each in parameters.items()
            if each.kind is inspect.Parameter.KEYWORD_ONLY and each.default is inspect.Parameter.empty
        }
        keywords[argument] = value
        positions: dict[str, Any] = {"scope": self.stack, "id": "New", "service": object(), "task_definition": object()}
        given = [positions[name] for name in parameters if name in positions]
        if method == "__init__":
            return refusal(construct, *given, **keywords)
        if "self" not in parameters:
            return refusal(lambda: function(*given, **keywords))
        part = next((each for kind, each in self.parts.items() if issubclass(construct, kind)))
        return refusal(lambda: function(part, *given, **keywords))


@pytest.fixture
def call(stack: Stack, mesh: ServiceMesh, vpc: ec2.IVpc) -> Call:
    return Call(stack, mesh, vpc)


@pytest.mark.parametrize(("construct", "method", "argument", "hint"), of_type(is_list))
@pytest.mark.parametrize("value", ["two words", 1], ids=["text", "number"])
def test_what_is_not_a_list_is_refused(
    call: Call, construct: type, method: str, argument: str, hint: Any, value: object
) -> None:
    message = call(construct, method, argument, value)
    assert f": '{argument}' is not a list, got {value!r} ({argument}=[" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(("construct", "method", "argument", "hint"), of_type(is_dictionary))
def test_what_is_not_a_dictionary_is_refused(
    call: Call, construct: type, method: str, argument: str, hint: Any
) -> None:
    message = call(construct, method, argument, ["a"])
    assert f": '{argument}' is not a dictionary, got ['a'] ({argument}={{...: ...}})" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("construct", "method", "argument", "hint"),
    [each for each in of_type(is_literal) if each.values[2] != "cloud_map_description"],
)
def test_token_in_place_of_a_literal_is_refused(
    call: Call, construct: type, method: str, argument: str, hint: Any
) -> None:
    value = Token.as_number({"Ref": "Number"}) if hint in (int, int | None) else Aws.STACK_NAME
    message = call(construct, method, argument, value)
    assert message.endswith(f": '{argument}' is not known before the deployment, got 'a token' (a literal)")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(("construct", "method", "argument", "hint"), of_type(lambda hint: hint is Duration))
@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (5, "is not a duration, got 5 (such as Duration.seconds(5))"),
        ("token", "is not known before the deployment, got 'a token' (a literal)"),
    ],
)
def test_what_is_no_known_duration_is_refused(
    call: Call, construct: type, method: str, argument: str, hint: Any, value: object, wrong: str
) -> None:
    value = Duration.seconds(Token.as_number({"Ref": "Number"})) if value == "token" else value
    assert call(construct, method, argument, value).endswith(f": '{argument}' {wrong}")


@pytest.mark.parametrize(
    ("construct", "method", "argument", "hint"),
    of_type(lambda hint: inspect.isclass(hint) and hint.__module__.startswith("color_mesh.")),
)
def test_values_of_other_types_are_refused(call: Call, construct: type, method: str, argument: str, hint: Any) -> None:
    assert re.search(rf": '{argument}' is not (of the type|a backend)", call(construct, method, argument, 15))


@pytest.mark.parametrize(
    ("construct", "method", "argument", "hint"),
    of_type(lambda hint: inspect.isclass(hint) and hint.__module__.startswith("aws_cdk.aws_")),
)
def test_text_in_place_of_an_object_of_the_cdk_is_refused(
    call: Call, construct: type, method: str, argument: str, hint: Any
) -> None:
    assert f": '{argument}' is not of the type " in call(construct, method, argument, "arn:aws:thing")


@pytest.mark.parametrize(
    ("construct", "method", "argument"),
    [
        (ServiceMesh, "__init__", "vpc"),
        (MeshNode, "implement", "cluster"),
        (MeshNode, "implement", "image"),
        (MeshGateway, "implement", "cluster"),
    ],
)
def test_none_in_place_of_a_required_object_of_the_cdk_is_refused(
    call: Call, construct: type, method: str, argument: str
) -> None:
    assert f": '{argument}' is not of the type " in call(construct, method, argument, None)


def test_none_in_place_of_a_service_or_a_task_definition_is_refused(call: Call) -> None:
    node = call.parts[MeshNode]
    assert refusal(node.attach, None).startswith("MeshNode 'node': 'service' is not of the type ecs.BaseService, got ")
    assert "'task_definition' is not of the type ecs.TaskDefinition, got None" in refusal(node.add_to, None)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            {"retry_policy": RetryPolicy.http(http_events="server-error")},  # type: ignore[arg-type]
            "'retry_policy.http_events' is not a list, got 'server-error' (http_events=['server-error'])",
        ),
        (
            {"match": RouteMatch.http(headers="x-user")},  # type: ignore[arg-type]
            "'match.headers' is not a list, got 'x-user' (headers=[...])",
        ),
        (
            {"match": RouteMatch(prefix=Aws.STACK_NAME)},
            "'match.prefix' is not known before the deployment, got 'a token' (a literal)",
        ),
        (
            {"timeout": Timeout(per_request=Duration.millis(Token.as_number({"Ref": "Number"})))},
            "'timeout.per_request' is not known before the deployment, got 'a token' (a literal)",
        ),
        ({"timeout": Duration.seconds(5)}, "'timeout' is not of the type Timeout, got 'a duration' (such as Timeout("),
        ({"timeout": HealthCheck()}, "'timeout' is not of the type Timeout, got HealthCheck(protocol=None, "),
    ],
    ids=["events", "headers", "prefix", "timeout", "duration", "type"],
)
def test_kinds_in_values_are_validated(call: Call, value: dict[str, Any], problem: str) -> None:
    router, node = call.parts[MeshRouter], call.parts[MeshNode]
    message = refusal(router.add_route, "Route", targets={node: 1}, **value)
    assert message.startswith(f"MeshRouter 'router': {problem}")
    assert len(message.splitlines()) == 1


def test_all_problems_of_kinds_are_one_error(stack: Stack, mesh: ServiceMesh) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    wrong: Any = stock
    before = mesh.model
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Cart", mesh=mesh, backends=wrong, listeners=wrong, name=Aws.STACK_NAME)
    assert str(error.value).splitlines() == [
        "MeshNode 'Cart': 'name' is not known before the deployment, got 'a token' (a literal)",
        f"MeshNode 'Cart': 'listeners' is not a list, got '{stock.node.path}' (listeners=[...])",
        f"MeshNode 'Cart': 'backends' is not a list, got '{stock.node.path}' (backends=[...])",
    ]
    assert mesh.model == before


def test_targets_that_are_names_are_refused(call: Call) -> None:
    message = refusal(call.parts[MeshRouter].add_route, "Route", targets={"node": 1})
    assert message == (
        "MeshRouter 'router': 'key of targets' is not of the type MeshNode, got 'node' (such as MeshNode(...))"
    )


def test_list_in_place_of_backends_is_refused(call: Call) -> None:
    node = call.parts[MeshNode]
    message = refusal(node.connect_to, [node])
    assert message == (
        f"MeshNode 'node': 'backends[0]' is not a backend, got ['{node.node.path}'] "
        "(a node, a router, a service or an external service)"
    )


def test_environment_and_commands_may_contain_tokens(call: Call) -> None:
    node = call.parts[MeshNode]
    region = Aws.REGION
    image, cluster = call.required["image"], call.required["cluster"]
    task = node.implement(
        call.stack, "Task", cluster=cluster, image=image, command=["serve", region], environment={"REGION": region}
    )
    assert task.app_container.container_name == "node-app"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"environment": {"PORT": 80}}, "'environment[PORT]' is not text, got 80 ('80')"),
        ({"environment": {"PORT": None}}, "'environment[PORT]' is not text, got None (text)"),
        ({"environment": {80: "PORT"}}, "'key of environment' is not text, got 80 ('80')"),
        ({"command": ["serve", 80]}, "'command[1]' is not text, got 80 ('80')"),
        (
            {"container_health_check": HealthCheck()},
            f"'container_health_check' is not of the type ecs.HealthCheck, got {HealthCheck()}"
            + " (such as ecs.HealthCheck(...))",
        ),
    ],
    ids=["value", "none", "key", "item", "health check"],
)
def test_what_the_cdk_would_refuse_is_refused_before_it(call: Call, arguments: dict[str, Any], problem: str) -> None:
    node, required = call.parts[MeshNode], {name: call.required[name] for name in ("cluster", "image")}
    assert refusal(node.implement, call.stack, "Task", **required, **arguments) == f"MeshNode 'node': {problem}"
    assert call.stack.node.try_find_child("Task") is None


def test_imported_construct_is_named_by_its_path(call: Call) -> None:
    certificate = acm.Certificate.from_certificate_arn(call.stack, "Certificate", "arn:aws:acm:eu-west-1:1:x/y")
    message = call(MeshGateway, "implement", "certificates", certificate)
    assert f"'certificates' is not a list, got '{certificate.node.path}' (certificates=[...])" in message


def test_lists_may_be_tuples(stack: Stack, mesh: ServiceMesh) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    assert MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=(stock,)).name == "cart"


def test_missing_argument_raises_the_error_of_python(stack: Stack) -> None:
    with pytest.raises(TypeError, match=r"missing 1 required keyword-only argument: 'mesh'"):
        MeshNode(stack, "Cart")  # type: ignore[call-arg]


def test_values_of_wrong_kinds_stay_for_the_validation() -> None:
    assert TlsValidation(trust="a").trust == "a"  # type: ignore[arg-type,comparison-overlap]
    assert AccessLog(json="a").json == "a"  # type: ignore[arg-type,comparison-overlap]
