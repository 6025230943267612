"""Durations of the CDK."""

from functools import cache
from typing import cast

from aws_cdk import Duration


@cache
def seconds(number: int) -> Duration:
    """Create a duration. Durations are cached, since each one is a call to Node and few differ."""
    return Duration.seconds(number)


def in_seconds(duration: Duration | None) -> int | None:
    """Return a duration in seconds. A fraction stays one, and is reported by the model."""
    return None if duration is None else cast(int, duration.to_seconds(integral=False))
