"""Changes of Envoy configurations by functions of users, after everything else."""

import json
import traceback
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, TypeAlias

from color_mesh.envoy.typed import Json
from color_mesh.model import MeshError
from color_mesh.model.errors import problem, refuse

AdjustBootstrap: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Function of a user that gets Envoy's bootstrap configuration, and returns the one to use."""


def adjusted(subject: str, bootstrap: Json, adjust: AdjustBootstrap | None) -> Json:
    """Return a bootstrap configuration after a user's change.

    Args:
        subject: Beginning of the messages.
        bootstrap: The compiled configuration, which stays as it is.
        adjust: Function of the user. ``None``: no change.

    Raises:
        MeshError: If the function fails, or what it returns is not a bootstrap configuration.
    """
    if adjust is None:
        return bootstrap
    try:
        result: object = adjust(deepcopy(bootstrap))
    except Exception as error:
        # The CDK calls this from Node, which would print the frames of the CDK instead of those of the function.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"line {frame.lineno} of {frame.filename}"
        raise MeshError([problem(subject, "'adjust_bootstrap' failed", error, where)]) from error
    refuse(_check_shape(subject, result, bootstrap))
    assert isinstance(result, dict)
    return result


def _check_shape(subject: str, result: object, compiled: Json) -> Iterator[str]:
    """Validate what the containers of the mesh rely on. Envoy itself validates the rest."""
    if not isinstance(result, dict):
        yield problem(subject, "'adjust_bootstrap' returned no dictionary", result, "return the bootstrap")
        return
    try:
        text = json.dumps(result, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        fix = "dictionaries, lists, text, finite numbers, true, false and null"
        yield problem(subject, "'adjust_bootstrap' returned what JSON cannot hold", str(error), fix)
        return
    if "${Token[" in text:
        fix = "literals: the configuration is compressed at synthesis if it is long"
        yield problem(subject, "'adjust_bootstrap' returned a token", "a token", fix)
    for field in ("admin", "node"):
        if result.get(field) != compiled.get(field):
            fix = "leave it: the containers of the task depend on it"
            yield problem(subject, f"'adjust_bootstrap' changed '{field}'", result.get(field), fix)
    resources = result.get("static_resources")
    if not isinstance(resources, dict):
        yield problem(subject, "'adjust_bootstrap' returned no 'static_resources'", resources, "a dictionary")
        return
    for kind in ("listeners", "clusters"):
        yield from _check_resources(subject, kind, resources.get(kind, []))


def _check_resources(subject: str, kind: str, resources: object) -> Iterator[str]:
    """Validate that listeners or clusters are a list of dictionaries with different names."""
    if not isinstance(resources, list) or not all(isinstance(each, dict) for each in resources):
        yield problem(subject, f"'{kind}' of 'adjust_bootstrap' are not a list", resources, "a list of dictionaries")
        return
    names = [each.get("name") for each in resources]
    for name in dict.fromkeys(map(str, names)):
        if names.count(name) > 1:
            fix = "a name for each"
            yield problem(subject, f"'{kind}' of 'adjust_bootstrap' have a name twice", name, fix)
