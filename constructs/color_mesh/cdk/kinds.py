"""Validation of arguments by their type hints: objects, lists, dictionaries, durations, and literals or tokens."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache, wraps
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from aws_cdk import Duration, Token
from aws_cdk import aws_ecs as ecs

from color_mesh.cdk.backend import Backend
from color_mesh.model import Duration as ModelDuration
from color_mesh.model import Milliseconds
from color_mesh.model.errors import problem, refuse

P = ParamSpec("P")
R = TypeVar("R")

# Types of values that are no object of the CDK.
_NO_OBJECTS = (str, int, float, list, tuple, dict, NoneType)
_TOKEN = ("is not known before the deployment", "a token", "a literal")


def checked(*, tokens: Collection[str] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that validates the kinds of the arguments of a constructor or a method of a construct.

    The types of the arguments say what each may be. Everything else about a value is validated later.

    Args:
        tokens: Names of the arguments that may contain tokens, since they are handed to the CDK.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            refuse(_check_arguments(function, tokens, args, kwargs))
            return function(*args, **kwargs)

        return call

    return decorate


_signature = cache(inspect.signature)


@cache
def _hints(of: Any) -> Mapping[str, Any]:
    return get_type_hints(of)


def _check_arguments(
    function: Callable[..., object], tokens: Collection[str], args: Sequence[object], kwargs: Mapping[str, object]
) -> Iterator[str]:
    signature = _signature(function)
    try:
        arguments = signature.bind(*args, **kwargs).arguments
    except TypeError:
        return  # The call raises the error of Python.
    if function.__name__ == "__init__":
        subject = f"{type(args[0]).__name__} {arguments.get('id')!r}"
    elif "self" in signature.parameters:
        construct: Any = args[0]
        name = construct.name if hasattr(construct, "name") else construct.node.id
        subject = f"{type(construct).__name__} {name!r}"
    else:
        subject = f"{function.__qualname__.partition('.')[0]} {arguments.get('id')!r}"
    for parameter, value in arguments.items():
        hint = _hints(function).get(parameter)
        if signature.parameters[parameter].kind is inspect.Parameter.VAR_POSITIONAL:
            hint = tuple[hint, ...]  # type: ignore[valid-type]
        for place, wrong, got, fix in _check(parameter, hint, value, literal=parameter not in tokens):
            yield problem(subject, f"'{place}' {wrong}", got, fix)


_Fault = tuple[str, str, object, str]


def _check(place: str, hint: Any, value: object, *, literal: bool) -> Iterator[_Fault]:
    """Yield the place, the fault, the value and the fix of what is not of the kind of its type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if not (value is None and NoneType in arguments):
            yield from _check_union(place, [each for each in arguments if each is not NoneType], value, literal=literal)
    elif origin in (tuple, list) or (inspect.isclass(origin) and issubclass(origin, Sequence)):
        if not (origin is tuple and arguments[-1] is not ...):  # Not a pair.
            yield from _check_items(place, arguments[0], value, literal=literal)
    elif inspect.isclass(origin) and issubclass(origin, Mapping):
        yield from _check_mapping(place, arguments, value, literal=literal)
    elif origin is Callable and not callable(value):
        yield place, "is not a function", _shown(value), "a function, without calling it"
    elif origin is Literal or hint in (str, int, float, bool):
        yield from _check_scalar(place, hint, value, literal=literal)
    elif inspect.isclass(hint):
        yield from _check_class(place, hint, value, literal=literal)


def _check_scalar(place: str, hint: Any, value: object, *, literal: bool) -> Iterator[_Fault]:
    if literal and _is_token(value):
        yield place, *_TOKEN
    elif hint is bool and not isinstance(value, bool):
        yield place, "is not true or false", _shown(value), "True or False"
    elif hint is str and not literal and not isinstance(value, str):
        # The CDK gets it without further validation.
        fix = repr(str(value)) if isinstance(value, int | float) else "text"
        yield place, "is not text", _shown(value), fix


def _check_union(place: str, hints: Sequence[Any], value: object, *, literal: bool) -> Iterator[_Fault]:
    faults = [[*_check(place, each, value, literal=literal)] for each in hints]
    if faults.count(faults[0]) == len(faults):
        yield from faults[0]
    elif all(faults):
        # A value of one of the types has faults of its parts only.
        parts = next((each for each in faults if each[0][0] != place), None)
        names = [getattr(each, "__name__", str(each)) for each in hints]
        wrong, fix = f"is not of the type {' or '.join(names)}", f"such as {names[0]}(...)"
        yield from parts or [(place, wrong, _shown(value), fix)]


