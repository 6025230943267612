"""Intrinsic functions that refer to other parts of a template or to other stacks."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from color_mesh.cloudformation.evaluate import Evaluator, Function
from color_mesh.cloudformation.stack import NESTED, Stack
from color_mesh.cloudformation.uses import missing_export, missing_parameter
from color_mesh.cloudformation.values import (
    NO_VALUE,
    MissingValue,
    NoValue,
    Unknown,
    as_text,
    deployment_only,
    hidden_value,
    is_plain,
    refusal,
    unhidden,
    unknown_name,
)
from color_mesh.model.errors import MAX_LISTED, listed

_PSEUDO = {"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
_PSEUDO_PARAMETERS = (
    "AccountId",
    "NoValue",
    "NotificationARNs",
    "Partition",
    "Region",
    "StackId",
    "StackName",
    "URLSuffix",
)


def _ref(evaluator: Evaluator, stack: Stack, name: Any, place: str) -> Any:
    if not isinstance(name, str):
        raise refusal(place, "Ref has wrong arguments", name, "the name of a parameter or resource")
    if name.startswith("AWS::"):
        return _pseudo_parameter(evaluator, stack, name, place)
    if name in stack.section("Parameters"):
        hidden = evaluator.hides_secrets and stack.is_secret(name)
        try:
            value = _parameter(evaluator, stack, name, place)
        except MissingValue:
            if not hidden:
                raise
            return hidden_value(name)  # It would stand for any value.
        if hidden:
            return [hidden_value(name)] if isinstance(value, list) else hidden_value(name)
        return value
    if name not in stack.section("Resources"):
        known = evaluator.once(stack, "parameters and resources", place, lambda: _known(stack))
        raise unknown_name(place, "parameter or resource", name, known)
    given = evaluator.values.get(f"{name}.Ref")
    return _attribute(evaluator, stack, name, "Ref", place) if given is None else given


def compared_value(evaluator: Evaluator, stack: Stack, operand: Any, place: str) -> Any:
    """Return an operand of ``Fn::Equals``: of a parameter with ``NoEcho`` its value, if the operand is the parameter.

    Comparisons of its parts would tell a template each character, which it could write somewhere.
    """
    name = _referred_parameter(stack, operand)
    if name is None:
        return unhidden(evaluator.known(stack, operand, place), place)
    while stack.parent is not None and (origin := _referred_parameter(stack.parent[0], _argument(stack, name))):
        stack, name = stack.parent[0], origin
    value = _parameter(evaluator, stack, name, place)
    if isinstance(value, Unknown):
        raise deployment_only(place, value)
    return unhidden(value, place)


def _referred_parameter(stack: Stack, value: Any) -> str | None:
    """Return the parameter that a value refers to, if it is nothing but a reference to one."""
    name = value.get("Ref") if isinstance(value, dict) and len(value) == 1 else None
    return name if isinstance(name, str) and name in stack.section("Parameters") else None


def _known(stack: Stack) -> dict[str, Any]:
    return {**stack.section("Parameters"), **stack.section("Resources")}


def _pseudo_parameter(evaluator: Evaluator, stack: Stack, name: str, place: str) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    if name == "AWS::NotificationARNs":
        return []
    if name.removeprefix("AWS::") not in _PSEUDO_PARAMETERS:
        raise unknown_name(place, "pseudo parameter", name, [f"AWS::{each}" for each in _PSEUDO_PARAMETERS])
    known = {**_PSEUDO, "AWS::StackName": stack.name, **stack.pseudo, **evaluator.values}
    if name not in known:
        raise missing_parameter(evaluator, name, place)
    return known[name]


def _parameter(evaluator: Evaluator, stack: Stack, name: str, place: str) -> Any:
    parameter = stack.section("Parameters")[name]
    kind = str(parameter.get("Type", "String"))
    value = _parameter_value(evaluator, stack, name, place)
    if value is NO_VALUE and not kind.startswith("AWS::SSM::Parameter::Value"):
        value = parameter.get("Default", NO_VALUE)
    if value is NO_VALUE:
        # A nested stack to which its parent passes no value.
        value = evaluator.values.get(name, NO_VALUE)
    if value is NO_VALUE:
        raise missing_parameter(evaluator, name, place)
    if ("CommaDelimitedList" in kind or "List<" in kind) and isinstance(value, str):
        value = [item.strip() for item in value.split(",")]
    quoted = hidden_value(name) if stack.is_secret(name) else None
    if not is_plain(value):
        raise refusal(place, f"parameter {name} has a wrong value", quoted or value, "text or a list of text")
    allowed = parameter.get("AllowedValues")
    if isinstance(allowed, list):
        texts = evaluator.once(stack, f"allowed values of {name}", place, lambda: set(map(str, map(as_text, allowed))))
        for item in value if isinstance(value, list) else [value]:
            if str(as_text(item)) not in texts:
                fix = f"one of: {allowed if len(allowed) <= MAX_LISTED else f'{len(allowed)} values'}"
                raise refusal(place, f"parameter {name} has a value that is not allowed", quoted or item, fix)
    return value


def _parameter_value(evaluator: Evaluator, stack: Stack, name: str, place: str) -> Any:
    """Return a parameter's value from the user, the cloud assembly or the parent stack; else `NO_VALUE`."""
    if stack.parent is None:
        return evaluator.values.get(name, stack.parameters.get(name, NO_VALUE))
    parent, logical_id = stack.parent
    argument = _argument(stack, name)
    if argument is NO_VALUE:
        return NO_VALUE
    origin = f"{parent.place(logical_id)}.Parameters.{name}"
    return evaluator.once(stack, f"parameter {name}", place, lambda: evaluator.value(parent, argument, origin))


