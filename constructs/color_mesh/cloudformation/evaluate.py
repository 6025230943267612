"""Working out what a template's values are, as CloudFormation would when it deploys them."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from color_mesh.cloudformation.stack import NESTED, Stack
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

NO_VALUE = object()
_PSEUDO = {"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}|\$\{!([^}]+)\}")
_DYNAMIC = re.compile(r"\{\{resolve:[^}]*\}\}")


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stand for what only a deployment knows: an attribute of a resource, or ``Ref`` for what a reference gives."""

    stack: Stack
    logical_id: str
    attribute: str


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
        self._open: list[str] = []
        self._exports: dict[str, tuple[Stack, Any, str]] | None = None

    def value(self, stack: Stack, value: Any, place: str) -> Any:
        """Evaluate a value; what was removed by ``AWS::NoValue`` is `NO_VALUE`.

        Raises:
            MeshError: With everything in it that cannot be worked out, each under its own place.
        """
        if isinstance(value, dict):
            function = next(iter(value)) if len(value) == 1 else ""
            if function in ("Ref", "Condition") or function.startswith("Fn::"):
                return self._call(stack, function, value[function], place)
            return self._each(value, lambda key: (value[key], f"{place}.{key}"), stack)
        if isinstance(value, list):
            found = self._each(range(len(value)), lambda index: (value[index], f"{place}[{index}]"), stack)
            return list(found.values())
        if isinstance(value, str) and _DYNAMIC.search(value):
            raise _error(place, "is known only to a deployment", value, "write the value itself")
        return value

    def condition(self, stack: Stack, name: Any, place: str) -> bool:
        """Evaluate a condition by its name."""
        conditions = stack.section("Conditions")
        if name not in conditions:
            raise _unknown(place, "condition", name, conditions)
        with self._opening(f"condition {name}", place):
            return self._truth(stack, conditions[name], f"{stack.path.name}: Conditions.{name}")

    def _each(self, keys: Any, item: Callable[[Any], tuple[Any, str]], stack: Stack) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        problems: list[str] = []
        for key in keys:
            try:
                value = self.value(stack, *item(key))
            except MeshError as error:
                problems += error.problems
                continue
            if value is not NO_VALUE:
                found[key] = value
        if problems:
            raise MeshError(problems)
        return found

    def _call(self, stack: Stack, function: str, argument: Any, place: str) -> Any:
        calls: dict[str, Callable[[Stack, Any, str], Any]] = {
            "Condition": self.condition,
            "Ref": self._ref,
            "Fn::And": self._truth_of_all,
            "Fn::Base64": lambda *call: base64.b64encode(self._text(*call).encode()).decode(),
            "Fn::Equals": self._equals,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::GetStackOutput": self._get_stack_output,
            "Fn::If": self._if,
            "Fn::ImportValue": self._import_value,
            "Fn::Join": self._join,
            "Fn::Length": lambda *call: len(self._list(*call)),
            "Fn::Not": lambda stack, argument, place: not self._truth_of_all(stack, argument, place),
            "Fn::Or": self._truth_of_any,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
            "Fn::ToJsonString": lambda *call: json.dumps(self.value(*call)),
        }
        if function not in calls:
            raise _error(place, "is a function that only a deployment can work out", function, "write its result")
        return calls[function](stack, argument, place)

    def _ref(self, stack: Stack, name: Any, place: str) -> Any:
        if isinstance(name, str) and name.startswith("AWS::"):
            return self._pseudo(stack, name, place)
        if name in stack.section("Parameters"):
            return self._parameter(stack, name, place)
        if name not in stack.section("Resources"):
            known = (*stack.section("Parameters"), *stack.section("Resources"))
            raise _unknown(place, "parameter or resource", name, known)
        return self._values.get(f"{name}.Ref", Unknown(stack, name, "Ref"))

    def _pseudo(self, stack: Stack, name: str, place: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name == "AWS::NotificationARNs":
            return []
        known = {**_PSEUDO, "AWS::StackName": stack.name, **stack.pseudo, **self._values}
        if name not in known:
            raise _error(place, "is known only to a deployment", name, f"give it with --set {name}=VALUE")
        return known[name]

    def _parameter(self, stack: Stack, name: str, place: str) -> Any:
        declared = stack.section("Parameters")[name]
        kind = str(declared.get("Type", "String"))
        if stack.parent is None and name in self._values:
            given: Any = self._values[name]
        elif stack.parent is not None and name in self._passed(*stack.parent):
            parent, logical_id = stack.parent
            with self._opening(f"parameter {name} of {stack.name}", place):
                given = self.value(
                    parent,
                    self._passed(parent, logical_id)[name],
                    f"{parent.path.name}: {logical_id}.Parameters.{name}",
                )
        elif name in stack.parameters:
            given = stack.parameters[name]
        elif "Default" in declared and not kind.startswith("AWS::SSM::Parameter"):
            given = declared["Default"]
        else:
            raise _error(place, "is a parameter without a value", name, f"give it with --set {name}=VALUE")
        allowed = declared.get("AllowedValues")
        if isinstance(allowed, list) and str(given) not in map(str, allowed):
            raise _error(place, f"parameter {name} has a value that is not allowed", given, f"one of: {allowed}")
        listed = kind == "CommaDelimitedList" or kind.startswith("List<")
        return [item.strip() for item in given.split(",")] if listed and isinstance(given, str) else given

    def _passed(self, parent: Stack, logical_id: str) -> Mapping[str, Any]:
        passed = parent.section("Resources")[logical_id].get("Properties", {}).get("Parameters", {})
        return passed if isinstance(passed, dict) else {}

    def _get_att(self, stack: Stack, argument: Any, place: str) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not (isinstance(parts, list) and len(parts) == 2 and isinstance(parts[0], str)):
            raise _error(place, "Fn::GetAtt has wrong arguments", argument, "a logical id and an attribute")
        logical_id, attribute = parts[0], self._text(stack, parts[1], place)
        resources = stack.section("Resources")
        if logical_id not in resources:
            raise _unknown(place, "resource", logical_id, resources)
        return self._attribute(stack, logical_id, attribute, place)

    def _attribute(self, stack: Stack, logical_id: str, attribute: str, place: str) -> Any:
        if f"{logical_id}.{attribute}" in self._values:
            return self._values[f"{logical_id}.{attribute}"]
        resource = stack.section("Resources")[logical_id]
        if resource["Type"] == NESTED and attribute.startswith("Outputs."):
            child = stack.children.get(logical_id)
            if child is None:
                fix = "give its template as well: a file beside its parent, or the folder that the CDK wrote"
                raise _error(place, "is an output of a nested stack that is not at hand", logical_id, fix)
            return self._output(child, attribute.removeprefix("Outputs."), place)
        known = self._known_attributes.get((resource["Type"], attribute))
        if known is None:
            return Unknown(stack, logical_id, attribute)
        with self._opening(f"{logical_id}.{attribute} of {stack.name}", place):
            properties = resource.get("Properties", {})
            if known not in properties:
                return f"{stack.name}-{logical_id}"
            return self.value(stack, properties[known], f"{stack.path.name}: {logical_id}.{known}")

    def _output(self, stack: Stack, name: str, place: str) -> Any:
        outputs = stack.section("Outputs")
        if name not in outputs or "Value" not in outputs[name]:
            raise _unknown(place, f"output of {stack.path.name}", name, outputs)
        with self._opening(f"output {name} of {stack.name}", place):
            return self.value(stack, outputs[name]["Value"], f"{stack.path.name}: Outputs.{name}.Value")

    def _get_stack_output(self, stack: Stack, argument: Any, place: str) -> Any:
        if not (isinstance(argument, dict) and {"StackName", "OutputName"} <= set(argument)):
            raise _error(place, "Fn::GetStackOutput has wrong arguments", argument, "a StackName and an OutputName")
        name = self._text(stack, argument["StackName"], place)
        for other in self._stacks:
            if other.name == name:
                return self._output(other, self._text(stack, argument["OutputName"], place), place)
        raise _unknown(place, "stack", name, [other.name for other in self._stacks])

    def _import_value(self, stack: Stack, argument: Any, place: str) -> Any:
        name = self._text(stack, argument, place)
        exports = self._all_exports(place)
        if name not in exports:
            fix = f"give the template that exports it too; exported: {', '.join(sorted(exports)) or 'nothing'}"
            raise _error(place, "imports what no template exports", name, fix)
        exporter, value, where = exports[name]
        with self._opening(f"import of {name}", place):
            return self.value(exporter, value, where)

    def _all_exports(self, place: str) -> dict[str, tuple[Stack, Any, str]]:
        if self._exports is None:
            found: dict[str, tuple[Stack, Any, str]] = {}
            with self._opening("names of exports", place):
                for stack, output, value, export in self._declared_exports():
                    where = f"{stack.path.name}: Outputs.{output}"
                    name = self._text(stack, export, f"{where}.Export.Name")
                    if name in found:
                        raise _error(f"{where}.Export.Name", "is exported twice", name, f"also by {found[name][2]}")
                    found[name] = stack, value, f"{where}.Value"
            self._exports = found
        return self._exports

    def _declared_exports(self) -> Iterator[tuple[Stack, str, Any, Any]]:
        for stack in self._stacks:
            for name, output in stack.section("Outputs").items():
                wanted = "Condition" not in output or self.condition(
                    stack, output["Condition"], f"{stack.path.name}: Outputs.{name}.Condition"
                )
                if wanted and "Export" in output:
                    yield stack, name, output.get("Value"), output["Export"].get("Name")

    def _find_in_map(self, stack: Stack, argument: Any, place: str) -> Any:
        if not (isinstance(argument, list) and len(argument) in (3, 4)):
            raise _error(place, "Fn::FindInMap has wrong arguments", argument, "a mapping and two keys")
        name, first, second = (self._text(stack, key, place) for key in argument[:3])
        found = stack.section("Mappings").get(name, {}).get(first, {})
        if second in found:
            return found[second]
        if len(argument) == 4 and "DefaultValue" in argument[3]:
            return self.value(stack, argument[3]["DefaultValue"], place)
        raise _error(place, "is in no mapping", (name, first, second), "a mapping of the template and keys of it")

    def _join(self, stack: Stack, argument: Any, place: str) -> str:
        separator, parts = self._pair(argument, "Fn::Join", "a separator and a list", place)
        return str(separator).join(self._text(stack, part, place) for part in self._list(stack, parts, place))

    def _split(self, stack: Stack, argument: Any, place: str) -> list[str]:
        separator, text = self._pair(argument, "Fn::Split", "a separator and text", place)
        return self._text(stack, text, place).split(str(separator))

    def _select(self, stack: Stack, argument: Any, place: str) -> Any:
        index, items = self._pair(argument, "Fn::Select", "an index and a list", place)
        found = self._list(stack, items, place)
        number = self._text(stack, index, place)
        if not (number.isdigit() and int(number) < len(found)):
            raise _error(place, "Fn::Select has no such item", number, f"0 to {len(found) - 1}")
        return self.value(stack, found[int(number)], place)

    def _sub(self, stack: Stack, argument: Any, place: str) -> str:
        template, given = (
            (argument, {})
            if isinstance(argument, str)
            else self._pair(argument, "Fn::Sub", "text and the values of its variables", place)
        )
        if not (isinstance(template, str) and isinstance(given, dict)):
            raise _error(place, "Fn::Sub has wrong arguments", argument, "text and the values of its variables")

        def replaced(found: re.Match[str]) -> str:
            if found[2] is not None:
                return "${" + found[2] + "}"
            name = found[1].strip()
            if name in given:
                return self._text(stack, given[name], place)
            return self._text(stack, {"Fn::GetAtt": name} if "." in name else {"Ref": name}, place)

        return _PLACEHOLDER.sub(replaced, template)

    def _if(self, stack: Stack, argument: Any, place: str) -> Any:
        if not (isinstance(argument, list) and len(argument) == 3):
            raise _error(place, "Fn::If has wrong arguments", argument, "a condition and two values")
        return self.value(stack, argument[1 if self.condition(stack, argument[0], place) else 2], place)

    def _equals(self, stack: Stack, argument: Any, place: str) -> bool:
        first, second = self._pair(argument, "Fn::Equals", "two values", place)
        return bool(_plain(self.value(stack, first, place)) == _plain(self.value(stack, second, place)))

    def _truth_of_all(self, stack: Stack, argument: Any, place: str) -> bool:
        return all(self._truth(stack, each, place) for each in self._conditions(argument, place))

    def _truth_of_any(self, stack: Stack, argument: Any, place: str) -> bool:
        return any(self._truth(stack, each, place) for each in self._conditions(argument, place))

    def _conditions(self, argument: Any, place: str) -> list[Any]:
        if isinstance(argument, list) and argument:
            return argument
        raise _error(place, "has no conditions", argument, "a list of conditions")

    def _truth(self, stack: Stack, value: Any, place: str) -> bool:
        found = self.value(stack, value, place)
        if not isinstance(found, bool):
            raise _error(place, "is no condition", found, "Fn::Equals, Fn::And, Fn::Or, Fn::Not or a Condition")
        return found

    def _text(self, stack: Stack, value: Any, place: str) -> str:
        found = self.value(stack, value, place)
        if isinstance(found, Unknown):
            raise _only_deployed(place, found)
        if not isinstance(found, str | int | float):
            raise _error(place, "is not text", found, "text where the function needs it")
        return str(_plain(found))

    def _list(self, stack: Stack, value: Any, place: str) -> list[Any]:
        found = self.value(stack, value, place)
        if not isinstance(found, list):
            raise _error(place, "is no list", found, "a list where the function needs it")
        return found

    def _pair(self, argument: Any, function: str, wanted: str, place: str) -> tuple[Any, Any]:
        if not (isinstance(argument, list) and len(argument) == 2):
            raise _error(place, f"{function} has wrong arguments", argument, wanted)
        return argument[0], argument[1]

    @contextmanager
    def _opening(self, what: str, place: str) -> Iterator[None]:
        """Refuse to work out what is being worked out already."""
        if what in self._open:
            way = " -> ".join([*self._open[self._open.index(what) :], what])
            raise _error(place, "refers to itself", way, "break the circle")
        self._open.append(what)
        try:
            yield
        finally:
            self._open.pop()


def _plain(value: Any) -> Any:
    """Compare and join truth values and numbers as the text that CloudFormation makes of them."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


def _only_deployed(place: str, found: Unknown) -> MeshError:
    name = f"{found.logical_id}.{found.attribute}"
    return _error(place, "is known only to a deployment", name, f"give it with --set {name}=VALUE")


def _unknown(place: str, what: str, name: Any, known: Any) -> MeshError:
    return _error(place, f"unknown {what}", name, f"known: {', '.join(sorted(map(str, known))) or 'none'}")


def _error(place: str, wrong: str, got: object, fix: str) -> MeshError:
    return MeshError([problem(place, wrong, got, fix)])
