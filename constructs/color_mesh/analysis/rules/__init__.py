"""All rules, in the order of their findings within a severity."""

from color_mesh.analysis.rule import Rule
from color_mesh.analysis.rules import (
    caller_timeout_cut_short,
    idle_timeout_cut_short,
    request_timeout_cut_short,
    request_timeout_exceeds_idle_timeout,
    retries_exceed_timeout,
    stop_timeout_shorter_than_requests,
)

RULES: tuple[Rule, ...] = (
    request_timeout_cut_short.RULE,
    caller_timeout_cut_short.RULE,
    request_timeout_exceeds_idle_timeout.RULE,
    idle_timeout_cut_short.RULE,
    retries_exceed_timeout.RULE,
    stop_timeout_shorter_than_requests.RULE,
)
