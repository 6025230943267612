"""Command operators of access logs. `tests/envoy/test_text.py` compares them with Envoy."""

import pytest

from color_mesh.model import AccessLog
from tests.support.builders import mesh, node, refusal

PAGE = "Envoy, Access logging: Command Operators; a percent sign is '%%'"


@pytest.mark.parametrize(
    "text",
    [
        "plain ☃ 😀\n",
        "100%%",
        "%PROTOCOL%%PROTOCOL%\t%PROTOCOL()%",
        "[%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%] %START_TIME%",
        "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH):20%",
        "%METADATA(ROUTE:color_mesh.tags:Team):10%",
        "%FILTER_STATE(a:FIELD:b)% %DYNAMIC_METADATA(a:b:c):5%",
    ],
)
def test_format_that_envoy_accepts_is_accepted(text: str) -> None:
    assert mesh(nodes=(node(access_log=AccessLog(text=text)),))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("%FOO%", "has an unknown command operator, got '%FOO%'"),
        ("a %COALESCE({})%", "has an unknown command operator, got '%COALESCE({})%'"),
        ("%PROTOCOL(a)%", "has a command operator with invalid arguments, got '%PROTOCOL(a)%'"),
        ("%REQ%", "has a command operator with invalid arguments, got '%REQ%'"),
        ("%REQ(a?b?c)%", "has a command operator with invalid arguments, got '%REQ(a?b?c)%'"),
        ("%REQ(ä)%", "has a command operator with invalid arguments, got '%REQ(ä)%'"),
        ("%REQ(a):" + "9" * 19 + "%", f"has a command operator with invalid arguments, got '%REQ(a):{'9' * 19}%'"),
        ("%START_TIME(%n)%", "has a command operator with invalid arguments, got '%START_TIME(%n)%'"),
        ("%START_TIME(a):3%", "has a command operator with invalid arguments, got '%START_TIME(a):3%'"),
        ("a%", "has a '%' that begins no command operator, got '%'"),
        ("%REQ(", "has a '%' that begins no command operator, got '%REQ('"),
        ("%REQ(a?b?c):x%", "has a '%' that begins no command operator, got '%REQ(a?b?c):x%'"),
        ("%protocol%", "has a '%' that begins no command operator, got '%protocol%'"),
        ("%REQ(a\nb)%", "has a '%' that begins no command operator, got '%REQ(a\\nb)%'"),
    ],
)  # fmt: skip
def test_format_that_envoy_does_not_accept_is_refused(text: str, wrong: str) -> None:
    log = AccessLog(text=text)
    assert (
        refusal(lambda: mesh(nodes=(node(access_log=log),))) == f"virtual node 'red': access log text {wrong} ({PAGE})"
    )


def test_formats_of_json_are_validated() -> None:
    log = AccessLog(json=(("method", "%METHOD%"),))
    wrong = "access log value of 'method' has an unknown command operator, got '%METHOD%'"
    assert refusal(lambda: mesh(nodes=(node(access_log=log),))) == f"virtual node 'red': {wrong} ({PAGE})"


@pytest.mark.parametrize(
    ("log", "wrong"),
    [
        (AccessLog(path="/a\nb"), "access log path has a control character, got '/a\\nb'"),
        (AccessLog(text="a\x00"), "access log text has a control character, got 'a\\x00'"),
        (AccessLog(json=(("a\n", "b"),)), "access log key has a control character, got 'a\\n'"),
        (AccessLog(json=(("a", "b\x1b"),)), "access log value of 'a' has a control character, got 'b\\x1b'"),
    ],
)
def test_control_characters_are_refused(log: AccessLog, wrong: str) -> None:
    assert refusal(lambda: mesh(nodes=(node(access_log=log),))) == f"virtual node 'red': {wrong} (remove it)"
