"""Resources that are left out of a run because they cannot run on this machine, and what depends on them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from color_mesh.model.errors import problem


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A resource that is left out of a run, or a part of one.

    Attributes:
        place: Place of the resource in the templates.
        text: Reason, as a message that begins with the place.
        is_cause: True if the reason is the resource itself, and not another one that is left out.
        of_mesh: True for a part of a mesh.
    """

    place: str
    text: str
    is_cause: bool = True
    of_mesh: bool = False


def left_out_of_mesh(text: str) -> LeftOut:
    """Return a part of a mesh that is left out, from the message about it."""
    subject, _, rest = text.partition(": ")
    of_file = subject.endswith((".json", ".yaml", ".yml", ".template"))
    place = f"{subject}: {re.split('[.:]', rest, maxsplit=1)[0]}" if of_file else subject
    return LeftOut(place=place, text=text, of_mesh=True)


def undeclared_problem(subject: str, name: str) -> str:
    """Return the problem of a property that refers to a resource which no template declares."""
    return problem(subject, "refers to an undeclared resource", name, "declare it in the templates")


class Omissions:
    """Collection of what is left out.

    Args:
        problems: Places of resources, each with a reason.
    """

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self._items: dict[LeftOut, None] = {}
        self._places: set[str] = set()
        for place, text in problems:
            self.leave_out(place, [text])

    @property
    def items(self) -> tuple[LeftOut, ...]:
        """All that is left out: the causes first."""
        return tuple(sorted(self._items, key=lambda each: not each.is_cause))

    def __contains__(self, place: object) -> bool:
        return place in self._places

    def leave_out(self, place: str, reasons: Iterable[str]) -> None:
        """Leave out a resource, if there is a reason."""
        for text in reasons:
            self._items[LeftOut(place=place, text=text)] = None
            self._places.add(place)

    def leave_out_dependents_of(self, place: str) -> None:
        """Leave out what depends on a resource, parts of which are left out."""
        self._places.add(place)

    def leave_out_part(self, place: str, reason: str) -> None:
        """Leave out a part of a resource, which runs without it."""
        self._items[LeftOut(place=place, text=reason)] = None

    def leave_out_dependent(self, place: str, subject: str, cause: str) -> None:
        """Leave out a resource that depends on another one."""
        self.leave_out_dependent_part(place, subject, cause)
        self._places.add(place)

    def leave_out_dependent_part(self, place: str, subject: str, cause: str) -> None:
        """Leave out a part of a resource that depends on another one."""
        text = f"{subject}: depends on {cause}, which is left out"
        self._items[LeftOut(place=place, text=text, is_cause=False)] = None
