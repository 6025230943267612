"""Envoys that ask a stand-in for Cloud Map: endpoints, weights, and what they do when it fails."""

import json
import os
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cdk.envoy_process import READY, run_envoy
from color_mesh.envoy import CloudMapEndpoints, Loopback, configure
from color_mesh.envoy.document import document
from color_mesh.envoy.placement import INBOUND_PORT
from color_mesh.model import (
    GatewayRoute,
    Listener,
    Mesh,
    Protocol,
    Route,
    RouteMatch,
    VirtualGateway,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)
from tests.support.aws_standin import Reply, error
from tests.support.builders import mesh, node, to
from tests.support.cloud_map import CloudMap, Fault, cloud_map, task_instance, tasks_of, weights
from tests.support.envoy import ENVOY, WORKER_ADDRESS
from tests.support.loopback_mesh import connect, send_request, wait_until
from tests.support.servers import SERVERS, App

pytestmark = pytest.mark.envoy

HOST, PORT = "router.colors.local", 80
DOOR_PORT = 8080  # Of the gateway.
_NETWORK = WORKER_ADDRESS.rpartition(".")[0]
GREEN, YELLOW = (f"{_NETWORK}.{number}" for number in (11, 12))
_SERVICE = f"{_NETWORK}.13"  # Address of the virtual service.
_GREEN, _YELLOW, _WEIGHTS = (("colors.local", name) for name in ("green", "yellow", "router.weights"))


def colors(protocol: Protocol = "http") -> Mesh:
    """Return a mesh in which red and a gateway call a router of green and yellow."""
    targets = tuple(WeightedTarget(virtual_node=name, weight=1) for name in ("green", "yellow"))
    match = RouteMatch() if protocol == "tcp" else RouteMatch(prefix="/")
    route = Route(name="route", match=match, targets=targets, protocol=protocol)
    to_router = GatewayRoute(name="all", match=RouteMatch(prefix="/"), virtual_service=HOST)
    door = VirtualGateway(name="door", listeners=(Listener(port=DOOR_PORT),), routes=(to_router,))
    listeners = (Listener(port=PORT, protocol=protocol),)
    return mesh(
        nodes=[*(node(name, listeners=listeners) for name in ("green", "yellow")), node("red", backends=(to(HOST),))],
        routers=(VirtualRouter(name="router", listeners=listeners, routes=(route,)),),
        services=(VirtualService(name=HOST, virtual_router="router"),),
        gateways=() if protocol == "tcp" else (door,),
    )


class Red:
    """Envoy of red, and the Cloud Map that it asks."""

    def __init__(self, aws: CloudMap, folder: Path, process: "subprocess.Popen[bytes]") -> None:
        self.aws = aws
        self.process = process
        self._folder = folder

    def call(self) -> tuple[int, str]:
        """Return the status and the name of the application that answered."""
        response = send_request(_SERVICE, PORT, headers={"Host": HOST})
        return response.status, response.request["node"] if response.status == 200 else ""

    def answers(self, count: int = 60) -> Counter[tuple[int, str]]:
        return Counter(self.call() for _ in range(count))

    def is_ready(self) -> bool:
        """Return whether the health check of the container passes."""
        words = [word.replace("127.0.0.1", WORKER_ADDRESS) for word in READY.command[1:]]
        return subprocess.run(words, capture_output=True, timeout=10, check=False).returncode == 0

    def stat(self, name: str) -> int:
        lines = send_request(WORKER_ADDRESS, 9901, f"/stats?filter=^{name}$").body.decode().splitlines()
        return int(lines[0].split(": ")[1]) if lines else 0

    def endpoints(self, name: str) -> int:
        return self.stat(f"cluster.cds_egress_colors_{name}_http_80.membership_total")

    def warnings(self) -> list[str]:
        lines = (self._folder / "log").read_text().splitlines()
        return [line.partition("script log: ")[2] for line in lines if "script log: " in line]

    def wait_for_calls(self, count: int) -> None:
        """Wait until Envoy has made more calls for each service."""
        before = dict(self.aws.calls)
        wait_until(lambda: all(self.aws.calls[key] >= before[key] + count for key in before), f"{count} more calls")


