"""The Lua filter that calls Cloud Map, in LuaJIT."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lupa.luajit21 import LuaError, LuaRuntime

from color_mesh.envoy.aws.cloud_map import endpoints_name, weights_name
from color_mesh.envoy.aws.lua import lua_source
from tests.support.cloud_map import task_instance, tasks_of, weights
from tests.support.lua_stream import STREAM

# Keeps the type of each value, which Lua's tables do not, and the bytes of strings.
_DESCRIBE = """
local function describe(value)
  if value == null then return "null" end
  if type(value) == "string" then return '"' .. value:gsub(".", function(byte)
    return string.format("%02x", byte:byte()) end) .. '"' end
  if type(value) ~= "table" then return type(value) == "number" and string.format("%.17g", value) or tostring(value) end
  local parts, is_array = {}, getmetatable(value) == Array
  for key, each in pairs(value) do
    parts[#parts + 1] = (is_array and "" or describe(key) .. ":") .. describe(each)
  end
  if not is_array then table.sort(parts) end
  return (is_array and "[" or "{") .. table.concat(parts, ",") .. (is_array and "]" or "}")
end
return function(text) return describe(decode(text)) end
"""
_NODE = endpoints_name("tasks.colors.local", "green", 15100, None)
_ROUTER = weights_name(
    "tasks.colors.local",
    "router.weights",
    [("route", ["green"], "weights.router.route.g"), ("route", ["yellow"], "weights.router.route.y")],
)


class Filter:
    """The filter in LuaJIT."""

    def __init__(self) -> None:
        self._lua = LuaRuntime(encoding=None)
        self._module = self._lua.execute((lua_source("cloud_map.lua") + STREAM).encode())

    def sleep(self, seconds: int) -> None:
        self._module[b"sleep"](seconds)

    def call(self, name: str, status: int, answer: bytes, kind: str = "endpoints") -> tuple[int, bytes, str]:
        """Return the status, the body and the log of a call with this answer of Cloud Map."""
        stream = self._module[b"stream"](kind.encode())
        stream[b"ask"](json.dumps({"resource_names": [name]}).encode())
        new_status, body = stream[b"answer"](str(status).encode(), answer)
        return int(new_status), body, stream[b"log"]().decode()

    def ask(self, name: str, kind: str = "endpoints") -> tuple[Any, bytes, str]:
        """Return the request, its target and its log; there is no answer to it."""
        stream = self._module[b"stream"](kind.encode())
        _, request, target = stream[b"ask"](json.dumps({"node": {"id": 'a"b'}, "resource_names": [name]}).encode())
        return json.loads(request), target, stream[b"log"]().decode()

    def endpoints(self, *instances: Mapping[str, Any], name: str = _NODE) -> list[Any]:
        status, body, _ = self.call(name, 200, json.dumps({"Instances": instances}).encode())
        assert status == 200
        (resource,) = json.loads(body)["resources"]
        assert resource["cluster_name"] == name
        return [endpoint for place in resource["endpoints"] for endpoint in place["lb_endpoints"]]

    def weights(self, *instances: Mapping[str, Any], name: str = _ROUTER) -> tuple[Mapping[str, Any], str]:
        status, body, log = self.call(name, 200, json.dumps({"Instances": instances}).encode(), "runtime")
        assert status == 200
        (resource,) = json.loads(body)["resources"]
        assert resource["name"] == name
        layer = resource["layer"]
        assert layer.pop("tasks.colors.local/router.weights") == 1
        return layer, log


@pytest.fixture
def filter() -> Filter:
    return Filter()


_decode = LuaRuntime(encoding=None).execute((lua_source("cloud_map.lua") + _DESCRIBE).encode())

_numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _described(value: Any) -> str:
    """Describe a value of Python as the filter's values are described."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        members = sorted((f"{_described(key)}:{_described(each)}" for key, each in value.items()), key=str.encode)
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_described, value)) + "]"
    if isinstance(value, str):
        return '"' + value.encode().hex() + '"'
    return "null" if value is None else f"{float(value):.17g}"


