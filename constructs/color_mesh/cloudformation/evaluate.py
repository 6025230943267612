"""Evaluation of template values, as CloudFormation would evaluate them at deployment."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from color_mesh.cloudformation.placeholders import placeholder_of
from color_mesh.cloudformation.stack import Stack
from color_mesh.cloudformation.values import (
    NO_VALUE,
    DeploymentValue,
    MissingValue,
    Unknown,
    Unresolved,
    as_text,
    deployment_only,
    refusal,
    unknown_name,
)
from color_mesh.model import MeshError
from color_mesh.model.errors import add_problems, problem

MAX_DEPTH = 100  # Nested values and chains of references; well within Python's recursion limit.
MAX_SIZE = 10_000_000  # Total characters that functions may produce; an item of a list counts as ten.
MAX_STEPS = 1_000_000  # Values that may be evaluated.
MIN_SECRET = 8  # Characters of a secret in a Terraform state.

# An intrinsic function: evaluator, stack, argument and place of the call, to the result.
Function: TypeAlias = Callable[["Evaluator", Stack, Any, str], Any]


class Evaluator:
    """Evaluator of values of stacks that may refer to each other.

    Args:
        stacks: All stacks, including nested ones.
        values: Values of parameters, pseudo parameters and attributes (``LogicalId.Attribute``), given by the user.
        known_attributes: Property with the value of an attribute, or first part of an ARN that it is, by resource
            type and attribute name.
        functions: Intrinsic functions, by name.
        hides_secrets: Parameters with ``NoEcho`` have a text that names the parameter in place of their value, except
            where ``Fn::Equals`` compares the value.
    """

    def __init__(
        self,
        stacks: Sequence[Stack],
        values: Mapping[str, str],
        known_attributes: Mapping[tuple[str, str], str],
        functions: Mapping[str, Function],
        hides_secrets: bool = False,
    ) -> None:
        self.stacks = stacks
        self.values = values
        self.known_attributes = known_attributes
        self.hides_secrets = hides_secrets
        self._functions = functions
        self._active: list[tuple[Stack, str]] = []
        self._results: dict[tuple[Stack, str], Any] = {}
        self._depth = 0
        self._size = 0
        self._steps = 0
        self._lenient = False
        self._placeholders: dict[str, None] = {}

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Messages about the missing values for which there are placeholders so far."""
        return tuple(self._placeholders)

    def with_pseudo_parameters(self, values: Mapping[str, str]) -> "Evaluator":
        """Return an evaluator that also has values for pseudo parameters that neither a stack nor the user gives."""
        unknown = {
            name: each for name, each in values.items() if not any(name in stack.pseudo for stack in self.stacks)
        }
        return self._copy({**unknown, **self.values}, self.hides_secrets)

    def without_secrets(self) -> "Evaluator":
        """Return an evaluator that hides the values of parameters with ``NoEcho``."""
        return self._copy(self.values, hides_secrets=True)

    def _copy(self, values: Mapping[str, str], hides_secrets: bool) -> "Evaluator":
        copy = Evaluator(self.stacks, values, self.known_attributes, self._functions, hides_secrets)
        copy._placeholders = self._placeholders
        return copy

    def value(self, stack: Stack, value: Any, place: str) -> Any:
        """Return the evaluated value; `NO_VALUE` for ``AWS::NoValue``.

        Raises:
            MeshError: With every part that cannot be evaluated, each under its own place.
        """
        if self._depth >= MAX_DEPTH:
            raise refusal(place, "is too deep", f"more than {MAX_DEPTH} levels", "shorten the chain of references")
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise refusal(place, "is too large when evaluated", f"more than {MAX_STEPS} values", "give fewer templates")
        if self._size > MAX_SIZE:
            raise self._too_large(place)
        self._depth += 1
        try:
            return self._value(stack, value, place)
        finally:
            self._depth -= 1

    def lenient_value(self, stack: Stack, value: Any, place: str) -> Any:
        """Return the evaluated value, with `Unresolved` in place of each part that cannot be evaluated."""
        self._lenient = True
        try:
            return self.value(stack, value, place)
        finally:
            self._lenient = False

    def known(self, stack: Stack, value: Any, place: str) -> Any:
        """Return a value that must be known before a deployment."""
        result = self.value(stack, value, place)
        if isinstance(result, Unknown):
            raise deployment_only(place, result)
        return result

    def text(self, stack: Stack, value: Any, place: str) -> str:
        """Return a value that must be text; numbers and booleans are converted."""
        result = self.known(stack, value, place)
        if not isinstance(result, str | int | float):
            raise refusal(place, "is not text", result, "text where the function needs it")
        self.count(result, place)
        return str(as_text(result))

    def items(self, stack: Stack, value: Any, place: str) -> list[Any]:
        """Return a value that must be a list."""
        result = self.known(stack, value, place)
        if not isinstance(result, list):
            raise refusal(place, "is not a list", result, "a list where the function needs it")
        return result

    def truth(self, stack: Stack, value: Any, place: str) -> bool:
        """Return a value that must be a condition."""
        result = self.known(stack, value, place)
        if not isinstance(result, bool):
            raise refusal(place, "is not a condition", result, "Fn::Equals, Fn::And, Fn::Or, Fn::Not or a Condition")
        return result

    def condition(self, stack: Stack, name: Any, place: str) -> bool:
        """Return the value of a named condition."""
        conditions = stack.section("Conditions")
        if not (isinstance(name, str) and name in conditions):
            raise unknown_name(place, "condition", name, conditions)
        declaration = stack.place(f"Conditions.{name}")
        return bool(
            self.once(stack, f"condition {name}", place, lambda: self.truth(stack, conditions[name], declaration))
        )

    def is_deployed(self, stack: Stack, logical_id: str) -> bool:
        """Return whether a resource is deployed: its own condition, and those of the stacks around it."""
        resource = stack.section("Resources")[logical_id]
        return self.holds(stack, resource, f"{stack.place(logical_id)}.Condition")

    def holds(self, stack: Stack, declaration: Mapping[str, Any], place: str) -> bool:
        """Return whether a resource or output with this declaration is deployed."""
        if stack.parent is not None and not self.is_deployed(*stack.parent):
            return False
        return "Condition" not in declaration or self.condition(stack, declaration["Condition"], place)

    def count(self, result: Any, place: str, times: int = 1) -> None:
        """Limit the total size of results, against text that doubles with each reference."""
        length = len(result) if isinstance(result, str) else 10 * len(result) if isinstance(result, list) else 1
        self._size += length * times
        if self._size > MAX_SIZE:
            raise self._too_large(place)

    def _too_large(self, place: str) -> MeshError:
        got = f"more than {MAX_SIZE} characters and items"
        return refusal(place, "is too large when expanded", got, "refer to fewer or smaller values")

    def once(self, stack: Stack, name: str, place: str, evaluate: Callable[[], Any]) -> Any:
        """Return the memoized result of ``evaluate``.

        Raises:
            MeshError: When the evaluation needs its own result, and whenever the first evaluation failed.
        """
        key = (stack, name)
        if key in self._active:
            cycle = [*self._active[self._active.index(key) :], key]
            path = " -> ".join(f"{each} of {owner.name}" for owner, each in cycle)
            raise refusal(place, "refers to itself", path, "remove the cycle")
        if key not in self._results:
            self._active.append(key)
            try:
                self._results[key] = evaluate()
            except MeshError as error:
                self._results[key] = error
            finally:
                self._active.pop()
        result = self._results[key]
        if isinstance(result, MissingValue):
            raise type(result)(result.problems, result.name)
        if isinstance(result, MeshError):
            raise MeshError(result.problems)
        return result

    def secrets(self) -> set[str]:
        """Return the values of parameters with ``NoEcho``, given by the user or by a Terraform state."""
        secrets = set()
        for stack in self.stacks:
            for name in filter(stack.is_secret, stack.section("Parameters")):
                secrets.add(str(self.values.get(name, "")))
                # Terraform marks more than it has to. A short text occurs in others that are no secrets.
                value = str(stack.parameters.get(name, ""))
                secrets |= {value} if len(value) >= MIN_SECRET else set()
        return secrets - {""}

    def _value(self, stack: Stack, value: Any, place: str) -> Any:
        if isinstance(value, dict):
            function = next(iter(value)) if len(value) == 1 else ""
            if len(value) > 1 and any(key.startswith("Fn::") for key in value):
                raise refusal(
                    place, "has a function next to other keys", tuple(value), "a function must be the only key"
                )
            if function in ("Ref", "Condition") or function.startswith("Fn::"):
                value = self._call(stack, function, value[function], place)
                self.count(value, place)
            else:
                return self._members(value, lambda key: (value[key], f"{place}.{key}"), stack)
        elif isinstance(value, list):
            members = self._members(range(len(value)), lambda index: (value[index], f"{place}[{index}]"), stack)
            return list(members.values())
        rest = value.partition("{{resolve:")[2] if isinstance(value, str) else ""
        if "}}" in rest:
            # CloudFormation User Guide, *Get values stored in other services using dynamic references*.
            text = problem(place, "is known only at deployment", value, "write the value itself")
            raise DeploymentValue([text], f"{{{{resolve:{rest.partition('}}')[0]}}}}}")
        return value

    def _members(self, keys: Any, member: Callable[[Any], tuple[Any, str]], stack: Stack) -> dict[Any, Any]:
        members: dict[Any, Any] = {}
        problems: list[str] = []
        errors: list[MeshError] = []
        for key in keys:
            each, place = member(key)
            try:
                value = self.value(stack, each, place)
            except MeshError as error:
                if self._lenient:
                    members[key] = self._substitute(place, error)
                else:
                    add_problems(problems, error.problems)
                    errors.append(error)
                continue
            if value is not NO_VALUE:
                members[key] = value
        if problems:
            # Two members may refer to the same faulty value: its problem is reported once.
            known_later = [each for each in errors if isinstance(each, DeploymentValue)]
            if len(known_later) == len(errors):
                raise DeploymentValue(dict.fromkeys(problems), known_later[0].name)
            raise MeshError(dict.fromkeys(problems))
        return members

    def _substitute(self, place: str, error: MeshError) -> Any:
        """Return a placeholder for a value that only labels something, `Unresolved` for another one."""
        placeholder = placeholder_of(place, error.name) if isinstance(error, MissingValue) else None
        if placeholder is None:
            return Unresolved(error.problems, error.name if isinstance(error, DeploymentValue) else None)
        self._placeholders |= dict.fromkeys(error.problems)
        return placeholder

    def _call(self, stack: Stack, function: str, argument: Any, place: str) -> Any:
        if function not in self._functions:
            raise refusal(place, "has an unsupported function", function, "write its result")
        # A function needs all of its arguments, so they are evaluated strictly.
        lenient, self._lenient = self._lenient, False
        try:
            return self._functions[function](self, stack, argument, place)
        finally:
            self._lenient = lenient
