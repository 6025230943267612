"""Meshes that commands read from templates, as their arguments choose them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from color_mesh.appmesh.source import Source, read_source
from color_mesh.cli.parameters import read_parameters
from color_mesh.migration.placeholders import readable
from color_mesh.model import Mesh, MeshError
from color_mesh.model.checks import check_known
from color_mesh.model.errors import printable, problem, refuse


def read_selected_meshes(options: argparse.Namespace) -> tuple[Source, tuple[Mesh, ...]]:
    """Read the sources, and return the mesh that ``--mesh`` names, or all meshes.

    Raises:
        MeshError: With every problem of the sources or the options.
    """
    source = read_source([Path(path) for path in options.source], given_values(options))
    meshes = source.meshes
    if options.mesh is not None:
        refuse(check_known("--mesh", "mesh", options.mesh, [mesh.name for mesh in meshes]))
        meshes = tuple(mesh for mesh in meshes if mesh.name == options.mesh)
    return source, meshes


def read_one_mesh(options: argparse.Namespace) -> tuple[Source, Mesh]:
    """Read the sources, and return their only mesh, or the one that ``--mesh`` names.

    Raises:
        MeshError: With every problem of the sources or the options.
    """
    source, meshes = read_selected_meshes(options)
    if len(meshes) > 1:
        names = ", ".join(mesh.name for mesh in meshes)
        raise MeshError([problem("--mesh", "the source has several meshes", None, f"one of: {names}")])
    return source, meshes[0]


def print_result(text: str, source: Source) -> None:
    """Print a command's result to stdout, after the notes about its sources to stderr."""
    for note in (*source.notes, *source.templates.placeholders, *(f"left out: {each}" for each in source.left_out)):
        print(f"note: {printable(readable(note))}", file=sys.stderr)
    print(text)


def given_values(options: argparse.Namespace) -> dict[str, str]:
    """Return the values of ``--parameters`` and ``--set``, which overrides the files.

    Raises:
        MeshError: With every file and value that is not valid.
    """
    values: dict[str, str] = {}
    problems: list[str] = []
    for read, argument in (*((read_parameters, path) for path in options.parameters), (parse_values, options.values)):
        try:
            values |= read(argument)
        except MeshError as error:
            problems += error.problems
    refuse(problems)
    return values


def parse_values(options: Sequence[str]) -> dict[str, str]:
    """Parse values of ``--set``: ``NAME=VALUE``.

    Raises:
        MeshError: With every value that is not of this form.
    """
    refuse(
        problem("--set", "not NAME=VALUE", option, "such as --set AWS::Region=eu-west-1")
        for option in options
        if "=" not in option
    )
    return dict(option.split("=", 1) for option in options)