def _read_by_python(text: str) -> str | None:
    def refuse(_: str) -> None:
        raise ValueError

    try:
        return _described(json.loads(text, parse_constant=refuse))
    except (ValueError, OverflowError):
        return None


def _read_by_filter(text: str) -> str | None:
    try:
        return str(_decode(text.encode()).decode())
    except LuaError:
        return None


class TestDecoder:
    @given(value=_values, escaped=st.booleans(), indent=st.sampled_from([None, 1, "\t"]))
    def test_documents_are_read_as_by_python(self, value: Any, escaped: bool, indent: int | None) -> None:
        text = json.dumps(value, ensure_ascii=escaped, indent=indent)

        assert _read_by_filter(text) == _described(value)

    @given(value=_values, data=st.data())
    def test_changed_documents_are_read_or_refused_as_by_python(self, value: Any, data: st.DataObject) -> None:
        text = json.dumps(value)
        position = data.draw(st.integers(0, len(text)))
        removed = data.draw(st.integers(0, 3))
        text = (
            text[:position]
            + data.draw(st.text('{}[]",:\\u0123eE+-.truefalsn \x00\x1f\x7f', max_size=3))
            + (text[position + removed :])
        )

        assert _read_by_filter(text) == _read_by_python(text)

    @pytest.mark.parametrize(
        "text",
        ["", " ", "01", "1.", ".5", "+1", "1e", "-", "NaN", "Infinity", "tru", "nul", "'a'", '"a', '"\n"', '"\\x"',
         '"\\u12"', '"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', "[1,]", "[,1]", "[1 2]", '{"a"}', '{"a":}', "{a:1}",
         '{"a":1,}', "[", "{", "]", "1 2", "<html></html>", "\ufeff1", "[" * 33 + "]" * 33, "\x001"],
    )  # fmt: skip
    def test_text_that_is_not_json_is_refused(self, text: str) -> None:
        assert _read_by_filter(text) is None

    @pytest.mark.parametrize("text", ['"\\ud83d\\ude00"', '"\\u0000"', '"\\/"', "-0.5e-3", "[[[]]]", ' {"a" : [ ] } '])
    def test_json_is_read(self, text: str) -> None:
        assert _read_by_filter(text) == _read_by_python(text) is not None


class TestRequest:
    def test_call_names_namespace_and_service(self, filter: Filter) -> None:
        request, target, _ = filter.ask(_NODE)

        assert target == b"Route53AutoNaming_v20170314.DiscoverInstances"
        assert request == {
            "NamespaceName": "tasks.colors.local",
            "ServiceName": "green",
            "MaxResults": 1000,
            "HealthStatus": "ALL",
        }

    @given(key=st.text(min_size=1), value=st.text(min_size=1))
    def test_attributes_select_instances_whatever_their_characters(self, key: str, value: str) -> None:
        request, _, _ = Filter().ask(endpoints_name("a.b", "c", 1, None, [(key, value), ("port", "2")]))

        assert request["QueryParameters"] == {"port": "2", key: value} | ({"port": "2"} if key == "port" else {})

    def test_call_for_weights_selects_nothing(self, filter: Filter) -> None:
        request, _, _ = filter.ask(_ROUTER, "runtime")

        assert (request["ServiceName"], "QueryParameters" in request) == ("router.weights", False)


