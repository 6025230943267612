"""``color-mesh certificates``: issue the certificates of a mesh, to be stored in AWS Secrets Manager."""

import argparse
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from color_mesh.appmesh.source import KNOWN_ATTRIBUTES, Source
from color_mesh.cli.sources import given_values, print_result, read_selected_meshes
from color_mesh.cloudformation import read_templates
from color_mesh.local.plan.assembly import ACCOUNT, REGION
from color_mesh.local.plan.certificate_names import (
    CertificateOwner,
    owners_in_mesh,
    owners_in_templates,
)
from color_mesh.model import MeshError
from color_mesh.model.checks import check_dns_name, check_known, check_name, check_range
from color_mesh.model.errors import problem, refuse

MAX_DAYS = 3650


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    refuse((*_missing(), *check_range("--days", "days", options.days, 1, MAX_DAYS)))
    from color_mesh.cli.certificate_folder import CertificateFolder

    source, found = _owners(options)
    owners = _selected(options, found)
    folder = CertificateFolder(Path(options.out), owners[0].mesh)
    print_result("\n".join(folder.write(owners, options.days)), source)
    return 0


def _missing() -> Iterator[str]:
    if find_spec("cryptography") is None:
        fix = "pip install 'color-mesh[certificates]'"
        yield problem("certificates", "Python's cryptography is not installed", None, fix)


def _owners(options: argparse.Namespace) -> tuple[Source, list[CertificateOwner]]:
    """Return the nodes and gateways of App Mesh resources; without these, of Envoys in task definitions."""
    try:
        source, meshes = read_selected_meshes(options)
    except MeshError as error:
        return _owners_of_envoys(options, error)
    return source, [each for mesh in meshes for each in owners_in_mesh(mesh)]


def _owners_of_envoys(options: argparse.Namespace, of_meshes: MeshError) -> tuple[Source, list[CertificateOwner]]:
    """Return the nodes and gateways of Envoys in task definitions, or raise the error of the App Mesh resources."""
    try:
        templates = read_templates([Path(path) for path in options.source], given_values(options), KNOWN_ATTRIBUTES)
        # Names of services do not depend on these.
        assumed = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
        found = list(owners_in_templates(templates.without_secrets().with_pseudo_parameters(assumed)))
    except MeshError:
        raise of_meshes from None
    if not found:
        raise of_meshes
    if options.mesh is not None:
        refuse(check_known("--mesh", "mesh", options.mesh, dict.fromkeys(each.mesh for each in found)))
        return Source(templates=templates), [each for each in found if each.mesh == options.mesh]
    # That there are no App Mesh resources is no problem.
    has_app_mesh = any(each.startswith("AWS::AppMesh::") for each in templates.types)
    return Source(templates=templates, left_out=of_meshes.problems if has_app_mesh else ()), found


def _selected(options: argparse.Namespace, owners: list[CertificateOwner]) -> list[CertificateOwner]:
    """Return the owners that ``--node`` names, or all, after validating them."""
    meshes = dict.fromkeys(each.mesh for each in owners)
    if len(meshes) > 1:
        raise MeshError([problem("--mesh", "the source has several meshes", None, f"one of: {', '.join(meshes)}")])
    names = [each.name for each in owners]
    refuse(text for name in options.nodes for text in check_known("--node", "node or gateway", name, names))
    selected = [each for each in owners if not options.nodes or each.name in options.nodes]
    refuse(_problems(selected))
    return selected


def _problems(owners: list[CertificateOwner]) -> Iterator[str]:
    names = [each.name for each in owners]
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield problem("certificates", "a node and a gateway have the same name", name, "rename one of them")
    for each in owners:
        # They become names of files and secrets.
        yield from check_name("mesh", each.mesh)
        yield from check_name("node or gateway", each.name)
        for name in each.dns_names:
            yield from check_dns_name(f"certificate of {each.name!r}", "DNS name", name)
        if not each.dns_names:
            fix = "add a Cloud Map service to the templates"
            yield problem(f"certificate of {each.name!r}", "has no DNS name", None, fix)
    if not owners:
        yield problem("certificates", "the source has no node and no gateway", None, "a mesh that has one")
