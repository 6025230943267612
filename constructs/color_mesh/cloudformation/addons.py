"""Parameters of the addons of AWS Copilot: the file ``addons.parameters.yml`` beside their templates.

Copilot passes these values to the stack of the addons. They may refer to resources of the stack of the service, which
Copilot generates (AWS Copilot, *Modeling Additional Workload Resources*).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from color_mesh.cloudformation.stack import Stack
from color_mesh.cloudformation.values import set_option

ADDON_PARAMETERS = ("addons.parameters.yml", "addons.parameters.yaml")


def with_addon_parameters(stack: Stack, files: Mapping[Path, Any], notes: list[str]) -> Stack:
    """Return a stack with the values for its parameters, and add a note about those that are not known.

    Args:
        stack: Stack.
        files: Files with parameters of addons.
        notes: Notes for the user.
    """
    values: dict[str, Any] = {}
    for file, document in files.items():
        declared = document.get("Parameters") if isinstance(document, dict) else None
        if file.parent != stack.path.resolve().parent or not isinstance(declared, dict):
            continue
        for name, value in declared.items():
            if name not in stack.section("Parameters"):
                continue
            if isinstance(value, str | int | float):
                values[name] = value
            else:
                text = "refers to the stack of the service, which AWS Copilot generates"
                notes.append(f"{file.name}: {name} {text}: give it with {set_option(name)}")
    return replace(stack, parameters={**values, **stack.parameters}) if values else stack