@contextmanager
def running_red(
    folder: Path,
    aws: CloudMap,
    lead_here: Callable[[Any], Any],
    environment: Mapping[str, str],
    *,
    gateway: bool = False,
    protocol: Protocol = "http",
) -> Iterator[Red]:
    """Run the container of red's Envoy, or of the gateway's."""
    of = colors(protocol)
    part = of.gateway("door") if gateway else of.node("red")
    placement = Loopback(
        task_address=WORKER_ADDRESS,
        app_address=WORKER_ADDRESS,
        envoy_address=WORKER_ADDRESS,
        backend_addresses={HOST: _SERVICE},
    )
    asked = CloudMapEndpoints(
        refresh_seconds=1, weights_namespace="colors.local", live_routes=frozenset({("router", "route")})
    )
    bootstrap = lead_here(configure(of, part, interception=placement, endpoints=asked).bootstrap)
    words = [
        word.replace("127.0.0.1", WORKER_ADDRESS)
        for word in run_envoy(1, workers=1, app_ports=None, region="eu-west-1", url_suffix="amazonaws.com")
    ]
    path = f"{Path(ENVOY).parent}:{os.environ['PATH']}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*words, *document(bootstrap)],
            env={**os.environ, **environment, "PATH": path},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Red(aws, folder, process)
    finally:
        process.terminate()
        process.wait(15)


@contextmanager
def aws_of(folder: Path, protocol: Protocol) -> Iterator[tuple[CloudMap, Callable[[Any], Any], dict[str, str]]]:
    """Run green, yellow and a Cloud Map that has them and the weights of their router."""
    with ExitStack() as stack:
        for name, address in (("green", GREEN), ("yellow", YELLOW)):
            stack.enter_context(SERVERS[protocol](App(name), address, INBOUND_PORT))
        found = stack.enter_context(cloud_map(folder, WORKER_ADDRESS))
        found[0].instances = {
            _GREEN: tasks_of([GREEN]),
            _YELLOW: tasks_of([YELLOW]),
            _WEIGHTS: [weights("route", green="1", yellow="0")],
        }
        yield found


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[tuple[CloudMap, Callable[[Any], Any], dict[str, str]]]:
    with aws_of(tmp_path, "http") as found:
        yield found


@pytest.fixture
def red(aws: tuple[CloudMap, Callable[[Any], Any], dict[str, str]], tmp_path: Path) -> Iterator[Red]:
    with running_red(tmp_path, *aws) as running:
        wait_until(running.is_ready, "the Envoy of red is ready")
        yield running


def test_ready_envoy_has_endpoints_and_weights(red: Red) -> None:
    assert red.answers() == {(200, "green"): 60}


def test_start_takes_less_than_two_seconds(
    aws: tuple[CloudMap, Callable[[Any], Any], dict[str, str]], tmp_path: Path
) -> None:
    start = time.monotonic()
    with running_red(tmp_path, *aws) as running:
        wait_until(running.is_ready, "the Envoy of red is ready")
        # On a busy machine; 0.4 s on an idle one.
        assert time.monotonic() - start < 3


def test_calls_are_signed_for_cloud_map_and_say_nothing_else(red: Red) -> None:
    headers, _ = red.aws.requests[0]
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert "/eu-west-1/servicediscovery/aws4_request" in headers["authorization"]
    assert (headers["host"], headers["x-amz-security-token"]) == (
        "data-servicediscovery.eu-west-1.amazonaws.com",
        "token",
    )
    assert not [name for name in headers if name.startswith(("x-envoy", "x-forwarded"))]


def test_all_of_a_thousand_tasks_are_endpoints(red: Red) -> None:
    red.aws.instances[_GREEN] = [
        task_instance(f"10.{number // 250}.1.{number % 250}", ECS_SERVICE_NAME="s" * 200, ECS_CLUSTER_NAME="c" * 200)
        for number in range(1000)
    ]
    wait_until(lambda: red.endpoints("green") == 1000, "all tasks are endpoints")
    red.aws.instances[_GREEN] = tasks_of([GREEN])
    wait_until(lambda: red.endpoints("green") == 1, "only one task is an endpoint")


def test_unhealthy_task_gets_no_requests_while_others_are_healthy(red: Red) -> None:
    red.aws.instances[_GREEN] = [task_instance(YELLOW, "UNHEALTHY"), task_instance(GREEN)]
    wait_until(lambda: red.endpoints("green") == 2, "both tasks are known")
    assert red.answers() == {(200, "green"): 60}

    # The old tasks are deregistered before the new one counts as healthy.
    red.aws.instances[_GREEN] = [task_instance(YELLOW, "UNHEALTHY")]
    wait_until(lambda: red.endpoints("green") == 1, "the healthy task is gone")
    assert red.answers() == {(200, "yellow"): 60}


