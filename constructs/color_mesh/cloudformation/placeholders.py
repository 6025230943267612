"""Placeholders for missing values that only label something: an ARN, an image, a name in a tag."""

import re

from color_mesh.model.arns import PLACEHOLDER_ARN

_IMAGE = re.compile(r".*\.ContainerDefinitions\[[0-9]+\]\.Image")
_ARN = re.compile(r".*\.[A-Za-z]*Arn")
_ARNS = re.compile(r".*\.[A-Za-z]*Arns(\[[0-9]+\])?")
_TAG = re.compile(r".*\.Tags\[[0-9]+\]\.Value")


def placeholder_of(place: str, name: str) -> str | list[str] | None:
    """Return the placeholder for a value, with the name of what is missing; ``None`` if its place needs the value."""
    word = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") or "value"
    arn = f"{PLACEHOLDER_ARN}{word}"
    if _IMAGE.fullmatch(place):
        return f"placeholder/{word}"
    if _TAG.fullmatch(place):
        return f"placeholder-{word}"
    if _ARN.fullmatch(place):
        return arn
    match = _ARNS.fullmatch(place)
    return None if match is None else arn if match[1] else [arn]
