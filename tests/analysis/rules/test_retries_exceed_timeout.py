"""The rule ``retries-exceed-timeout``."""

from color_mesh.model import Milliseconds, Timeout
from tests.support.analysis import routed, texts
from tests.support.builders import retry_policy, route

ID = "retries-exceed-timeout"


def test_attempts_longer_than_the_default_timeout_are_found() -> None:
    policy = retry_policy(max_retries=3, per_retry_timeout=Milliseconds(5000))
    assert texts(ID, routed(route(retry_policy=policy))) == [
        (
            "route 'all' of virtual router 'router' Spec.HttpRoute.RetryPolicy: 4 attempts of 5 s take 20 s, "
            "but the request timeout is 15 s"
        )
    ]


def test_attempts_within_the_timeout_are_not_found() -> None:
    policy = retry_policy(max_retries=3, per_retry_timeout=Milliseconds(5000))
    assert texts(ID, routed(route(retry_policy=policy, timeout=Timeout(per_request=Milliseconds(20000))))) == []
    assert texts(ID, routed(route(retry_policy=policy, timeout=Timeout(per_request=Milliseconds(0))))) == []
    assert texts(ID, routed(route(retry_policy=retry_policy(per_retry_timeout=Milliseconds(0))))) == []
