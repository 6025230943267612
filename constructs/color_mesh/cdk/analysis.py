"""Findings of the analysis as annotations, at synthesis."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from aws_cdk import Annotations
from constructs import Construct

from color_mesh.analysis import Facts, analyze
from color_mesh.analysis.facts import subject_of, subject_of_service
from color_mesh.cdk.synthesis import at_synthesis
from color_mesh.model import VirtualGateway, VirtualNode, VirtualRouter
from color_mesh.model.index import MeshParts


def annotate(scope: Construct, facts: Callable[[], Facts], constructs: Mapping[str, Construct]) -> None:
    """Annotate the constructs of a mesh at synthesis, when the mesh is complete.

    Errors of the analysis are warnings here, which can be acknowledged.

    Args:
        scope: Construct of the mesh.
        facts: Function that returns the complete mesh, and the defaults of its data plane.
        constructs: Construct of each part, by the subject of findings about it.
    """
    at_synthesis(scope, lambda: _annotate(scope, facts, constructs))


def subjects(parts: MeshParts) -> Iterator[str]:
    """Yield the subjects of findings about parts."""
    owners: Sequence[VirtualNode | VirtualRouter | VirtualGateway] = (*parts.nodes, *parts.routers, *parts.gateways)
    yield from (subject_of(each) for each in owners)
    yield from (subject_of_service(service.name) for service in parts.services)


def _annotate(scope: Construct, facts: Callable[[], Facts], constructs: Mapping[str, Construct]) -> None:
    for finding in analyze([facts()]):
        # A route is declared by the construct of its router or gateway.
        owner = finding.subject.rpartition(" of ")[2]
        annotations = Annotations.of(constructs.get(owner, scope))
        name, text = f"color-mesh:{finding.rule.id}", f"{finding.subject}: {finding.sentence()}"
        if finding.rule.severity == "note":
            annotations.add_info_v2(name, text)
        else:
            annotations.add_warning_v2(name, text)