def test_service_without_tasks_has_no_endpoints(red: Red) -> None:
    red.aws.instances[_GREEN] = []
    wait_until(lambda: red.endpoints("green") == 0, "no task is an endpoint")
    assert red.call()[0] == 503


def test_weights_change_under_requests(red: Red) -> None:
    for changed, name in (({"green": "0", "yellow": "1"}, "yellow"), ({"green": "7"}, "green")):
        red.aws.instances[_WEIGHTS] = [weights("route", **changed)]
        changed_at = time.monotonic()
        answers: list[tuple[int, str]] = []
        while not answers or answers[-1][1] != name:
            answers.append(red.call())
        # Two intervals of a second, and a call.
        assert time.monotonic() - changed_at < 3
        assert {status for status, _ in answers} == {200}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"green": "0", "yellow": "0"}, "all weights are 0"),
        ({"green": "0", "purple": "1"}, "'purple' is not a target"),
        ({"green": "none", "yellow": "1"}, "the weight of 'green' is not 0 to 100"),
    ],
)
def test_invalid_weights_leave_the_last_ones_in_force(red: Red, wrong: dict[str, str], reason: str) -> None:
    red.aws.instances[_WEIGHTS] = [weights("route", **wrong)]
    red.wait_for_calls(2)
    assert red.answers() == {(200, "green"): 60}
    (warning,) = (line for line in red.warnings() if reason in line)
    assert warning == (
        f"Cloud Map DiscoverInstances of colors.local/router.weights: instance 'route': {reason}; "
        "what was known before stays in force"
    )


def test_weights_of_a_tcp_route_change_for_new_connections(tmp_path: Path) -> None:
    def connection() -> tuple[socket.socket, str]:
        opened = connect(_SERVICE, PORT)
        opened_connections.callback(opened.close)
        return opened, opened.recv(100).decode().strip()

    def names(count: int = 400) -> Counter[str]:
        opened = [connection() for _ in range(count)]
        for each, _ in opened:
            each.close()
        return Counter(name for _, name in opened)

    with (
        aws_of(tmp_path, "tcp") as aws,
        running_red(tmp_path, *aws, protocol="tcp") as red,
        ExitStack() as opened_connections,
    ):
        wait_until(red.is_ready, "the Envoy of red is ready")
        first, name = connection()
        assert (name, names()) == ("green", {"green": 400})

        red.aws.instances[_WEIGHTS] = [weights("route", green="1", yellow="3")]
        changed_at = time.monotonic()
        wait_until(lambda: names(1) == {"yellow": 1}, "a connection gets to yellow")
        assert time.monotonic() - changed_at < 3  # Two intervals of a second, and a call.
        assert 60 <= names()["green"] <= 140
        first.sendall(b"still open")
        assert first.recv(100) == b"still open"

        red.aws.instances[_WEIGHTS] = [weights("route", green="0", yellow="0")]
        red.wait_for_calls(2)
        assert 60 <= names()["green"] <= 140
        red.aws.instances[_WEIGHTS] = [weights("route", yellow="7")]
        wait_until(lambda: names(20) == {"yellow": 20}, "the weights after the invalid ones are in force")
        assert names() == {"yellow": 400}


