"""The table of costs in data-planes.md: its arithmetic, and its numbers against the templates."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from color_mesh.model.deployment import REFRESH_SECONDS
from tests.support.cloudformation import Assembly, Properties, Template, properties

PAGE = (Path(__file__).parents[2] / "docs" / "data-planes.md").read_text()
# Item, number, price and what it is for, and the price of a month.
ROW = re.compile(r"^\| (.+) \| ([\d.]+) \| ([\d.]+) an? (hour|month|million) \| ([\d.]+) \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE)
TIMES = {"hour": 730, "month": 1, "million": 1}


@pytest.fixture(scope="module")
def assembly(synthesize: Callable[..., Assembly]) -> Assembly:
    return synthesize(dataPlane="envoy")


def number(item: str) -> Decimal:
    """Return the number of the item that begins with a text."""
    (found,) = (Decimal(count) for name, count, *_ in ROWS if name.startswith(item))
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_price_of_a_month_is_number_times_price(row: tuple[str, ...]) -> None:
    _, count, price, unit, month = row
    product = Decimal(count) * Decimal(price) * TIMES[unit]
    assert product.quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal(month)


def test_price_in_all_is_the_sum() -> None:
    (total,) = re.findall(r"^\| in all \| \| \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert sum(Decimal(row[4]) for row in ROWS) == Decimal(total)


def tasks_of(template: Template) -> list[Properties]:
    """Return the task definition of each task."""
    definitions = {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    }
    return [
        definitions[service["TaskDefinition"]["Ref"]]
        for service in properties(template, "AWS::ECS::Service")
        for _ in range(service["DesiredCount"])
    ]


def test_calls_are_those_of_the_envoys(assembly: Assembly) -> None:
    commands = [
        " ".join(map(str, container.get("Command", [])))
        for task in tasks_of(assembly["EcsStack"])
        for container in task["ContainerDefinitions"]
    ]
    calls = sum(command.count("refresh_delay") for command in commands)
    # Envoy waits for the interval, and for a random time that is at most as long.
    seconds = Decimal(REFRESH_SECONDS) * Decimal("1.5")
    assert f"{calls} services and weights, each every {seconds:.0f} seconds" in PAGE
    millions = calls * 730 * 3600 / seconds / 1_000_000
    assert number("millions of calls") == millions.quantize(Decimal("0.1"), ROUND_HALF_UP)


def test_tasks_have_the_sizes_of_the_templates(assembly: Assembly) -> None:
    tasks = tasks_of(assembly["EcsStack"])
    assert f"vCPUs of {len(tasks)} tasks" in PAGE
    assert number("vCPUs") == Decimal(sum(int(task["Cpu"]) for task in tasks)) / 1024
    assert number("GB of memory") == Decimal(sum(int(task["Memory"]) for task in tasks)) / 1024


def test_network_has_the_resources_of_the_templates(assembly: Assembly) -> None:
    network, mesh, services = (assembly[name] for name in ("NetworkStack", "MeshStack", "EcsStack"))
    (load_balancer,) = properties(services, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert load_balancer["Scheme"] == "internet-facing"
    addresses = len(properties(network, "AWS::EC2::EIP")) + len(load_balancer["Subnets"])
    zones = properties(network, "AWS::ServiceDiscovery::PrivateDnsNamespace") + properties(
        mesh, "AWS::Route53::HostedZone"
    )
    assert number("NAT gateway") == len(properties(network, "AWS::EC2::NatGateway"))
    assert number("network load balancer") == 1
    assert number("public IPv4 addresses") == addresses
    assert number("hosted zones") == len(zones)
