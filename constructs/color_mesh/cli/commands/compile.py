"""``color-mesh compile``: print the configuration of one Envoy."""

import argparse
import json
import os

from color_mesh.cli.sources import print_result, read_one_mesh
from color_mesh.envoy import DnsEndpoints, FileEndpoints, Loopback, Transparent, configure
from color_mesh.model import Mesh, VirtualGateway, VirtualNode
from color_mesh.model.checks import check_known
from color_mesh.model.errors import refuse


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    source, mesh = read_one_mesh(options)
    loopback = options.interception == "loopback"
    configuration = configure(
        mesh,
        _part(mesh, options),
        interception=Loopback() if loopback else Transparent(),
        endpoints=FileEndpoints(directory=os.path.abspath(options.watch)) if options.watch else DnsEndpoints(),
        sds_socket=options.sds_socket,
        app_mesh_prefixes=not loopback,
    )
    print_result(json.dumps(getattr(configuration, options.kind), indent=2), source)
    return 0


def _part(mesh: Mesh, options: argparse.Namespace) -> VirtualNode | VirtualGateway:
    if options.node is not None:
        refuse(check_known("--node", "virtual node", options.node, [node.name for node in mesh.nodes]))
        return mesh.node(options.node)
    refuse(check_known("--gateway", "virtual gateway", options.gateway, [each.name for each in mesh.gateways]))
    return mesh.gateway(options.gateway)
