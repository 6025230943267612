"""Resources that cannot be deployed, because each waits for the other.

CloudFormation creates a resource after those that it refers to, by `Ref`, `Fn::GetAtt`, `Fn::Sub` or `DependsOn`. If
these references lead back to the resource, it refuses the template. A virtual service and a virtual node that name
each other by references are a common case: one of them has to be named by its text.
"""

from collections.abc import Iterator, Mapping

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield one circle for each resource that begins one and is in none before."""
    in_circles: set[str] = set()
    for place in _undeployable(facts.references):
        circle = [] if place in in_circles else _circle(facts, place)
        if circle:
            in_circles |= set(circle)
            path = " -> ".join(each.rpartition(": ")[2] for each in (*circle, place))
            yield Fault(
                subject=place,
                property=facts.references[place][circle[1] if len(circle) > 1 else place],
                text=f"it cannot be deployed, because it depends on itself: {path}",
                fix="name one of these resources by its text instead of a reference",
            )


def _undeployable(references: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the resources that are left after all have been deployed that can be, in time linear in the references."""
    waiting = {place: len(others) for place, others in references.items()}
    needed_by: dict[str, list[str]] = {}
    for place, others in references.items():
        for other in others:
            needed_by.setdefault(other, []).append(place)
    deployed = [place for place, count in waiting.items() if count == 0]
    for place in deployed:
        for other in needed_by.get(place, ()):
            waiting[other] -= 1
            if waiting[other] == 0:
                deployed.append(other)
    return [place for place, count in waiting.items() if count]


def _circle(facts: Facts, start: str) -> list[str]:
    """Return the resources of a shortest circle from a resource back to it; none if there is no circle."""
    before: dict[str, str] = {}
    pending = [start]
    for place in pending:
        for other in facts.references.get(place, {}):
            if other == start:
                circle = [place]
                while circle[-1] != start:
                    circle.append(before[circle[-1]])
                return circle[::-1]
            if other not in before:
                before[other] = place
                pending.append(other)
    return []


RULE = rule("error", check, __doc__)
