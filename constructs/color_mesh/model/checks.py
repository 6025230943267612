"""Validations shared by the parts of a mesh. Each yields one message for each problem."""

import re
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Sequence

from color_mesh.model.errors import listed, problem

MAX_NAME_LENGTH = 255  # App Mesh API: every resource name
MAX_TAGS = 50  # App Mesh API: TagList
# App Mesh has no maximum. Envoy has: a count is an unsigned integer of 32 bits, and a duration of more than 2^63 - 1
# nanoseconds is refused.
MAX_COUNT = 2**32 - 1
MAX_MILLIS = 9_000_000_000_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NUMBER = re.compile(r"[0-9]{1,18}")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_BALANCER_NAME = re.compile(r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?")
_PORT_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_IMAGE = re.compile(r"[A-Za-z0-9._/:@-]+")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def is_number(text: str) -> bool:
    """Return whether text is a number of at most 18 digits. ``str.isdigit`` is also true for characters such as '²'."""
    return _NUMBER.fullmatch(text) is not None


def check_range(subject: str, field: str, value: object, low: int, high: int) -> Iterator[str]:
    """Validate an integer from ``low`` to ``high``."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        yield problem(subject, f"{field} out of range", value, f"{low} to {high}")


def check_characters(subject: str, field: str, value: str) -> Iterator[str]:
    """Validate that text has no control characters, which Envoy refuses, and no halves of surrogate pairs."""
    if _CONTROL.search(value):
        yield problem(subject, f"{field} has a control character", value, "remove it")


def check_text(subject: str, field: str, value: object, max_length: int, fix: str) -> Iterator[str]:
    """Validate a string of 1 to ``max_length`` characters, none of them a control character."""
    if not isinstance(value, str):
        yield problem(subject, f"{field} is not text", value, fix)
    elif not 1 <= len(value) <= max_length:
        yield problem(subject, f"{field} has an invalid length", f"{len(value)} characters", f"1 to {max_length}")
    else:
        yield from check_characters(subject, field, value)


def check_flag(subject: str, field: str, value: object) -> Iterator[str]:
    """Validate a boolean."""
    if not isinstance(value, bool):
        yield problem(subject, f"{field} is not true or false", value, "True or False")


def check_choice(subject: str, field: str, value: object, allowed: Sequence[object]) -> Iterator[str]:
    """Validate a value that must be one of ``allowed``."""
    if value not in allowed:
        yield problem(subject, f"unknown {field}", value, f"one of: {', '.join(map(str, allowed))}")


def check_name(subject: str, value: object, field: str = "name", max_length: int = MAX_NAME_LENGTH) -> Iterator[str]:
    """Validate the name of an App Mesh or ECS resource (AWS App Mesh API Reference, the ``*Name`` parameters)."""
    if not isinstance(value, str):
        yield problem(subject, f"{field} is not text", value, f"1 to {max_length} characters")
        return
    if not value:
        yield problem(subject, f"{field} is empty", value, f"1 to {max_length} characters")
        return
    if not _NAME.fullmatch(value):
        yield problem(subject, f"{field} has invalid characters", value, "letters, digits, '-' and '_'")
    if len(value) > max_length:
        yield problem(subject, f"{field} too long", f"{len(value)} characters", f"1 to {max_length}")


def check_dns_name(subject: str, field: str, value: object, max_length: int = 253) -> Iterator[str]:
    """Validate a DNS name."""
    if not isinstance(value, str):
        yield problem(subject, f"{field} is not text", value, "such as 'red.colors.local'")
    elif len(value) > max_length:
        yield problem(subject, f"{field} too long", f"{len(value)} characters", f"1 to {max_length}")
    elif not all(_LABEL.fullmatch(label) for label in value.split(".")):
        fix = "labels of 1 to 63 letters, digits, '-' and '_', joined by dots"
        yield problem(subject, f"{field} is not a DNS name", value, fix)


def check_image(subject: str, image: str) -> Iterator[str]:
    """Validate the characters of an image's name, of which a part may become the resource of a permission to pull."""
    if not _IMAGE.fullmatch(image):
        yield problem(
            subject, "image has invalid characters", image, "letters, digits, '.', '_', '-', '/', ':' and '@'"
        )


def check_balancer_name(subject: str, field: str, value: object) -> Iterator[str]:
    """Validate the name of a load balancer or target group (Elastic Load Balancing API Reference)."""
    if value is not None and not (isinstance(value, str) and _BALANCER_NAME.fullmatch(value)):
        fix = "1 to 32 letters, digits and '-', with no '-' at either end and no 'internal-' at the start"
        yield problem(subject, f"{field} is invalid", value, fix)


def check_port_name(subject: str, value: object) -> Iterator[str]:
    """Validate the name of a port mapping (ECS API Reference, *PortMapping*)."""
    if not (isinstance(value, str) and _PORT_NAME.fullmatch(value)):
        fix = "1 to 64 lower-case letters, digits, '_' and '-', with no '-' at the start"
        yield problem(subject, "port name is invalid", value, fix)


def check_tags(subject: str, tags: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Validate the tags of a resource (AWS App Mesh API Reference, *TagRef*)."""
    if len(tags) > MAX_TAGS:
        yield problem(subject, "too many tags", len(tags), f"at most {MAX_TAGS}")
    for key, value in tags:
        yield from check_text(subject, "tag key", key, 128, "1 to 128 characters")
        if not isinstance(value, str) or len(value) > 256:
            yield problem(subject, f"value of tag {key!r} is invalid", value, "0 to 256 characters")
        else:
            yield from check_characters(subject, f"value of tag {key!r}", value)
    yield from check_unique(subject, "tag", (key for key, _ in tags))


def check_unique(subject: str, field: str, values: Iterable[str], others: Container[str] = ()) -> Iterator[str]:
    """Validate that values are unique, among themselves and among ``others``, which are unique."""
    for value, count in Counter(values).items():
        times = count + (value in others)
        if times > 1:
            yield problem(subject, f"duplicate {field}", value, f"occurs {times} times, must be unique")


def check_known(subject: str, field: str, value: str, known: Collection[str]) -> Iterator[str]:
    """Validate a reference to another part of the mesh."""
    if value not in known:
        yield problem(subject, f"unknown {field}", value, f"known: {listed(known)}")
