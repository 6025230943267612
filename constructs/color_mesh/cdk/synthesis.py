"""Work that is done at synthesis, when the app is complete."""

from collections.abc import Callable

import jsii
from aws_cdk import AspectPriority, Aspects, IAspect
from constructs import IConstruct


def at_synthesis(scope: IConstruct, work: Callable[[], None], *, creates: bool = False) -> None:
    """Do some work at synthesis.

    Args:
        scope: Construct that the work is about.
        work: The work.
        creates: The work creates constructs, which others look at.
    """
    Aspects.of(scope).add(_Work(scope, work), priority=AspectPriority.MUTATING if creates else None)


@jsii.implements(IAspect)
class _Work:
    def __init__(self, scope: IConstruct, work: Callable[[], None]) -> None:
        self._path = scope.node.path
        self._work = work

    def visit(self, node: IConstruct) -> None:
        """Do the work once: an aspect visits each construct in its scope, too."""
        if node.node.path == self._path:
            self._work()