def _argument(stack: Stack, name: str) -> Any:
    """Return what the parent declares as the value of a parameter of a nested stack; else `NO_VALUE`."""
    if stack.parent is None:
        return NO_VALUE
    parent, logical_id = stack.parent
    arguments = parent.section("Resources")[logical_id].get("Properties", {}).get("Parameters", {})
    return arguments.get(name, NO_VALUE) if isinstance(arguments, dict) else NO_VALUE


def _get_att(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not (isinstance(parts, list) and len(parts) == 2 and isinstance(parts[0], str)):
        raise refusal(place, "Fn::GetAtt has wrong arguments", argument, "a logical id and an attribute")
    logical_id, attribute = parts[0], evaluator.text(stack, parts[1], place)
    resources = stack.section("Resources")
    if logical_id not in resources:
        raise unknown_name(place, "resource", logical_id, resources)
    if f"{logical_id}.{attribute}" in evaluator.values:
        return evaluator.values[f"{logical_id}.{attribute}"]
    if resources[logical_id]["Type"] == NESTED and attribute.startswith("Outputs."):
        return _nested_output(evaluator, stack, logical_id, attribute.removeprefix("Outputs."), place)
    return _attribute(evaluator, stack, logical_id, attribute, place)


def _nested_output(evaluator: Evaluator, stack: Stack, logical_id: str, name: str, place: str) -> Any:
    child = stack.children.get(logical_id)
    if child is None:
        fix = "give its template as well: a file beside its parent, or the folder that the CDK wrote"
        raise refusal(place, "is an output of a nested stack whose template was not found", logical_id, fix)
    return _output(evaluator, child, name, place)


def _attribute(evaluator: Evaluator, stack: Stack, logical_id: str, attribute: str, place: str) -> Any:
    """Return an attribute that repeats a property, the ARN of a resource that is emulated, or `Unknown`."""
    resource = stack.section("Resources")[logical_id]
    key = evaluator.known_attributes.get((resource["Type"], attribute))
    if key is None:
        return Unknown(stack, logical_id, attribute)
    if key.startswith("arn:"):
        name = f"{stack.name}-{logical_id}"
        # ARNs of secrets end with six characters, too.
        suffix = blake2b(name.encode(), digest_size=3).hexdigest()
        return evaluator.text(stack, {"Fn::Sub": f"{key}{name}-{suffix}"}, place)
    value = resource.get("Properties", {}).get(key, {"Ref": "AWS::NoValue"})
    origin = f"{stack.place(logical_id)}.{key}"
    result = evaluator.once(stack, f"{logical_id}.{attribute}", place, lambda: _scalar(evaluator, stack, value, origin))
    return f"{stack.name}-{logical_id}" if result is NO_VALUE else result


def _get_stack_output(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> Any:
    if not (isinstance(argument, dict) and {"StackName", "OutputName"} <= set(argument)):
        raise refusal(place, "Fn::GetStackOutput has wrong arguments", argument, "a StackName and an OutputName")
    name = evaluator.text(stack, argument["StackName"], place)
    for other in evaluator.stacks:
        if other.name == name:
            return _output(evaluator, other, evaluator.text(stack, argument["OutputName"], place), place)
    raise unknown_name(place, "stack", name, [other.name for other in evaluator.stacks])


def _import_value(evaluator: Evaluator, stack: Stack, argument: Any, place: str) -> Any:
    name = evaluator.text(stack, argument, place)
    if name in evaluator.values:
        return evaluator.values[name]
    exports = evaluator.once(stack, "names of exports", place, lambda: _exports(evaluator))
    if name not in exports:
        raise missing_export(evaluator, name, listed(exports, "nothing"), place)
    exporter, output = exports[name]
    return _output(evaluator, exporter, output, place)


def _exports(evaluator: Evaluator) -> dict[str, tuple[Stack, str]]:
    exports: dict[str, tuple[Stack, str]] = {}
    for stack in evaluator.stacks:
        for output, declaration in stack.section("Outputs").items():
            export = declaration.get("Export")
            if isinstance(export, dict) and _is_output_deployed(evaluator, stack, output):
                place = f"{stack.place(f'Outputs.{output}')}.Export.Name"
                name = evaluator.text(stack, export.get("Name"), place)
                if name in exports:
                    other, other_output = exports[name]
                    fix = f"also by {other.place(f'Outputs.{other_output}')}"
                    raise refusal(place, "is exported twice", name, fix)
                exports[name] = stack, output
    return exports


def _output(evaluator: Evaluator, stack: Stack, name: str, place: str) -> Any:
    outputs = evaluator.once(stack, "outputs with a value", place, lambda: _outputs_with_value(stack))
    if name not in outputs:
        raise unknown_name(place, f"output of {stack.path.name}", name, outputs)
    if not _is_output_deployed(evaluator, stack, name):
        fix = "its condition is false: refer to it under the same condition"
        raise refusal(place, "is an output that is not deployed", name, fix)
    value, origin = outputs[name]["Value"], f"{stack.place(f'Outputs.{name}')}.Value"
    return evaluator.once(stack, f"output {name}", place, lambda: _scalar(evaluator, stack, value, origin))


def _outputs_with_value(stack: Stack) -> dict[str, Mapping[str, Any]]:
    return {name: output for name, output in stack.section("Outputs").items() if "Value" in output}


def _is_output_deployed(evaluator: Evaluator, stack: Stack, name: str) -> bool:
    place = f"{stack.place(f'Outputs.{name}')}.Condition"
    return evaluator.holds(stack, stack.section("Outputs")[name], place)


def _scalar(evaluator: Evaluator, stack: Stack, value: Any, place: str) -> Any:
    result = evaluator.value(stack, value, place)
    if not isinstance(result, str | int | float | Unknown | NoValue):
        raise refusal(place, "is not text", result, "text")
    return result


REFERENCES: Mapping[str, Function] = {
    "Condition": Evaluator.condition,
    "Fn::GetAtt": _get_att,
    "Fn::GetStackOutput": _get_stack_output,
    "Fn::ImportValue": _import_value,
    "Ref": _ref,
}
