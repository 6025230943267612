"""``color-mesh compile``: print the configuration of one Envoy."""

import argparse
import json
import os
from collections.abc import Iterator

from color_mesh.analysis.reading import read_facts
from color_mesh.cli.sources import print_result, read_one_mesh
from color_mesh.cloudformation import hidden_parameters
from color_mesh.envoy import CloudMapEndpoints, FileEndpoints, Loopback, Transparent, configure
from color_mesh.migration.discovery import external_nodes
from color_mesh.model import Mesh, VirtualGateway, VirtualNode
from color_mesh.model.checks import check_known
from color_mesh.model.errors import problem, refuse


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    source, mesh = read_one_mesh(options)
    loopback = options.interception == "loopback"
    (facts,) = read_facts([mesh], source.resources, source.templates)
    implemented = [node.name for node in mesh.nodes if facts.tasks_of(node)]
    configuration = configure(
        mesh,
        _part(mesh, options),
        interception=Loopback(outside=external_nodes(mesh, implemented)) if loopback else Transparent(),
        endpoints=FileEndpoints(directory=os.path.abspath(options.watch)) if options.watch else CloudMapEndpoints(),
        sds_socket=options.sds_socket,
        as_in_app_mesh=not loopback,
    )
    text = json.dumps(getattr(configuration, options.kind), indent=2)
    refuse(_check_secrets(text))
    print_result(text, source)
    return 0


def _check_secrets(configuration: str) -> Iterator[str]:
    """Validate that a configuration needs no value of a parameter with ``NoEcho``, for which another text stands."""
    for parameter in hidden_parameters(configuration):
        fix = "use a parameter without NoEcho"
        yield problem("compile", "needs the value of a NoEcho parameter, which is not printed", parameter, fix)


def _part(mesh: Mesh, options: argparse.Namespace) -> VirtualNode | VirtualGateway:
    if options.node is not None:
        refuse(check_known("--node", "virtual node", options.node, [node.name for node in mesh.nodes]))
        return mesh.node(options.node)
    refuse(check_known("--gateway", "virtual gateway", options.gateway, [each.name for each in mesh.gateways]))
    return mesh.gateway(options.gateway)
