"""Findings of the analysis as annotations, at synthesis."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import jsii
from aws_cdk import Annotations, Aspects, IAspect
from constructs import Construct, IConstruct

from color_mesh.analysis import Facts, analyze
from color_mesh.analysis.facts import subject_of, subject_of_service
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
    Aspects.of(scope).add(_Analysis(scope, facts, constructs))


def subjects(parts: MeshParts) -> Iterator[str]:
    """Yield the subjects of findings about parts."""
    owners: Sequence[VirtualNode | VirtualRouter | VirtualGateway] = (*parts.nodes, *parts.routers, *parts.gateways)
    yield from (subject_of(each) for each in owners)
    yield from (subject_of_service(service.name) for service in parts.services)


@jsii.implements(IAspect)
class _Analysis:
    def __init__(self, scope: Construct, facts: Callable[[], Facts], constructs: Mapping[str, Construct]) -> None:
        self._scope = scope
        self._facts = facts
        self._constructs = constructs

    def visit(self, node: IConstruct) -> None:
        """Annotate all constructs of the mesh when the mesh itself is visited."""
        if node is not self._scope:
            return
        for finding in analyze([self._facts()]):
            # A route is declared by the construct of its router or gateway.
            owner = finding.subject.rpartition(" of ")[2]
            annotations = Annotations.of(self._constructs.get(owner, self._scope))
            name, text = f"color-mesh:{finding.rule.id}", f"{finding.subject}: {finding.sentence()}"
            if finding.rule.severity == "note":
                annotations.add_info_v2(name, text)
            else:
                annotations.add_warning_v2(name, text)
