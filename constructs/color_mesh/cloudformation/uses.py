"""Parameters and imports without a value, each with all its uses."""

from collections.abc import Callable, Iterator
from typing import Any

from color_mesh.cloudformation.dependencies import references
from color_mesh.cloudformation.evaluate import Evaluator
from color_mesh.cloudformation.stack import Stack
from color_mesh.cloudformation.values import MissingValue, set_option
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

_MAX_NAMED = 3  # Uses in a message.
_SECTIONS = ("Conditions", "Resources", "Outputs")


def missing_parameter(evaluator: Evaluator, name: str, place: str) -> MissingValue:
    """Return the error for a parameter or pseudo parameter without a value: the same one for all uses."""
    kind = "pseudo parameter" if name.startswith("AWS::") else "parameter"
    uses = _memoized(evaluator, "uses of names", place, _uses_of_names)
    fix = f"give it with {set_option(name)}"
    return MissingValue([_line(f"{kind} {name!r}", "has no value", fix, uses.get(name, [place]))], name)


def missing_export(evaluator: Evaluator, name: str, exported: str, place: str) -> MissingValue:
    """Return the error for an import that no template exports: the same one for all uses."""
    uses = _memoized(evaluator, "uses of imports", place, _uses_of_imports)
    fix = f"add the template that exports it, or give it with {set_option(name)}; exported: {exported}"
    return MissingValue([_line(f"import {name!r}", "no template exports it", fix, uses.get(name, [place]))], name)


def imported_names(evaluator: Evaluator) -> set[str]:
    """Return the names that templates import, as far as they are known."""
    return set(_memoized(evaluator, "uses of imports", "imports", _uses_of_imports))


def _line(subject: str, wrong: str, fix: str, places: list[str]) -> str:
    more = f" and {len(places) - _MAX_NAMED} more" if len(places) > _MAX_NAMED else ""
    times = f"{len(places)} times" if len(places) > 1 else "once"
    return problem(subject, wrong, None, f"{fix}; used {times}: {', '.join(places[:_MAX_NAMED])}{more}")


def _memoized(
    evaluator: Evaluator, name: str, place: str, find: Callable[[Evaluator], dict[str, list[str]]]
) -> dict[str, list[str]]:
    """Return the places of uses in all stacks, which are searched once."""
    if not evaluator.stacks:
        return {}
    uses: dict[str, list[str]] = evaluator.once(evaluator.stacks[0], name, place, lambda: find(evaluator))
    return uses


def _uses_of_names(evaluator: Evaluator) -> dict[str, list[str]]:
    uses: dict[str, list[str]] = {}
    for stack in evaluator.stacks:
        for value, origin in _values(stack):
            for name, path in references(value):
                uses.setdefault(name, []).append(f"{origin}.{path}" if path else origin)
    return uses


def _uses_of_imports(evaluator: Evaluator) -> dict[str, list[str]]:
    uses: dict[str, list[str]] = {}
    for stack in evaluator.stacks:
        for value, origin in _values(stack):
            for argument, path in _imports(value, ""):
                try:
                    name = evaluator.text(stack, argument, f"{origin}{path}")
                except MeshError:
                    continue  # The name of the import has no value itself.
                uses.setdefault(name, []).append(f"{origin}{path}")
    return uses


def _values(stack: Stack) -> Iterator[tuple[Any, str]]:
    """Yield the values of a stack in which references may be, each with its place."""
    for section in _SECTIONS:
        for name, declared in stack.section(section).items():
            if section == "Resources":
                yield declared.get("Properties", {}), stack.place(name)
            else:
                yield declared, stack.place(f"{section}.{name}")


def _imports(value: Any, path: str, in_function: bool = False) -> Iterator[tuple[Any, str]]:
    """Yield the arguments of ``Fn::ImportValue`` in a value, each with the property that has it."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _imports(each, path if in_function else f"{path}[{index}]", in_function)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Fn::ImportValue":
                yield each, path
            inside = in_function or key.startswith("Fn::")
            yield from _imports(each, path if inside else f"{path}.{key}", inside)
