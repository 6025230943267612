"""Programs that run in place of images."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from color_mesh.model.errors import problem

_ENVOY = re.compile(r"(.*-)?envoy(-(alpine|contrib|debug|dev|distroless|google-vrp|tools))*")

# A program and its first arguments, by the name of the image that they replace.
Commands = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """Program that runs in place of an image.

    Attributes:
        command: The program and its first arguments, which replace the entry point of the image.
        envoy: The program is Envoy.
    """

    command: tuple[str, ...]
    envoy: bool = False


def program_of(image: str, commands: Commands) -> Program | None:
    """Return the program that runs in place of an image: a given command, or Envoy; ``None`` for any other image."""
    names = image_names(image)
    for name in names:
        if name in commands:
            return Program(command=tuple(commands[name]))
    if _ENVOY.fullmatch(names[-1]):
        return Program(command=("envoy",), envoy=True)
    return None


def image_names(image: str) -> tuple[str, ...]:
    """Return the names by which an image can be given a program: in full, without digest, tag and repository path."""
    untagged_path, slash, last = image.split("@")[0].rpartition("/")
    untagged = last.split(":")[0]
    return image, image.split("@")[0], f"{untagged_path}{slash}{untagged}", untagged


def missing_program(subject: str, image: str) -> str:
    """Return the problem of an image that has no program."""
    name = image.split("@")[0]
    fix = f"--image '{name}=COMMAND', or an entry {name!r} in color-mesh.json"
    return problem(subject, "no program runs in place of the image", image, fix)
