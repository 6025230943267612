"""Findings of the validators that are meant, each beside what it concerns."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge one finding on ``construct`` and below it, under the id that the validation report prints."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
