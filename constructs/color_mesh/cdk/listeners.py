"""What a node or a router listens on, said one of two ways."""

from collections.abc import Sequence

from color_mesh.model import Listener
from color_mesh.model.errors import problem


def all_listeners(
    subject: str, listeners: Sequence[Listener] | None, one: Listener, arguments: str
) -> tuple[tuple[Listener, ...], list[str]]:
    """Find all that a part listens on, and what is wrong with how it is said; ``subject`` begins the messages.

    That is ``listeners``, or without them ``one``, which ``arguments`` made.
    """
    if listeners is None:
        return (one,), []
    problems = []
    if one != Listener(port=80):
        fix = f"all of it in listeners, or {arguments}"
        problems.append(problem(subject, "says twice what it listens on", one, fix))
    return tuple(listeners), problems
