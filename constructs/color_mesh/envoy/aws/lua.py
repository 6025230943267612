"""Lua filters of the clusters of AWS APIs."""

from collections.abc import Iterator
from functools import cache
from importlib import resources

from color_mesh.envoy.typed import LUA, Json, extension

_INCLUDE = "-- include "


def lua_filter(name: str, **constants: int) -> Json:
    """Render the HTTP filter of a source file, with constants such as ``REFRESH_SECONDS``."""
    definitions = [f"local {constant} = {value}" for constant, value in constants.items()]
    source = "\n".join([*definitions, lua_source(name)])
    return extension("envoy.filters.http.lua", LUA, default_source_code={"inline_string": source})


@cache
def lua_source(name: str) -> str:
    """Return the source of a Lua filter without comments and indentation, since ECS limits the task definition.

    A comment ``-- include x.lua`` stands for that file: Envoy loads no modules.
    """
    return "\n".join(_lines(name))


def _lines(name: str) -> Iterator[str]:
    for line in resources.files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines():
        if line.startswith(_INCLUDE):
            yield from _lines(line.removeprefix(_INCLUDE))
        elif line.strip() and not line.lstrip().startswith("--"):
            yield line.strip()
