"""``color-mesh show``: print meshes as tables."""

import argparse

from color_mesh.cli.sources import print_result, read_selected_meshes
from color_mesh.report import mesh_table


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    source, meshes = read_selected_meshes(options)
    print_result("\n\n".join(map(mesh_table, meshes)), source)
    return 0