def _cut_off(_: Mapping[str, Any], reply: Reply) -> Reply:
    return 200, reply[1][: len(reply[1]) // 2]


def _large(_: Mapping[str, Any], reply: Reply) -> Reply:
    return 200, b'{"Instances":[], "padding": "' + b"x" * 5_000_000 + b'"}'


def _replies(reply: Reply) -> Fault:
    return lambda _, __: reply


FAULTS: dict[str, tuple[Fault, str]] = {
    "denied": (_replies(error(400, "AccessDeniedException", "no policy allows it")), "400 AccessDeniedException: no"),
    "expired": (_replies(error(400, "ExpiredTokenException", "The token expired")), "400 ExpiredTokenException: The"),
    "throttled": (_replies(error(400, "RequestLimitExceeded", "slow down")), "400 RequestLimitExceeded: slow"),
    "html": (_replies((200, b"<html><body>maintenance</body></html>")), "200, but not valid JSON at byte 1"),
    "cut-off": (_cut_off, "200, but not valid JSON at byte"),
    "wrong-types": (_replies((200, b'{"Instances":{"0":1}}')), "200, but Instances is missing or has the wrong type"),
    "empty": (_replies((200, b"")), "200, but not valid JSON at byte 1"),
    "large": (_large, "200, but the answer has 5000031 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_of_cloud_map_changes_nothing_and_is_logged_once_a_minute(red: Red, fault: str) -> None:
    red.aws.fault, reason = FAULTS[fault]
    red.wait_for_calls(3)
    assert red.answers() == {(200, "green"): 60}
    assert (red.endpoints("green"), red.endpoints("yellow"), red.is_ready()) == (1, 1, True)
    (warning,) = red.warnings()
    assert warning.startswith("Cloud Map DiscoverInstances of colors.local/")
    assert reason in warning

    red.aws.fault = None
    red.aws.instances[_GREEN] = tasks_of([YELLOW])
    wait_until(lambda: red.call() == (200, "yellow"), "the change after the fault is known")


def test_slow_cloud_map_changes_nothing(red: Red) -> None:
    red.aws.slow_seconds = 8
    calls = red.aws.calls[_GREEN]
    wait_until(lambda: red.aws.calls[_GREEN] >= calls + 2, "a slow call has ended, and another one has begun")
    assert red.answers() == {(200, "green"): 60}
    red.aws.slow_seconds = 0
    red.aws.instances[_GREEN] = tasks_of([YELLOW])
    wait_until(lambda: red.call() == (200, "yellow"), "the change after the fault is known")


def test_envoy_that_starts_during_a_fault_says_why_it_waits_and_becomes_ready_after_it(
    aws: tuple[CloudMap, Callable[[Any], Any], dict[str, str]], tmp_path: Path
) -> None:
    aws[0].fault = FAULTS["denied"][0]
    with running_red(tmp_path, *aws) as running:
        wait_until(lambda: sum(aws[0].calls.values()) > 6, "Envoy has asked")
        assert not running.is_ready()
        (warning,) = running.warnings()
        assert "400 AccessDeniedException: no policy allows it" in warning
        assert warning.endswith("; the task waits for the first answer")
        aws[0].fault = None
        wait_until(running.is_ready, "the Envoy of red is ready")
        assert running.answers() == {(200, "green"): 60}


@pytest.mark.parametrize("missing", [_GREEN, _WEIGHTS])
def test_envoy_is_not_ready_until_each_answer_is_known(
    missing: tuple[str, str], aws: tuple[CloudMap, Callable[[Any], Any], dict[str, str]], tmp_path: Path
) -> None:
    instances = aws[0].instances.pop(missing)
    with running_red(tmp_path, *aws) as running:
        wait_until(lambda: min(aws[0].calls[each] for each in (_GREEN, _YELLOW, _WEIGHTS)) > 1, "Envoy has asked")
        assert not running.is_ready()
        aws[0].instances[missing] = instances
        wait_until(running.is_ready, "the Envoy of red is ready")


def test_envoy_ends_without_an_error_during_a_call(red: Red, tmp_path: Path) -> None:
    red.aws.slow_seconds = 4
    calls = red.aws.calls.total()
    wait_until(lambda: red.aws.calls.total() > calls, "a call has begun")
    red.process.terminate()
    assert red.process.wait(15) == 0
    assert "Segmentation fault" not in (tmp_path / "log").read_text()


def test_source_of_the_filter_is_in_the_configuration_once() -> None:
    of = colors()
    asked = CloudMapEndpoints(weights_namespace="colors.local", live_routes=frozenset({("router", "route")}))
    text = json.dumps(configure(of, of.node("red"), interception=Loopback(), endpoints=asked).bootstrap)
    assert (text.count("envoy_on_request"), text.count("rtds_config"), text.count("eds_config")) == (1, 1, 2)


def test_gateway_answers_health_checks_from_its_first_endpoints_and_weights_on(
    aws: tuple[CloudMap, Callable[[Any], Any], dict[str, str]], tmp_path: Path
) -> None:
    def health() -> int:
        try:
            return send_request(WORKER_ADDRESS, DOOR_PORT, "/.well-known/gateway-health").status
        except ConnectionRefusedError:
            return 0

    aws[0].fault = FAULTS["denied"][0]
    with running_red(tmp_path, *aws, gateway=True) as door:
        wait_until(lambda: health() != 0, "the gateway accepts connections")
        door.wait_for_calls(2)
        assert health() == 503
        aws[0].fault = None
        wait_until(lambda: health() == 200, "the gateway is healthy")
        assert send_request(WORKER_ADDRESS, DOOR_PORT).status == 200
        aws[0].fault = FAULTS["denied"][0]
        door.wait_for_calls(2)
        assert health() == 200
