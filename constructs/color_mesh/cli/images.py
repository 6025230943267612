"""Programs that run in place of images, as ``color-mesh.json`` and ``--image`` name them."""

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from color_mesh.cloudformation.load import Document, load
from color_mesh.local.plan.programs import Commands, image_names
from color_mesh.model.checks import check_known
from color_mesh.model.errors import problem, refuse

FILE = "color-mesh.json"
_EXAMPLE = 'such as {"images": {"example/shop": {"command": ["python3", "./shop.py"]}}}'


def read_images(sources: Sequence[Path], options: Sequence[str]) -> Commands:
    """Return the commands that replace images, from ``color-mesh.json`` and ``--image``, which overrides the file.

    Args:
        sources: Cloud assemblies and templates. The file is beside one of them, else in the working directory.
        options: Values of ``--image``: ``NAME=COMMAND``.

    Raises:
        MeshError: With every problem of the options, or of the file.
    """
    from_options = parse_options(options)
    folders = [*(source.absolute().parent for source in sources), Path.cwd()]
    file = next((folder / FILE for folder in folders if os.path.isfile(folder / FILE)), None)
    from_file = read_file(file) if file is not None else {}
    # An option for 'shop' also overrides the file's 'example/shop:1', a longer name of the same image.
    remaining = {name: each for name, each in from_file.items() if from_options.keys().isdisjoint(image_names(name))}
    return {**remaining, **from_options}


def parse_options(options: Sequence[str]) -> Commands:
    """Parse values of ``--image``; relative paths are relative to the working directory.

    Raises:
        MeshError: With every problem.
    """
    problems: list[str] = []
    words: dict[str, list[str]] = {}
    for option in options:
        # Image names have no "=": digests are written with ":".
        name, _, text = option.partition("=")
        try:
            words[name] = shlex.split(text)
        except ValueError:
            problems.append(problem(f"--image {name}", "unclosed quotation mark in the command", text, "close it"))
            continue
        if not (name and words[name]):
            fix = "such as --image example/shop='python3 -m http.server 8080'"
            problems.append(problem("--image", "not NAME=COMMAND", option, fix))
    refuse(problems)
    return _resolve(words, Path.cwd(), "--image ")


def read_file(file: Path) -> Commands:
    """Read ``color-mesh.json``; relative paths are relative to its folder.

    Raises:
        MeshError: With every problem.
    """
    content = load(file)
    refuse(_file_problems(str(file), content))
    words = {name: replacement["command"] for name, replacement in content.get("images", {}).items()}
    return _resolve(words, file.absolute().parent, f"{file}: image ")


def _file_problems(subject: str, content: Document) -> Iterator[str]:
    """Validate the keys and types of the file."""
    yield from _object_problems(subject, content, ("images",))
    images = content.get("images", {})
    if not isinstance(images, dict):
        yield problem(f"{subject}: images", "not an object", images, _EXAMPLE)
        return
    for name, replacement in images.items():
        entry = f"{subject}: image {name}"
        yield from _object_problems(entry, replacement, ("command",))
        if not isinstance(replacement, dict):
            continue
        command = replacement.get("command")
        if not (isinstance(command, list) and command and all(isinstance(word, str) for word in command)):
            fix = 'a program and its arguments, such as ["python3", "./shop.py"]'
            yield problem(entry, "'command' is not a list of text", command, fix)


def _object_problems(subject: str, value: Any, keys: Sequence[str]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield problem(subject, "not an object", value, _EXAMPLE)
        return
    for key in value:
        yield from check_known(subject, "key", key, keys)


def _resolve(words: Mapping[str, Sequence[str]], folder: Path, subject: str) -> Commands:
    """Return commands with absolute paths: containers have another working directory and another ``PATH``.

    Raises:
        MeshError: With every program and file that does not exist.
    """
    commands: dict[str, tuple[str, ...]] = {}
    problems = []
    for name, (program, *arguments) in words.items():
        if "\0" in "".join(arguments):
            wrong = "has a null character, which no program can get"
            problems.append(problem(f"{subject}{name}", wrong, arguments, "remove it"))
        path = shutil.which(program if "/" not in program else os.path.normpath(folder / program))
        if path is None:
            fix = "a program on the PATH, or the path of an executable file"
            problems.append(problem(f"{subject}{name}", "program not found", program, fix))
        commands[name] = (path or program, *(_absolute(argument, folder) for argument in arguments))
        for argument in arguments:
            if _is_relative(argument) and not os.path.exists(folder / argument):
                fix = f"a path relative to {folder}"
                problems.append(problem(f"{subject}{name}", "file not found", argument, fix))
    refuse(problems)
    return commands


def _absolute(argument: str, folder: Path) -> str:
    return os.path.normpath(folder / argument) if _is_relative(argument) else argument


def _is_relative(argument: str) -> bool:
    return argument.startswith(("./", "../"))