class TestEndpoints:
    def test_every_task_is_an_endpoint(self, filter: Filter) -> None:
        found = filter.endpoints(*tasks_of([f"10.0.{i // 250}.{i % 250}" for i in range(1000)]))

        assert len(found) == 1000
        assert found[999] == {
            "endpoint": {"address": {"socket_address": {"address": "10.0.3.249", "port_value": 15100}}}
        }

    def test_unhealthy_task_is_marked(self, filter: Filter) -> None:
        found = filter.endpoints(
            task_instance("10.0.0.1", "UNHEALTHY"), task_instance("10.0.0.2", "UNKNOWN"), task_instance("10.0.0.3")
        )

        assert [each.get("health_status") for each in found] == ["UNHEALTHY", None, None]

    def test_service_without_tasks_has_no_endpoints(self, filter: Filter) -> None:
        assert filter.endpoints() == []

    @pytest.mark.parametrize(
        ("preference", "addresses"),
        [
            ("IPv4_ONLY", ["10.0.0.1", "10.0.0.2"]),
            ("IPv6_ONLY", ["fd00::1", "fd00::3"]),
            ("IPv4_PREFERRED", ["10.0.0.1", "10.0.0.2", "fd00::3"]),
            ("IPv6_PREFERRED", ["fd00::1", "10.0.0.2", "fd00::3"]),
            (None, ["10.0.0.1", "10.0.0.2", "fd00::3"]),
        ],
    )
    def test_preference_selects_the_addresses(self, filter: Filter, preference: Any, addresses: list[str]) -> None:
        both = task_instance("10.0.0.1", AWS_INSTANCE_IPV6="fd00::1")

        found = filter.endpoints(
            both, task_instance("10.0.0.2"), task_instance("fd00::3"), name=endpoints_name("a.b", "c", 80, preference)
        )

        assert [each["endpoint"]["address"]["socket_address"]["address"] for each in found] == addresses


_NONSENSE = [
    b"",
    b"<html><body>maintenance</body></html>",
    b'{"Instances":[{"Attributes":{"AWS_INSTANCE_IPV4":"10.0.0.1"',
    b"[]",
    b"null",
    b'"Instances"',
    b"{}",
    b'{"Instances":null}',
    b'{"Instances":{}}',
    b'{"Instances":"none"}',
    b'{"Instances":[null]}',
    b'{"Instances":["10.0.0.1"]}',
    b'{"Instances":[{"InstanceId":"route"}]}',
    b'{"Instances":[{"InstanceId":"route","Attributes":[]}]}',
]


class TestFailures:
    @pytest.mark.parametrize("answer", _NONSENSE)
    @pytest.mark.parametrize(("kind", "name"), [("endpoints", _NODE), ("runtime", _ROUTER)])
    def test_nonsense_never_reaches_envoy(self, filter: Filter, kind: str, name: str, answer: bytes) -> None:
        status, _, log = filter.call(name, 200, answer, kind)

        assert status == 502
        assert re.match(r"Cloud Map DiscoverInstances of tasks\.colors\.local/[a-z.]+: 200, but ", log), log

    @pytest.mark.parametrize("address", ['1.2.3.4"', "300.0.0.1", "10.0.0.1 ", "localhost", "", 5, None, ["10.0.0.1"]])
    def test_answer_with_an_invalid_address_is_refused(self, filter: Filter, address: Any) -> None:
        instances = [task_instance("10.0.0.1"), {"Attributes": {"AWS_INSTANCE_IPV4": address}}]

        status, _, log = filter.call(_NODE, 200, json.dumps({"Instances": instances}).encode())

        assert (status, "200, but an address is not valid" in log) == (502, True)

    @pytest.mark.parametrize(
        ("status", "answer", "reason"),
        [
            (403, b'{"__type":"AccessDenied","Message":"not \xc3\xa4llowed\\n"}', "403 AccessDenied: not ??llowed?"),
            (400, b'{"__type":"com.amazonaws#LimitExceeded","message":"slow"}', "400 LimitExceeded: slow"),
            (400, b'{"__type":5}', "400 without a type"),
            (503, b"<html>", "503, without a reason in JSON"),
            (500, b"", "500, without a reason in JSON"),
        ],
    )  # fmt: skip
    def test_error_is_logged_with_status_and_reason(
        self, filter: Filter, status: int, answer: bytes, reason: str
    ) -> None:
        new_status, _, log = filter.call(_NODE, status, answer)

        assert new_status == status
        assert log == (
            f"Cloud Map DiscoverInstances of tasks.colors.local/green: {reason}; the task waits for the first answer"
        )

    def test_log_has_one_line_a_minute(self, filter: Filter) -> None:
        logs = []
        for _ in range(4):
            logs.append(filter.call(_NODE, 503, b"")[2])
            filter.sleep(25)

        assert [bool(log) for log in logs] == [True, False, False, True]
        assert "503, without a reason in JSON (2 more since the last such line);" in logs[3]

    def test_log_after_an_answer_says_that_it_stays_in_force(self, filter: Filter) -> None:
        filter.endpoints(task_instance("10.0.0.1"))

        assert filter.call(_NODE, 503, b"")[2].endswith("; what was known before stays in force")

    def test_call_without_an_answer_is_logged_by_the_next_one(self, filter: Filter) -> None:
        assert filter.ask(_NODE)[2] == ""
        assert filter.ask(_ROUTER, "runtime")[2] == ""
        assert "green: no answer: no connection, a timeout" in filter.ask(_NODE)[2]


