"""CloudFormation's functions on values: what each makes of its arguments."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from color_mesh.cloudformation.stack import Stack
from color_mesh.cloudformation.values import Unknown, is_plain, only_deployed, plain, refusal

if TYPE_CHECKING:
    from color_mesh.cloudformation.evaluate import Evaluator


def _find_in_map(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> Any:
    if not (isinstance(argument, list) and len(argument) in (3, 4)):
        raise refusal(place, "Fn::FindInMap has wrong arguments", argument, "a mapping and two keys")
    name, first, second = (evaluator.text(stack, key, place) for key in argument[:3])
    found: Any = stack.section("Mappings")
    for key in (name, first, second):
        found = found[key] if isinstance(found, dict) and key in found else None
    if is_plain(found):
        return found
    if len(argument) == 4 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
        return evaluator.value(stack, argument[3]["DefaultValue"], place)
    raise refusal(place, "is in no mapping", (name, first, second), "a mapping of the template and keys of it")


def _join(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> str:
    separator, parts = _separated(argument, "Fn::Join", "a separator and a list", place)
    texts = [evaluator.text(stack, part, place) for part in evaluator.items(stack, parts, place)]
    evaluator.measure(separator, place, len(texts))
    return separator.join(texts)


def _split(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> list[str]:
    separator, text = _separated(argument, "Fn::Split", "a separator and text", place)
    if not separator:
        raise refusal(place, "Fn::Split has wrong arguments", argument, "a separator that is not empty")
    return evaluator.text(stack, text, place).split(separator)


def _select(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> Any:
    index, items = _pair(argument, "Fn::Select", "an index and a list", place)
    found = evaluator.items(stack, items, place)
    number = evaluator.text(stack, index, place)
    if number not in map(str, range(len(found))):
        raise refusal(place, "Fn::Select has no such item", number, f"the list has {len(found)}")
    return found[int(number)]


def _sub(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> str:
    template, given = (
        (argument, {})
        if isinstance(argument, str)
        else _pair(argument, "Fn::Sub", "text and the values of its variables", place)
    )
    if not (isinstance(template, str) and isinstance(given, dict)):
        raise refusal(place, "Fn::Sub has wrong arguments", argument, "text and the values of its variables")

    def replaced(name: str) -> str:
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        name = name.strip()
        if name in given:
            return evaluator.text(stack, given[name], place)
        return evaluator.text(stack, {"Fn::GetAtt": name} if "." in name else {"Ref": name}, place)

    # Not by a regular expression, which would look for the end of each variable anew where there is none.
    made, at = [], 0
    while (start := template.find("${", at)) >= 0 and (end := template.find("}", start)) >= 0:
        made += [template[at:start], replaced(template[start + 2 : end])]
        at = end + 1
    return "".join((*made, template[at:]))


def _if(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> Any:
    if not (isinstance(argument, list) and len(argument) == 3):
        raise refusal(place, "Fn::If has wrong arguments", argument, "a condition and two values")
    return evaluator.value(stack, argument[1 if evaluator.condition(stack, argument[0], place) else 2], place)


def _equals(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> bool:
    first, second = _pair(argument, "Fn::Equals", "two values", place)
    return bool(plain(evaluator.known(stack, first, place)) == plain(evaluator.known(stack, second, place)))


def _not(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> bool:
    if not (isinstance(argument, list) and len(argument) == 1):
        raise refusal(place, "Fn::Not has wrong arguments", argument, "a list of one condition")
    return not evaluator.truth(stack, argument[0], place)


def _truth_of_all(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> bool:
    return all(evaluator.truth(stack, each, place) for each in _conditions(argument, place))


def _truth_of_any(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> bool:
    return any(evaluator.truth(stack, each, place) for each in _conditions(argument, place))


def _conditions(argument: Any, place: str) -> list[Any]:
    if isinstance(argument, list) and argument:
        return argument
    raise refusal(place, "has no conditions", argument, "a list of conditions")


def _to_json(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> str:
    def refuse(found: Any) -> Any:
        if isinstance(found, Unknown):
            raise only_deployed(place, found)
        raise refusal(place, "Fn::ToJsonString has nothing to write", found, "an object or a list")

    return json.dumps(evaluator.value(stack, argument, place), default=refuse, separators=(",", ":"))


def _separated(argument: Any, function: str, wanted: str, place: str) -> tuple[str, Any]:
    separator, rest = _pair(argument, function, wanted, place)
    if not isinstance(separator, str):
        raise refusal(place, f"{function} has wrong arguments", argument, wanted)
    return separator, rest


def _pair(argument: Any, function: str, wanted: str, place: str) -> tuple[Any, Any]:
    if not (isinstance(argument, list) and len(argument) == 2):
        raise refusal(place, f"{function} has wrong arguments", argument, wanted)
    return argument[0], argument[1]


def _base64(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> str:
    return base64.b64encode(evaluator.text(stack, argument, place).encode()).decode()


def _length(evaluator: "Evaluator", stack: Stack, argument: Any, place: str) -> int:
    return len(evaluator.items(stack, argument, place))


Function: TypeAlias = Callable[["Evaluator", Stack, Any, str], Any]
FUNCTIONS: Mapping[str, Function] = {
    "Fn::And": _truth_of_all,
    "Fn::Base64": _base64,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Not": _not,
    "Fn::Or": _truth_of_any,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json,
}
