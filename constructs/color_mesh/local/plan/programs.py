"""Which program stands in for which image."""

import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from color_mesh.model.errors import problem, refuse

COLOR_APP = "colorapp"
_COLOR_APP_FILE = Path(__file__).parent.parent / "run" / "colorapp.py"
_COLORS = re.compile(r"listen [0-9.]+:[0-9]+;.*return 200 \"\$COLOR\"", re.DOTALL)
_ENVOY = re.compile(r"(.*-)?envoy(-(alpine|contrib|debug|dev|distroless|google-vrp|tools))*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """Define what runs in place of an image.

    Attributes:
        command: The program and its first arguments, in the place of the image's entry point.
        envoy: Whether it is Envoy.
    """

    command: tuple[str, ...]
    envoy: bool = False


def envoy_binary() -> str | None:
    """Find the installed Envoy: beside this Python, or on the path."""
    scripts = shutil.which("envoy", path=sysconfig.get_path("scripts"))
    packaged = Path(sysconfig.get_path("purelib")) / "envoy" / "_bin" / "envoy"
    # The script of the package starts the binary through Python, which the user of a container may not reach.
    return str(packaged) if packaged.is_file() else scripts or shutil.which("envoy")


def parse_images(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read ``NAME=COMMAND`` pairs.

    Raises:
        MeshError: With every pair that is none.
    """
    problems = []
    images = {}
    for each in given:
        # Names of images have no "="; digests are written with ":".
        name, _, command = each.partition("=")
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            problems.append(problem(f"--image {name}", f"the command has {str(error).lower()}", command, "close it"))
            continue
        if not (name and words):
            fix = "NAME=COMMAND, such as --image example/shop='python3 -m http.server 8080'"
            problems.append(problem("--image", "names no image and command", each, fix))
        elif shutil.which(words[0]) is None:
            fix = "a program on the PATH, or the path of one"
            problems.append(problem(f"--image {name}", "the program is not there", words[0], fix))
        images[name] = words
    refuse(problems)
    return images


def program_of(image: str, command: Sequence[str], images: Mapping[str, tuple[str, ...]]) -> Program | None:
    """Find the program of an image: a mapped one, the color application, or Envoy; ``None`` for any other.

    nginx is the color application when its ``command`` configures it so.
    """
    repository = image.split("@")[0]
    last = repository.rsplit("/", 1)[-1].split(":")[0]
    untagged = repository[: len(repository) - len(repository.rsplit("/", 1)[-1]) + len(last)]
    for name in (image, repository, untagged, last):
        if name in images:
            return Program(command=images[name])
    if last == COLOR_APP or (last == "nginx" and _COLORS.search(" ".join(command))):
        return Program(command=(sys.executable, "-I", "-S", str(_COLOR_APP_FILE)))
    if _ENVOY.fullmatch(last):
        return Program(command=("envoy",), envoy=True)
    return None