class TestWeights:
    def test_weights_are_runtime_keys(self, filter: Filter) -> None:
        layer, log = filter.weights(weights("route", green="4", yellow="1"), weights("other", red="1"))

        assert (layer, log) == ({"weights.router.route.g": 4, "weights.router.route.y": 1}, "")

    def test_target_without_a_weight_gets_none(self, filter: Filter) -> None:
        layer, _ = filter.weights(weights("route", green="4"))

        assert layer == {"weights.router.route.g": 4, "weights.router.route.y": 0}

    def test_attributes_of_cloud_map_are_no_targets(self, filter: Filter) -> None:
        layer, log = filter.weights(weights("route", green="4", AWS_INIT_HEALTH_STATUS="HEALTHY"))

        assert (layer["weights.router.route.g"], log) == (4, "")

    def test_without_an_instance_the_weights_of_the_bootstrap_are_in_force(self, filter: Filter) -> None:
        assert filter.weights() == ({}, "")

    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            ({"green": "0", "yellow": "0"}, "all weights are 0"),
            ({}, "all weights are 0"),
            ({"green": "1", "blue": "1"}, "'blue' is not a target"),
            ({"green": "many"}, "the weight of 'green' is not 0 to 100"),
            ({"green": "101"}, "the weight of 'green' is not 0 to 100"),
            ({"green": "-1"}, "the weight of 'green' is not 0 to 100"),
            ({"green": "1.5"}, "the weight of 'green' is not 0 to 100"),
            ({"green": ""}, "the weight of 'green' is not 0 to 100"),
            ({"green": 1}, "the weight of 'green' is not 0 to 100"),
        ],
    )
    def test_invalid_weights_leave_the_last_valid_ones_in_force(self, filter: Filter, wrong: Any, reason: str) -> None:
        assert filter.weights(weights("route", **wrong))[0] == {}
        filter.weights(weights("route", green="4", yellow="1"))
        filter.sleep(60)

        layer, log = filter.weights(weights("route", **wrong))

        assert layer == {"weights.router.route.g": 4, "weights.router.route.y": 1}
        assert f"router.weights: instance 'route': {reason};" in log

    def test_shares_are_those_of_a_target_and_the_ones_before_it(self, filter: Filter) -> None:
        keys = [("tcp", ["a"], "shares.a"), ("tcp", ["a", "b"], "shares.b"), ("tcp", ["a", "b", "c:80"], "shares.c")]
        name = weights_name("tasks.colors.local", "router.weights", keys)

        def shares(**attributes: str) -> list[int]:
            layer, _ = filter.weights(weights("tcp", **attributes), name=name)
            assert {share["denominator"] for share in layer.values()} <= {"MILLION"}
            return [layer[f"shares.{target}"]["numerator"] for target in "abc" if layer]

        assert shares(d="1") == []
        assert shares(a="1", b="3", **{"c:80": "0"}) == [250000, 1000000, 1000000]
        assert shares(a="0", b="1", **{"c:80": "2"}) == [0, 333333, 1000000]
        assert shares(**{"c:80": "100"}) == [0, 0, 1000000]
        assert shares(a="0") == [0, 0, 1000000]

    def test_weights_whose_instance_is_gone_stay_in_force(self, filter: Filter) -> None:
        filter.weights(weights("route", green="4", yellow="1"))

        assert filter.weights()[0] == {"weights.router.route.g": 4, "weights.router.route.y": 1}


def test_source_has_no_comments_and_no_indentation() -> None:
    lines = lua_source("cloud_map.lua").splitlines()

    assert not [line for line in lines if line != line.strip() or line.startswith("--") or not line]
