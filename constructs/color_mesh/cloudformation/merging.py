"""Templates that are deployed as one stack, such as the addons of AWS Copilot.

A template that refers to a name which only another template declares cannot be deployed by itself. AWS Copilot puts all
templates of a folder ``addons`` together before it deploys them.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from color_mesh.cloudformation.dependencies import references
from color_mesh.cloudformation.stack import Stack

_SECTIONS = ("Parameters", "Mappings", "Conditions", "Resources", "Outputs")
_REFERRED = ("Parameters", "Conditions", "Mappings", "Resources")


def merged(stacks: Sequence[Stack]) -> tuple[list[Stack], list[str]]:
    """Return stacks, with one stack in place of those whose templates are deployed together, and notes for the user.

    These are templates that refer to names of each other. If several declare the name, those of the same folder do.
    """
    declared = [_declared(stack) for stack in stacks]
    group = list(range(len(stacks)))
    reasons: dict[int, str] = {}
    for index, stack in enumerate(stacks):
        for name in _missing(stack, declared[index]):
            owner = _owner(name, index, stacks, declared)
            if owner is None or group[owner] == group[index]:
                continue
            old, new = group[owner], group[index]
            group = [new if each == old else each for each in group]
            reasons.setdefault(index, f"{stack.path.name} refers to {name!r} of {stacks[owner].path.name}")
    result, notes = [], []
    for root in dict.fromkeys(group):
        members = [index for index, each in enumerate(group) if each == root]
        parts = [stacks[index] for index in members]
        conflict = _conflict(parts)
        if len(parts) == 1 or conflict is not None:
            result += parts
            notes += [f"{_names(parts)}: not read as one stack, because {conflict}"] if conflict else []
            continue
        result.append(_union(parts))
        reason = next(reasons[index] for index in members if index in reasons)
        notes.append(f"{_names(parts)}: read as one stack, because {reason}")
    return result, notes


def _declared(stack: Stack) -> set[str]:
    return {name for section in _REFERRED for name in stack.section(section)}


def _missing(stack: Stack, declared: set[str]) -> Iterator[str]:
    """Yield the names that a template refers to and does not declare."""
    for section in ("Conditions", "Resources", "Outputs"):
        for each in stack.section(section).values():
            for name, _ in references(each):
                if name not in declared and "::" not in name:
                    yield name


def _owner(name: str, index: int, stacks: Sequence[Stack], declared: Sequence[set[str]]) -> int | None:
    """Return the only other template that declares a name, of those in the same folder if there are any."""
    owners = [other for other, names in enumerate(declared) if other != index and name in names]
    beside = [other for other in owners if stacks[other].path.parent == stacks[index].path.parent]
    candidates = beside or owners
    return candidates[0] if len(candidates) == 1 else None


def _conflict(parts: Sequence[Stack]) -> str | None:
    """Return why templates cannot be one stack: a name stands for two things."""
    known: dict[str, tuple[Stack, Any]] = {}
    for section in _SECTIONS[1:]:
        for stack in parts:
            for name, declaration in stack.section(section).items():
                other, value = known.setdefault(f"{section}.{name}", (stack, declaration))
                if value != declaration:
                    return f"{stack.path.name} and {other.path.name} declare {name!r} in different ways"
    return None


def _union(parts: Sequence[Stack]) -> Stack:
    """Return one stack with the names of all templates; of a parameter with a default the first declaration."""
    document: dict[str, Any] = {}
    files: dict[str, Path] = {}
    for section in _SECTIONS:
        names: dict[str, Any] = {}
        for stack in parts:
            for name, declaration in stack.section(section).items():
                if name not in names or (section == "Parameters" and "Default" not in names[name]):
                    names[name] = declaration
                    files[name if section == "Resources" else f"{section}.{name}"] = stack.path
        document[section] = names
    first = parts[0]
    pseudo: Mapping[str, str] = {key: value for stack in parts for key, value in stack.pseudo.items()}
    parameters = {key: value for stack in parts for key, value in stack.parameters.items()}
    return Stack(first.path, first.name, document, pseudo, parameters, files=files)


def _names(parts: Sequence[Stack]) -> str:
    return ", ".join(stack.path.name for stack in parts)
