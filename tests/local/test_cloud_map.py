"""Cloud Map in a run: instances, and the actions of its API."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from color_mesh.ecs.cloud_map import CloudMapInstance, DiscoveryService, cloud_map_id
from color_mesh.ecs.roles import Role, statements
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.cloud_map_authorization import authorize
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.cloud_map import CloudMap
from color_mesh.local.run.aws.weights import live_routes, weights_request
from color_mesh.local.run.dns.records import records_to_serve
from color_mesh.local.run.propagation import Propagation
from color_mesh.local.run.tasks.task_registry import RegisteredTask, TaskRegistry
from color_mesh.model import MeshError
from tests.support.local_templates import planned

STOCK, ROUTER = "shop.json: Stock", "shop.json: Router"
SERVICES = {
    STOCK: DiscoveryService(
        name="stock", namespace="shop.local", namespace_key="shop.json: Shop", records=(("A", 5),), health_check=True
    ),
    ROUTER: DiscoveryService(name="router", namespace="shop.local", namespace_key="shop.json: Shop"),
}
WEIGHTS = CloudMapInstance(id="route", attributes={"green": "4", "yellow": "1"}, depends_on=("shop.json: Green",))
NAMES = {"NamespaceName": "shop.local", "ServiceName": "stock"}
ROUTER_ID = cloud_map_id("srv", ROUTER)


class Emulated:
    """Cloud Map with three tasks of ``stock``, one of which is unhealthy, and the weights of a route."""

    def __init__(self, plan: Plan) -> None:
        self.plan = replace(plan, discovery=SERVICES, instances={ROUTER: (WEIGHTS,)})
        self.registry = TaskRegistry(lambda: None)
        self.cloud_map = CloudMap(self.registry, 0, lambda: None)
        for number in range(4, 7):
            self.register(str(number), healthy=number != 6)
        self.apply()

    def register(self, name: str, healthy: bool) -> None:
        """Register a task, or change its health."""
        address = IPv4Address(f"10.0.0.{name}")
        attributes = {"AWS_INSTANCE_IPV4": str(address), "ECS_TASK_DEFINITION_FAMILY": "odd" if name == "5" else "even"}
        self.registry.register(STOCK, RegisteredTask(id=name, address=address, attributes=attributes, healthy=healthy))

    def apply(self, is_stable: Callable[[str], bool] = lambda _: True) -> None:
        """Take over the templates, and let changes take effect."""
        self.cloud_map.apply(self.plan, is_stable)
        self.cloud_map.update()

    def discovered(self, **request: Any) -> list[str]:
        """Return the ids of discovered instances."""
        response = self.cloud_map.call("DiscoverInstances", {**NAMES, **request})
        return sorted(each["InstanceId"] for each in response["Instances"])

    def weights(self) -> Any:
        """Return the discovered weights of the route."""
        self.cloud_map.update()
        response = self.cloud_map.call("DiscoverInstances", {**NAMES, "ServiceName": "router"})
        return next((each["Attributes"] for each in response["Instances"]), None)


@pytest.fixture
def aws(tmp_path: Path) -> Emulated:
    return Emulated(planned(tmp_path))


def test_instance_is_described_as_aws_does(aws: Emulated) -> None:
    aws.registry.deregister("5")
    aws.registry.deregister("6")
    aws.apply()
    assert aws.cloud_map.call("DiscoverInstances", NAMES) == {
        "Instances": [
            {
                "InstanceId": "4",
                "NamespaceName": "shop.local",
                "ServiceName": "stock",
                "HealthStatus": "HEALTHY",
                "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.4", "ECS_TASK_DEFINITION_FAMILY": "even"},
            }
        ],
        "InstancesRevision": 1,
    }


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("HEALTHY", ["4", "5"]),
        ("UNHEALTHY", ["6"]),
        ("ALL", ["4", "5", "6"]),
        ("HEALTHY_OR_ELSE_ALL", ["4", "5"]),
    ],
)
def test_instances_are_filtered_by_health(aws: Emulated, status: str, expected: list[str]) -> None:
    assert aws.discovered(HealthStatus=status) == expected


def test_unhealthy_instances_are_discovered_if_no_other_is(aws: Emulated) -> None:
    for name in "456":
        aws.register(name, healthy=False)
    aws.apply()
    assert aws.discovered(HealthStatus="HEALTHY") == []
    assert aws.discovered(HealthStatus="HEALTHY_OR_ELSE_ALL") == ["4", "5", "6"]


def test_health_is_ignored_for_a_service_without_a_health_check(aws: Emulated) -> None:
    aws.plan = replace(aws.plan, discovery={STOCK: replace(SERVICES[STOCK], health_check=False)}, instances={})
    aws.apply()
    assert aws.discovered(HealthStatus="HEALTHY") == ["4", "5", "6"]
    (status,) = {each["HealthStatus"] for each in aws.cloud_map.call("DiscoverInstances", NAMES)["Instances"]}
    assert status == "UNKNOWN"


def test_instances_are_filtered_by_attributes(aws: Emulated) -> None:
    assert aws.discovered(QueryParameters={"ECS_TASK_DEFINITION_FAMILY": "odd"}) == ["5"]
    assert aws.discovered(QueryParameters={"ECS_TASK_DEFINITION_FAMILY": "none"}) == []
    assert aws.discovered(OptionalParameters={"ECS_TASK_DEFINITION_FAMILY": "even"}) == ["4", "6"]
    assert aws.discovered(OptionalParameters={"ECS_TASK_DEFINITION_FAMILY": "none"}) == ["4", "5", "6"]


def test_number_of_instances_is_limited(aws: Emulated) -> None:
    for number in range(10, 160):
        aws.register(str(number), healthy=True)
    aws.apply()
    assert len(aws.discovered()) == 100
    assert len(aws.discovered(MaxResults=1000)) == 153
    assert len(aws.discovered(MaxResults=1)) == 1


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"MaxResults": 0}, 400, "InvalidInput"),
        ({"MaxResults": 1001}, 400, "InvalidInput"),
        ({"MaxResults": "9"}, 400, "InvalidInput"),
        ({"MaxResults": True}, 400, "InvalidInput"),
        ({"HealthStatus": "WELL"}, 400, "InvalidInput"),
        ({"QueryParameters": {"a": 1}}, 400, "InvalidInput"),
        ({"QueryParameters": []}, 400, "InvalidInput"),
        ({"ServiceName": None}, 400, "InvalidInput"),
        ({"ServiceName": "price"}, 400, "ServiceNotFound"),
        ({"NamespaceName": "other.local"}, 400, "NamespaceNotFound"),
    ],
)
def test_invalid_request_is_refused(aws: Emulated, request_: dict[str, Any], status: int, code: str) -> None:
    with pytest.raises(ApiError) as refused:
        aws.discovered(**request_)
    assert (refused.value.status, refused.value.code) == (status, code)


def test_revision_increases_with_each_registration_but_not_with_health(aws: Emulated) -> None:
    revisions = []
    for name, healthy in (("4", True), ("7", True), ("7", False), ("8", True)):
        aws.register(name, healthy)
        aws.apply()
        revisions.append(aws.cloud_map.call("DiscoverInstancesRevision", NAMES)["InstancesRevision"])
    assert revisions == [1, 2, 2, 3]


@pytest.mark.parametrize(
    ("healthy", "addresses"),
    [("456", {"4", "5", "6"}), ("45", {"4", "5"}), ("", {"4", "5", "6"})],
    ids=["all", "some", "none"],
)
def test_dns_answers_with_healthy_tasks_unless_there_are_none(aws: Emulated, healthy: str, addresses: set[str]) -> None:
    for name in "456":
        aws.register(name, healthy=name in healthy)
    registrations = Propagation(aws.registry.tasks_of, 0)
    registrations.update([STOCK])
    names = records_to_serve(aws.plan, registrations, {})["names"]
    assert {each.rpartition(".")[2] for each in names["stock.shop.local"]["A"]["values"]} == addresses
    assert names["data-servicediscovery.us-east-1.amazonaws.com"]["A"]["values"] == ["198.51.100.8"]
    assert "router.shop.local" not in names


def test_call_waits_for_the_first_instance_that_is_on_its_way(aws: Emulated) -> None:
    aws.plan = replace(aws.plan, discovery={**SERVICES, "shop.json: New": replace(SERVICES[ROUTER], name="new")})
    aws.plan = replace(aws.plan, instances={"shop.json: New": (replace(WEIGHTS, id="new"),)})
    aws.apply(lambda _: False)
    names = {**NAMES, "ServiceName": "new"}

    async def seconds_of_calls() -> list[float]:
        seconds = []
        for service, limit in (("new", 0.01), ("new", 20.0), ("unknown", 20.0)):
            began = time.monotonic()
            await aws.cloud_map.wait_for_first_instance({**NAMES, "ServiceName": service}, limit)
            seconds.append(time.monotonic() - began)
            asyncio.get_running_loop().call_later(0.05, aws.apply)
        return seconds

    cut_off, waited, unknown = asyncio.run(seconds_of_calls())
    assert cut_off < 0.05 <= waited < 10
    assert unknown < 0.05
    assert [each["InstanceId"] for each in aws.cloud_map.call("DiscoverInstances", names)["Instances"]] == ["new"]


def test_registered_instance_is_discovered_listed_and_deregistered(aws: Emulated) -> None:
    request = {"ServiceId": ROUTER_ID, "InstanceId": "route", "Attributes": {"green": "0", "yellow": "1"}}
    operation = aws.cloud_map.call("RegisterInstance", request)["OperationId"]
    assert aws.cloud_map.call("GetOperation", {"OperationId": operation})["Operation"]["Status"] == "SUCCESS"
    assert aws.weights() == {"green": "0", "yellow": "1"}
    listed = {"Id": "route", "Attributes": {"green": "0", "yellow": "1"}}
    assert aws.cloud_map.call("ListInstances", {"ServiceId": ROUTER_ID}) == {"Instances": [listed]}
    assert aws.cloud_map.call("GetInstance", request) == {"Instance": listed}
    aws.cloud_map.call("DeregisterInstance", request)
    assert aws.weights() is None


@pytest.mark.parametrize(
    ("service", "name", "attributes", "code"),
    [
        (ROUTER, "a b", {}, "InvalidInput"),
        (ROUTER, "a" * 65, {}, "InvalidInput"),
        (ROUTER, "route", {str(number): "1" for number in range(31)}, "InvalidInput"),
        (ROUTER, "route", {str(number): "1" * 1000 for number in range(6)}, "InvalidInput"),
        (ROUTER, "route", {"a": "x" * 1025}, "InvalidInput"),
        (ROUTER, "route", {"a b": "1"}, "InvalidInput"),
        (ROUTER, "route", {"a": " 1"}, "InvalidInput"),
        (ROUTER, "route", {"a": "é"}, "InvalidInput"),
        (STOCK, "route", {"a": "1"}, "InvalidInput"),
        ("shop.json: Nothing", "route", {}, "ServiceNotFound"),
    ],
    ids=["id", "long-id", "attributes", "length", "value", "name", "space", "ascii", "address", "service"],
)
def test_invalid_registration_is_refused(
    aws: Emulated, service: str, name: str, attributes: dict[str, str], code: str
) -> None:
    request = {"ServiceId": cloud_map_id("srv", service), "InstanceId": name, "Attributes": attributes}
    with pytest.raises(ApiError) as refused:
        aws.cloud_map.call("RegisterInstance", request)
    assert refused.value.code == code


def test_number_of_registered_instances_is_limited(aws: Emulated) -> None:
    requests = [{"ServiceId": ROUTER_ID, "InstanceId": str(number)} for number in range(1000)]
    for request in requests[1:]:
        aws.cloud_map.call("RegisterInstance", request)
    with pytest.raises(ApiError, match="ResourceLimitExceeded"):
        aws.cloud_map.call("RegisterInstance", requests[0])
    aws.cloud_map.call("RegisterInstance", requests[1])


def test_service_that_leaves_the_templates_takes_its_registered_instances_along(aws: Emulated) -> None:
    request = {"ServiceId": ROUTER_ID, "InstanceId": "other", "Attributes": {"green": "1"}}
    aws.cloud_map.call("RegisterInstance", request)
    aws.plan = replace(aws.plan, discovery={STOCK: SERVICES[STOCK]}, instances={})
    aws.apply()
    assert live_routes(aws.cloud_map) == {}
    aws.plan = replace(aws.plan, discovery=SERVICES)
    aws.apply()
    assert live_routes(aws.cloud_map) == {}


@pytest.mark.parametrize("action", ["RegisterInstance", "DeregisterInstance"])
def test_task_of_ecs_cannot_be_changed_or_deregistered(aws: Emulated, action: str) -> None:
    request = {
        "ServiceId": cloud_map_id("srv", STOCK),
        "InstanceId": "4",
        "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.9"},
    }
    with pytest.raises(ApiError, match="ResourceInUse"):
        aws.cloud_map.call(action, request)
    assert aws.discovered() == ["4", "5", "6"]


def test_changed_instance_of_the_templates_waits_for_the_services_that_it_depends_on(aws: Emulated) -> None:
    changed = replace(WEIGHTS, attributes={"green": "1", "yellow": "1"})
    aws.plan = replace(aws.plan, instances={ROUTER: (changed,)})
    aws.apply(lambda place: place != "shop.json: Green")
    assert (aws.weights(), aws.cloud_map.is_waiting) == ({"green": "4", "yellow": "1"}, True)
    aws.apply()
    assert (aws.weights(), aws.cloud_map.is_waiting) == ({"green": "1", "yellow": "1"}, False)


def test_weights_of_an_operator_hold_until_the_templates_change_them(aws: Emulated) -> None:
    aws.cloud_map.call("RegisterInstance", weights_request(aws.cloud_map, "route", {"yellow": 7}))
    aws.apply()
    assert aws.weights() == {"green": "0", "yellow": "7"}
    aws.plan = replace(aws.plan, instances={ROUTER: (replace(WEIGHTS, attributes={"green": "2", "yellow": "1"}),)})
    aws.apply()
    assert aws.weights() == {"green": "2", "yellow": "1"}


def test_instance_that_leaves_the_templates_is_deregistered(aws: Emulated) -> None:
    aws.plan = replace(aws.plan, instances={})
    aws.apply()
    assert aws.weights() is None


def test_routes_with_the_same_name_are_named_by_their_routers(aws: Emulated) -> None:
    assert list(live_routes(aws.cloud_map)) == ["route"]
    services = {**SERVICES, "shop.json: Other": DiscoveryService(name="other", namespace="shop.local")}
    instances = {ROUTER: (WEIGHTS,), "shop.json: Other": (WEIGHTS, CloudMapInstance(id="x", attributes={"a": "text"}))}
    aws.plan = replace(aws.plan, discovery=services, instances=instances)
    aws.apply()
    assert sorted(live_routes(aws.cloud_map)) == ["other/route", "router/route"]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"green": 0}, "set route route: all weights are 0, got {'green': 0} (at least one above 0)"),
        ({"red": 1}, "set route route: unknown target, got 'red' (known: green, yellow)"),
        ({"green": 101}, "set route route: weight of 'green' out of range, got 101 (0 to 100)"),
    ],
    ids=["zero", "unknown", "range"],
)
def test_invalid_weights_are_refused(aws: Emulated, weights: dict[str, int], message: str) -> None:
    with pytest.raises(MeshError) as refused:
        weights_request(aws.cloud_map, "route", weights)
    assert str(refused.value) == message


DISCOVER = {"Effect": "Allow", "Action": "servicediscovery:DiscoverInstances", "Resource": "*"}
NAME_KEYS = {"servicediscovery:NamespaceName": "shop.local", "servicediscovery:ServiceName": "stock"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Condition": {"StringEquals": NAME_KEYS}},
        {"Resource": [STOCK, "shop.json: Shop"]},
        {"Resource": ["arn:aws:servicediscovery:*:*:service/*", "arn:aws:servicediscovery:*:*:namespace/*"]},
    ],
    ids=["all", "names", "references", "arns"],
)
def test_role_that_allows_a_call_is_authorized(aws: Emulated, changes: dict[str, Any]) -> None:
    role = Role(name="Role", statements=statements({"Statement": {**DISCOVER, **changes}}))
    assert authorize(role, "DiscoverInstances", NAMES, SERVICES, "us-east-1").denial is None


@pytest.mark.parametrize(
    "changes",
    [
        {"Action": "servicediscovery:ListInstances"},
        {"Condition": {"StringEquals": {**NAME_KEYS, "servicediscovery:ServiceName": "price"}}},
        {"Resource": [ROUTER, "shop.json: Shop"]},
        {"Resource": STOCK},
    ],
    ids=["action", "name", "service", "no-namespace"],
)
def test_missing_permission_is_named(aws: Emulated, changes: dict[str, Any]) -> None:
    role = Role(name="Role", statements=statements({"Statement": {**DISCOVER, **changes}}))
    denial = authorize(role, "DiscoverInstances", NAMES, SERVICES, "us-east-1").denial
    assert denial is not None
    assert denial.startswith(
        "servicediscovery:DiscoverInstances on service 'stock' of namespace 'shop.local': no policy allows it, "
        "got role Role (allow servicediscovery:DiscoverInstances on arn:aws:servicediscovery:us-east-1:123456789012:"
    )
    assert denial.endswith(", or on * if servicediscovery:ServiceName is 'stock')")


def test_names_of_discovery_are_no_keys_of_other_actions(aws: Emulated) -> None:
    condition = {"StringEquals": {"servicediscovery:ServiceName": "router"}}
    allowed = statements({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}})
    request = {"ServiceId": ROUTER_ID, "InstanceId": "route"}
    role = Role(name="Role", statements=allowed)
    denial = authorize(role, "RegisterInstance", request, SERVICES, "us-east-1").denial
    assert denial is not None
    assert "servicediscovery:RegisterInstance on service 'router': no policy allows it" in denial
