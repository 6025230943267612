"""``color-mesh compile``: print the configuration of one Envoy."""

import argparse
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from color_mesh.analysis.reading import read_facts
from color_mesh.appmesh.source import Source
from color_mesh.cli.sources import print_result, read_one_mesh
from color_mesh.cloudformation import hidden_parameters, set_option
from color_mesh.envoy import CloudMapEndpoints, FileEndpoints, Loopback, Transparent, configure
from color_mesh.migration.discovery import external_nodes
from color_mesh.model import Mesh, VirtualGateway, VirtualNode
from color_mesh.model.arns import DECLARED_ARN
from color_mesh.model.checks import check_known
from color_mesh.model.errors import problem, refuse

_KINDS = {"virtual node": "virtualNode", "virtual gateway": "virtualGateway"}


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    source, mesh = read_one_mesh(options)
    loopback = options.interception == "loopback"
    (facts,) = read_facts([mesh], source.resources, source.templates)
    implemented = [node.name for node in mesh.nodes if facts.tasks_of(node)]
    configuration = configure(
        mesh,
        _part(mesh, source, options),
        interception=Loopback(outside=external_nodes(mesh, implemented)) if loopback else Transparent(),
        endpoints=FileEndpoints(directory=os.path.abspath(options.watch)) if options.watch else CloudMapEndpoints(),
        sds_socket=options.sds_socket,
        as_in_app_mesh=not loopback,
    )
    text = json.dumps(getattr(configuration, options.kind), indent=2)
    refuse(_check_secrets(text))
    print_result(text, replace(source, notes=(*source.notes, *_placeholder_notes(text))))
    return 0


def _check_secrets(configuration: str) -> Iterator[str]:
    """Validate that a configuration needs no value of a parameter with ``NoEcho``, for which another text stands."""
    for parameter in hidden_parameters(configuration):
        fix = "use a value that is neither of a NoEcho parameter nor sensitive in Terraform"
        yield problem("compile", "needs a secret value, which is not printed", parameter, fix)


def _placeholder_notes(configuration: str) -> Iterator[str]:
    """Yield a note for each certificate and authority whose ARN is not known yet."""
    for name in dict.fromkeys(re.findall(f"{DECLARED_ARN}([A-Za-z0-9]+)", configuration)):
        option = set_option(f"{name}.Ref")
        yield f"a placeholder stands for the ARN of {name}, which is known only at deployment (give it with {option})"


def _part(mesh: Mesh, source: Source, options: argparse.Namespace) -> VirtualNode | VirtualGateway:
    if options.node is not None:
        known = [node.name for node in mesh.nodes]
        _check_part("--node", "virtual node", options.node, known, source)
        return mesh.node(options.node)
    known = [gateway.name for gateway in mesh.gateways]
    _check_part("--gateway", "virtual gateway", options.gateway, known, source)
    return mesh.gateway(options.gateway)


def _check_part(option: str, kind: str, name: str, known: Sequence[str], source: Source) -> None:
    """Raise if the mesh has no such part: with the problems of the part, if that is why."""
    if name in known:
        return
    prefixes = [f"{kind} {name!r}"]
    for each in source.resources:
        if (each.kind, each.get(f"{each.kind}Name")) == (_KINDS[kind], name):
            prefixes += [f"{each.place}.", f"{each.place}:"]
    refuse(each for each in source.left_out if each.startswith(tuple(prefixes)))
    refuse(check_known(option, kind, name, known))
