"""The rule ``part-is-left-out``."""

import pytest

from tests.support.analysis import routed, texts

ID = "part-is-left-out"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("route 'all': is odd, got 1 (mend it)", "route 'all' : is odd, got 1"),
        ("a.json: Red.Spec.X: is unknown, got 'X' (known: Y)", "a.json: Red.Spec.X : is unknown, got 'X'"),
    ],
)
def test_message_of_the_reading_is_found(message: str, text: str) -> None:
    assert texts(ID, routed(), left_out=(message,)) == [text]


def test_source_without_messages_is_not_found() -> None:
    assert texts(ID, routed()) == []