def _check_items(place: str, hint: Any, value: object, *, literal: bool) -> Iterator[_Fault]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        of_text = isinstance(value, str) and (hint is str or get_origin(hint) is Literal)
        items = str(value).split() if of_text else "[...]"
        yield place, "is not a list", _shown(value), f"{place.rpartition('.')[2]}={items}"
        return
    for index, item in enumerate(value):
        yield from _check(f"{place}[{index}]", hint, item, literal=literal)


def _check_mapping(place: str, hints: Sequence[Any], value: object, *, literal: bool) -> Iterator[_Fault]:
    if not isinstance(value, Mapping):
        yield place, "is not a dictionary", _shown(value), f"{place}={{...: ...}}"
        return
    for key, item in value.items():
        yield from _check(f"key of {place}", hints[0], key, literal=literal)
        yield from _check(f"{place}[{_shown(key)}]", hints[1], item, literal=literal)


def _check_class(place: str, hint: type, value: object, *, literal: bool) -> Iterator[_Fault]:
    """Yield the faults of a value that is an object."""
    if hint is Duration:
        yield from _check_duration(place, value)
    elif isinstance(value, Milliseconds):
        if _is_token(value.number):
            yield place, *_TOKEN
    elif hint is Backend:
        # The fix for text depends on the caller.
        if not isinstance(value, str | Backend):
            yield place, "is not a backend", _shown(value), "a node, a router, a service or an external service"
    elif hint is not ModelDuration and (hint is ecs.HealthCheck or hint.__module__.startswith("color_mesh.")):
        yield from _check_own_class(place, hint, value, literal=literal)
    elif hint.__module__.startswith("aws_cdk") and isinstance(value, _NO_OBJECTS):
        # The CDK reports these with a stack trace of Node, and after it has created a part of the constructs.
        fix = "the object itself, imported if another app owns it"
        yield place, f"is not of the type {_name(hint)}", _shown(value), fix


def _check_own_class(place: str, hint: type, value: object, *, literal: bool) -> Iterator[_Fault]:
    """Yield the faults of a construct, or of a value of the model and its fields."""
    if not isinstance(value, hint):
        yield place, f"is not of the type {_name(hint)}", _shown(value), f"such as {_name(hint)}(...)"
    elif is_dataclass(value) and hint.__module__.startswith("color_mesh.model."):
        for name, field_hint in _hints(hint).items():
            # Nothing is compiled from an ARN, so it may be known at deployment only.
            is_literal = literal and not name.endswith(("arn", "arns"))
            yield from _check(f"{place}.{name}", field_hint, getattr(value, name), literal=is_literal)


def _check_duration(place: str, value: object) -> Iterator[_Fault]:
    if not isinstance(value, Duration):
        yield place, "is not a duration", _shown(value), "such as Duration.seconds(5)"
    elif value.is_unresolved():
        yield place, *_TOKEN


def _name(hint: type) -> str:
    """Return the name of a class, those of the CDK with their module: ``ecs.HealthCheck``."""
    module = hint.__module__.rpartition(".aws_")[2] if hint.__module__.startswith("aws_cdk.aws_") else ""
    return f"{module}.{hint.__name__}".lstrip(".")


def _is_token(value: object) -> bool:
    """Return whether a value stands for one of the deployment (CDK Developer Guide, *Tokens*)."""
    # Python has the others at hand: each question to the CDK is a call to Node.
    if isinstance(value, str):
        return "Token[" in value and Token.is_unresolved(value)
    if isinstance(value, float):
        return isfinite(value) and Token.is_unresolved(value)  # JSON, and so Node, has no other numbers.
    return not isinstance(value, int | NoneType) and Token.is_unresolved(value)


def _shown(value: object) -> object:
    """Return a value for a message: for a construct its path."""
    if isinstance(value, str) and _is_token(value):
        return "a token"
    if isinstance(value, list | tuple | set):
        return [_shown(each) for each in value]
    if isinstance(value, Duration):
        return "a duration"
    # Imported constructs of the CDK have no class of their own.
    return value.node.path if hasattr(value, "node") and not isinstance(value, type) else value
