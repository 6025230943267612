"""Parameter files of CloudFormation, as ``--parameters`` names them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from color_mesh.model import MeshError
from color_mesh.model.errors import problem, refuse

MAX_BYTES = 1_000_000
_FORMS = 'such as [{"ParameterKey": "Stage", "ParameterValue": "prod"}], or {"Parameters": {"Stage": "prod"}}'


def read_parameters(path: str) -> dict[str, str]:
    """Read a parameter file: a list of keys and values, or an object, by itself or in ``Parameters``.

    These are the forms of ``aws cloudformation deploy`` and ``create-stack``, and of CodePipeline.

    Raises:
        MeshError: If the file cannot be read, or has another form.
    """
    content = _content(path)
    if isinstance(content, Mapping):
        content = content.get("Parameters", content)
    pairs: list[tuple[Any, Any]] = []
    if isinstance(content, Mapping):
        pairs = list(content.items())
    elif isinstance(content, list) and all(isinstance(each, Mapping) for each in content):
        # A previous value is that of the deployed stack.
        given = [each for each in content if not (each.get("UsePreviousValue") and "ParameterValue" not in each)]
        pairs = [(each.get("ParameterKey"), each.get("ParameterValue")) for each in given]
    else:
        raise MeshError([problem(path, "is not a parameter file", type(content).__name__, _FORMS)])
    refuse(
        problem(f"{path}: parameter {name}", "has no text as its value", value, _FORMS)
        for name, value in pairs
        if not isinstance(name, str) or not isinstance(value, str | int | float)
    )
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in pairs}


def _content(path: str) -> Any:
    try:
        file = Path(path)
        if not file.is_file():
            raise MeshError([problem(path, "cannot be read", "no file", "give an existing file")])
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise MeshError([problem(path, "is too large", f"more than {MAX_BYTES} bytes", f"at most {MAX_BYTES}")])
        return json.loads(content.decode("utf-8-sig"))
    except MeshError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        fix = "give the path of a JSON file"
        raise MeshError([problem(path, "cannot be read as JSON", type(error).__name__, fix)]) from None
