"""Working out what a template's values are, as CloudFormation would when it deploys them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from color_mesh.cloudformation.functions import FUNCTIONS
from color_mesh.cloudformation.stack import NESTED, Stack
from color_mesh.cloudformation.values import (
    NO_VALUE,
    NoValue,
    Unknown,
    Unresolved,
    is_plain,
    only_deployed,
    plain,
    refusal,
    unknown,
)
from color_mesh.model import MeshError

MAX_DEPTH = 100  # Values in values and what they refer to; well within Python's own limit.
MAX_SIZE = 10_000_000  # Characters and items that functions may make, all in all.
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


class Evaluator:
    """Evaluate values of stacks that may refer to each other.

    Args:
        stacks: Every stack, nested ones too.
        values: Values of parameters, pseudo parameters and attributes (``LogicalId.Attribute``) from outside.
        known_attributes: Attributes, by type and name, that are a property of the resource.
    """

    def __init__(
        self,
        stacks: Sequence[Stack],
        values: Mapping[str, str],
        known_attributes: Mapping[tuple[str, str], str],
    ) -> None:
        self._stacks = stacks
        self._values = values
        self._known_attributes = known_attributes
        self._open: list[tuple[Stack, str]] = []
        self._found: dict[tuple[Stack, str], Any] = {}
        self._depth = 0
        self._size = 0
        self._lenient = False

    def value(self, stack: Stack, value: Any, place: str) -> Any:
        """Evaluate a value; what was removed by ``AWS::NoValue`` is `NO_VALUE`.

        Raises:
            MeshError: With everything in it that cannot be worked out, each under its own place.
        """
        if self._depth >= MAX_DEPTH:
            raise refusal(place, "is too deep", f"more than {MAX_DEPTH} levels", "shorten the chain of references")
        self._depth += 1
        try:
            return self._value(stack, value, place)
        finally:
            self._depth -= 1

    def lenient_value(self, stack: Stack, value: Any, place: str) -> Any:
        """Evaluate an object, as `value` does; what in it cannot be worked out is `Unresolved`."""
        self._lenient = True
        try:
            return self.value(stack, value, place)
        finally:
            self._lenient = False

    def condition(self, stack: Stack, name: Any, place: str) -> bool:
        """Evaluate a condition by its name."""
        conditions = stack.section("Conditions")
        if not (isinstance(name, str) and name in conditions):
            raise unknown(place, "condition", name, conditions)
        where = f"{stack.path.name}: Conditions.{name}"
        return bool(self._once(stack, f"condition {name}", place, lambda: self.truth(stack, conditions[name], where)))

    def wanted(self, stack: Stack, logical_id: str) -> bool:
        """Tell whether a resource is deployed: by its own condition, and those of the stacks that it is nested in."""
        declared = stack.section("Resources")[logical_id]
        place = f"{stack.path.name}: {logical_id}.Condition"
        return self._deployed(stack) and (
            "Condition" not in declared or self.condition(stack, declared["Condition"], place)
        )

    def _deployed(self, stack: Stack) -> bool:
        return stack.parent is None or self.wanted(*stack.parent)

    def _value(self, stack: Stack, value: Any, place: str) -> Any:
        if isinstance(value, dict):
            function = next(iter(value)) if len(value) == 1 else ""
            if len(value) > 1 and any(key.startswith("Fn::") for key in value):
                raise refusal(place, "has a function beside other keys", tuple(value), "a function stands alone")
            if function in ("Ref", "Condition") or function.startswith("Fn::"):
                value = self._call(stack, function, value[function], place)
                self.measure(value, place)
            else:
                return self._each(value, lambda key: (value[key], f"{place}.{key}"), stack)
        elif isinstance(value, list):
            found = self._each(range(len(value)), lambda index: (value[index], f"{place}[{index}]"), stack)
            return list(found.values())
        if isinstance(value, str) and "}}" in value.partition("{{resolve:")[2]:
            raise refusal(place, "is known only to a deployment", value, "write the value itself")
        return value

    def _each(self, keys: Any, item: Callable[[Any], tuple[Any, str]], stack: Stack) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        problems: list[str] = []
        for key in keys:
            try:
                value = self.value(stack, *item(key))
            except MeshError as error:
                if self._lenient:
                    found[key] = Unresolved(error.problems)
                problems += () if self._lenient else error.problems
                continue
            if value is not NO_VALUE:
                found[key] = value
        if problems:
            # What two of them refer to is wrong once.
            raise MeshError(dict.fromkeys(problems))
        return found

    def _call(self, stack: Stack, function: str, argument: Any, place: str) -> Any:
        # A function takes all of its arguments, or gives nothing.
        lenient, self._lenient = self._lenient, False
        try:
            return self._called(stack, function, argument, place)
        finally:
            self._lenient = lenient

    def _called(self, stack: Stack, function: str, argument: Any, place: str) -> Any:
        references: dict[str, Callable[[Stack, Any, str], Any]] = {
            "Condition": self.condition,
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::GetStackOutput": self._get_stack_output,
            "Fn::ImportValue": self._import_value,
        }
        if function in references:
            return references[function](stack, argument, place)
        if function in FUNCTIONS:
            return FUNCTIONS[function](self, stack, argument, place)
        raise refusal(place, "is a function that only a deployment can work out", function, "write its result")

    def _ref(self, stack: Stack, name: Any, place: str) -> Any:
        if not isinstance(name, str):
            raise refusal(place, "Ref has wrong arguments", name, "the name of a parameter or resource")
        if name.startswith("AWS::"):
            return self._pseudo(stack, name, place)
        if name in stack.section("Parameters"):
            return self._parameter(stack, name, place)
        if name not in stack.section("Resources"):
            known = (*stack.section("Parameters"), *stack.section("Resources"))
            raise unknown(place, "parameter or resource", name, known)
        return self._values.get(f"{name}.Ref", Unknown(stack, name, "Ref"))

    def _pseudo(self, stack: Stack, name: str, place: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name == "AWS::NotificationARNs":
            return []
        if name.removeprefix("AWS::") not in _PSEUDO_PARAMETERS:
            raise unknown(place, "pseudo parameter", name, [f"AWS::{each}" for each in _PSEUDO_PARAMETERS])
        known = {**_PSEUDO, "AWS::StackName": stack.name, **stack.pseudo, **self._values}
        if name not in known:
            raise refusal(place, "is known only to a deployment", name, f"give it with --set {name}=VALUE")
        return known[name]

    def _parameter(self, stack: Stack, name: str, place: str) -> Any:
        declared = stack.section("Parameters")[name]
        kind = str(declared.get("Type", "String"))
        given = self._given(stack, name, place)
        if given is NO_VALUE and not kind.startswith("AWS::SSM::Parameter::Value"):
            given = declared.get("Default", NO_VALUE)
        if given is NO_VALUE:
            raise refusal(place, "is a parameter without a value", name, f"give it with --set {name}=VALUE")
        if ("CommaDelimitedList" in kind or "List<" in kind) and isinstance(given, str):
            given = [item.strip() for item in given.split(",")]
        if not is_plain(given):
            raise refusal(place, f"parameter {name} has a wrong value", given, "text or a list of text")
        allowed = declared.get("AllowedValues")
        for item in given if isinstance(given, list) else [given]:
            if isinstance(allowed, list) and plain(item) not in map(plain, allowed):
                raise refusal(place, f"parameter {name} has a value that is not allowed", item, f"one of: {allowed}")
        return given

    def _given(self, stack: Stack, name: str, place: str) -> Any:
        """Find what whoever deploys the stack gives for a parameter."""
        if stack.parent is None:
            return self._values.get(name, stack.parameters.get(name, NO_VALUE))
        parent, logical_id = stack.parent
        passed = parent.section("Resources")[logical_id].get("Properties", {}).get("Parameters", {})
        if not (isinstance(passed, dict) and name in passed):
            return NO_VALUE
        where = f"{parent.path.name}: {logical_id}.Parameters.{name}"
        return self._once(stack, f"parameter {name}", place, lambda: self.value(parent, passed[name], where))

    def _get_att(self, stack: Stack, argument: Any, place: str) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not (isinstance(parts, list) and len(parts) == 2 and isinstance(parts[0], str)):
            raise refusal(place, "Fn::GetAtt has wrong arguments", argument, "a logical id and an attribute")
        logical_id, attribute = parts[0], self.text(stack, parts[1], place)
        resources = stack.section("Resources")
        if logical_id not in resources:
            raise unknown(place, "resource", logical_id, resources)
        return self._attribute(stack, logical_id, attribute, place)

    def _attribute(self, stack: Stack, logical_id: str, attribute: str, place: str) -> Any:
        if f"{logical_id}.{attribute}" in self._values:
            return self._values[f"{logical_id}.{attribute}"]
        resource = stack.section("Resources")[logical_id]
        if resource["Type"] == NESTED and attribute.startswith("Outputs."):
            child = stack.children.get(logical_id)
            if child is None:
                fix = "give its template as well: a file beside its parent, or the folder that the CDK wrote"
                raise refusal(place, "is an output of a nested stack that is not at hand", logical_id, fix)
            return self._output(child, attribute.removeprefix("Outputs."), place)
        known = self._known_attributes.get((resource["Type"], attribute))
        if known is None:
            return Unknown(stack, logical_id, attribute)
        named = resource.get("Properties", {}).get(known, {"Ref": "AWS::NoValue"})
        where = f"{stack.path.name}: {logical_id}.{known}"
        found = self._once(stack, f"{logical_id}.{attribute}", place, lambda: self._scalar(stack, named, where))
        return f"{stack.name}-{logical_id}" if found is NO_VALUE else found

    def _output(self, stack: Stack, name: str, place: str) -> Any:
        outputs = {each: output for each, output in stack.section("Outputs").items() if "Value" in output}
        if name not in outputs:
            raise unknown(place, f"output of {stack.path.name}", name, outputs)
        if not self._has_output(stack, name):
            fix = "its condition is false: refer to it under the same condition"
            raise refusal(place, "is an output that is not there", name, fix)
        value, where = outputs[name]["Value"], f"{stack.path.name}: Outputs.{name}.Value"
        return self._once(stack, f"output {name}", place, lambda: self._scalar(stack, value, where))

    def _has_output(self, stack: Stack, name: str) -> bool:
        declared = stack.section("Outputs")[name]
        return self._deployed(stack) and (
            "Condition" not in declared
            or self.condition(stack, declared["Condition"], f"{stack.path.name}: Outputs.{name}.Condition")
        )

    def _get_stack_output(self, stack: Stack, argument: Any, place: str) -> Any:
        if not (isinstance(argument, dict) and {"StackName", "OutputName"} <= set(argument)):
            raise refusal(place, "Fn::GetStackOutput has wrong arguments", argument, "a StackName and an OutputName")
        name = self.text(stack, argument["StackName"], place)
        for other in self._stacks:
            if other.name == name:
                return self._output(other, self.text(stack, argument["OutputName"], place), place)
        raise unknown(place, "stack", name, [other.name for other in self._stacks])

    def _import_value(self, stack: Stack, argument: Any, place: str) -> Any:
        name = self.text(stack, argument, place)
        exports = self._once(stack, "names of exports", place, self._exports)
        if name not in exports:
            fix = f"give the template that exports it too; exported: {', '.join(sorted(exports)) or 'nothing'}"
            raise refusal(place, "imports what no template exports", name, fix)
        exporter, output = exports[name]
        return self._output(exporter, output, place)

    def _exports(self) -> dict[str, tuple[Stack, str]]:
        found: dict[str, tuple[Stack, str]] = {}
        for stack in self._stacks:
            for output, declared in stack.section("Outputs").items():
                export = declared.get("Export")
                if isinstance(export, dict) and self._has_output(stack, output):
                    place = f"{stack.path.name}: Outputs.{output}.Export.Name"
                    name = self.text(stack, export.get("Name"), place)
                    if name in found:
                        other, also = found[name]
                        fix = f"also by {other.path.name}: Outputs.{also}"
                        raise refusal(place, "is exported twice", name, fix)
                    found[name] = stack, output
        return found

    def truth(self, stack: Stack, value: Any, place: str) -> bool:
        """Evaluate what must be a condition."""
        found = self.known(stack, value, place)
        if not isinstance(found, bool):
            raise refusal(place, "is no condition", found, "Fn::Equals, Fn::And, Fn::Or, Fn::Not or a Condition")
        return found

    def known(self, stack: Stack, value: Any, place: str) -> Any:
        """Evaluate what must be known before a deployment."""
        found = self.value(stack, value, place)
        if isinstance(found, Unknown):
            raise only_deployed(place, found)
        return found

    def _scalar(self, stack: Stack, value: Any, place: str) -> Any:
        found = self.value(stack, value, place)
        if not isinstance(found, str | int | float | Unknown | NoValue):
            raise refusal(place, "is not text", found, "text")
        return found

    def text(self, stack: Stack, value: Any, place: str) -> str:
        """Evaluate what must be text; numbers and truth values are."""
        found = self.known(stack, value, place)
        if not isinstance(found, str | int | float):
            raise refusal(place, "is not text", found, "text where the function needs it")
        self.measure(found, place)
        return str(plain(found))

    def items(self, stack: Stack, value: Any, place: str) -> list[Any]:
        """Evaluate what must be a list."""
        found = self.known(stack, value, place)
        if not isinstance(found, list):
            raise refusal(place, "is no list", found, "a list where the function needs it")
        return found

    def measure(self, found: Any, place: str, times: int = 1) -> None:
        """Refuse to make more and more out of a little, such as text that doubles with each reference."""
        self._size += len(found) * times if isinstance(found, str | list) else 1
        if self._size > MAX_SIZE:
            got = f"more than {MAX_SIZE} characters and items"
            raise refusal(place, "stands for too much", got, "refer to less, less often")

    def _once(self, stack: Stack, what: str, place: str, work: Callable[[], Any]) -> Any:
        """Work out what may be referred to often; refuse to while that is being worked out already."""
        key = (stack, what)
        if key in self._open:
            way = " -> ".join(f"{name} of {each.name}" for each, name in [*self._open[self._open.index(key) :], key])
            raise refusal(place, "refers to itself", way, "break the circle")
        if key not in self._found:
            self._open.append(key)
            try:
                self._found[key] = work()
            except MeshError as error:
                self._found[key] = error
            finally:
                self._open.pop()
        found = self._found[key]
        if isinstance(found, MeshError):
            raise MeshError(found.problems)
        return found
