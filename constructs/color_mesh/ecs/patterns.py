"""Patterns of IAM policies: ``*`` is any characters, ``?`` is one."""

import re

MAX_ARN_LENGTH = 2048  # IAM API Reference, arnType.


def matches(pattern: str, text: str, ignore_case: bool = False) -> bool:
    """Return whether text matches a pattern.

    Accounts and regions of ARNs are not compared: the templates may leave them open.
    """
    if max(len(pattern), len(text)) > MAX_ARN_LENGTH:
        return False
    flags = re.DOTALL | re.IGNORECASE if ignore_case else re.DOTALL
    first, *others = (
        re.compile(re.escape(part).replace(r"\?", "."), flags) for part in _without_account(pattern).split("*")
    )
    text = _without_account(text)
    if not others:
        return first.fullmatch(text) is not None
    # Each part matches as early as it can. One expression with several wildcards would backtrack.
    match = first.match(text)
    for part in others[:-1]:
        match = match and part.search(text, match.end())
    length = len(_without_account(pattern).rsplit("*", 1)[1])
    return match is not None and others[-1].fullmatch(text, max(match.end(), len(text) - length)) is not None


def _without_account(text: str) -> str:
    fields = text.split(":", 5)
    return ":".join((*fields[:3], "", "", fields[5])) if len(fields) == 6 and fields[0] == "arn" else text
