"""The example `two_apps`: what each app creates, with cdk-nag."""

from pathlib import Path

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template as Assertions

from examples.two_apps.reservations.app import ReservationsStack
from examples.two_apps.shop.app import ShopStack
from tests.support.cloudformation import Template
from tests.support.nag import nag_findings

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def templates() -> tuple[Template, Template]:
    """The template of the app with the mesh, and of the one that joins it."""
    stacks = (
        ShopStack(App(builtin_cloud_formation_validation=False), "Shop"),
        ReservationsStack(App(builtin_cloud_formation_validation=False), "Reservations"),
    )
    shop, reservations = (dict(Assertions.from_stack(stack).to_json()) for stack in stacks)
    return shop, reservations


def test_second_app_imports_nothing_but_exports_of_the_first(templates: tuple[Template, Template]) -> None:
    shop, reservations = templates
    exports = {output["Export"]["Name"] for output in shop["Outputs"].values()}
    assert imported_names(reservations) <= exports


def imported_names(value: object) -> set[str]:
    if isinstance(value, dict):
        name = value.get("Fn::ImportValue")
        return {name} if isinstance(name, str) else set().union(*map(imported_names, value.values()))
    return set().union(*map(imported_names, value)) if isinstance(value, list) else set()


def test_second_app_creates_neither_a_network_nor_a_namespace(templates: tuple[Template, Template]) -> None:
    types = {resource["Type"] for resource in templates[1]["Resources"].values()}
    assert types.isdisjoint({"AWS::EC2::VPC", "AWS::Route53::HostedZone", "AWS::ServiceDiscovery::PrivateDnsNamespace"})


def test_only_the_networks_and_clusters_of_the_teams_have_findings(tmp_path: Path) -> None:
    imports = """
from examples.two_apps.reservations.app import ReservationsStack
from examples.two_apps.shop.app import ShopStack
"""
    declarations = """
ShopStack(app, "Shop")
ReservationsStack(app, "Reservations")
"""
    assert nag_findings(tmp_path, imports, declarations) == {
        ("AwsSolutions-VPC7", "Shop/Vpc/Resource"),
        ("AwsSolutions-ECS4", "Shop/Cluster/Resource"),
        ("AwsSolutions-ECS4", "Reservations/Cluster/Resource"),
    }
