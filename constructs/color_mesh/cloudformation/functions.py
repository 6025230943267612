"""Intrinsic functions that compute a value from their arguments."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from color_mesh.cloudformation.evaluate import Evaluator, Function
from color_mesh.cloudformation.references import compared_value
from color_mesh.cloudformation.stack import Stack
from color_mesh.cloudformation.values import Unknown, as_text, deployment_only, is_plain, refusal, unhidden


def _find_in_map(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> Any:
    if not (isinstance(argument, list) and len(argument) in (3, 4)):
        raise refusal(place, "Fn::FindInMap has wrong arguments", argument, "a mapping and two keys")
    name, first, second = (evaluator.text(stack, key, place) for key in argument[:3])
    value: Any = stack.section("Mappings")
    for key in (name, first, second):
        value = value[key] if isinstance(value, dict) and key in value else None
    if is_plain(value):
        return value
    if len(argument) == 4 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
        return evaluator.value(stack, argument[3]["DefaultValue"], place)
    raise refusal(place, "is in no mapping", (name, first, second), "a mapping of the template and keys of it")


def _join(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> str:
    separator, parts = _separated(argument, "Fn::Join", "a separator and a list", place)
    texts = [evaluator.text(stack, part, place) for part in evaluator.items(stack, parts, place)]
    evaluator.count(separator, place, len(texts))
    return separator.join(texts)


def _split(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> list[str]:
    separator, text = _separated(argument, "Fn::Split", "a separator and text", place)
    if not separator:
        raise refusal(place, "Fn::Split has wrong arguments", argument, "a separator that is not empty")
    return unhidden(evaluator.text(stack, text, place), place).split(separator)


def _select(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> Any:
    index_value, list_value = _pair(argument, "Fn::Select", "an index and a list", place)
    items = evaluator.items(stack, list_value, place)
    index = evaluator.text(stack, index_value, place)
    if index not in map(str, range(len(items))):
        raise refusal(place, "Fn::Select has no such item", index, f"the list has {len(items)}")
    return items[int(index)]


def _sub(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> str:
    template, variables = (
        (argument, {})
        if isinstance(argument, str)
        else _pair(argument, "Fn::Sub", "text and the values of its variables", place)
    )
    if not (isinstance(template, str) and isinstance(variables, dict)):
        raise refusal(place, "Fn::Sub has wrong arguments", argument, "text and the values of its variables")

    def substitute(name: str) -> str:
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        name = name.strip()
        if name in variables:
            return evaluator.text(stack, variables[name], place)
        return evaluator.text(stack, {"Fn::GetAtt": name} if "." in name else {"Ref": name}, place)

    # A regular expression would take quadratic time on text with many "${" and no "}".
    parts, position = [], 0
    while (start := template.find("${", position)) >= 0 and (end := template.find("}", start)) >= 0:
        parts += [template[position:start], substitute(template[start + 2 : end])]
        position = end + 1
    return "".join((*parts, template[position:]))


def _if(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> Any:
    if not (isinstance(argument, list) and len(argument) == 3):
        raise refusal(place, "Fn::If has wrong arguments", argument, "a condition and two values")
    return evaluator.value(stack, argument[1 if evaluator.condition(stack, argument[0], place) else 2], place)


def _equals(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> bool:
    first, second = _pair(argument, "Fn::Equals", "two values", place)
    left, right = (as_text(compared_value(evaluator, stack, each, place)) for each in (first, second))
    return bool(left == right)


def _not(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> bool:
    if not (isinstance(argument, list) and len(argument) == 1):
        raise refusal(place, "Fn::Not has wrong arguments", argument, "a list of one condition")
    return not evaluator.truth(stack, argument[0], place)


def _and(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> bool:
    return all(evaluator.truth(stack, each, place) for each in _conditions(argument, place))


def _or(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> bool:
    return any(evaluator.truth(stack, each, place) for each in _conditions(argument, place))


def _conditions(argument: Any, place: str) -> list[Any]:
    if isinstance(argument, list) and argument:
        return argument
    raise refusal(place, "has no conditions", argument, "a list of conditions")


def _to_json_string(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> str:
    def reject(value: Any) -> Any:
        if isinstance(value, Unknown):
            raise deployment_only(place, value)
        raise refusal(place, "Fn::ToJsonString has wrong arguments", value, "an object or a list")

    return json.dumps(evaluator.value(stack, argument, place), default=reject, separators=(",", ":"))


def _separated(argument: Any, function: str, expected: str, place: str) -> tuple[str, Any]:
    separator, rest = _pair(argument, function, expected, place)
    if not isinstance(separator, str):
        raise refusal(place, f"{function} has wrong arguments", argument, expected)
    return separator, rest


def _pair(argument: Any, function: str, expected: str, place: str) -> tuple[Any, Any]:
    if not (isinstance(argument, list) and len(argument) == 2):
        raise refusal(place, f"{function} has wrong arguments", argument, expected)
    return argument[0], argument[1]


def _base64(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> str:
    return base64.b64encode(unhidden(evaluator.text(stack, argument, place), place).encode()).decode()


def _length(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> int:
    return len(unhidden(evaluator.items(stack, argument, place), place))


FUNCTIONS: Mapping[str, Function] = {
    "Fn::And": _and,
    "Fn::Base64": _base64,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Not": _not,
    "Fn::Or": _or,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json_string,
}
