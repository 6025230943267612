"""Findings of the analysis as annotations of constructs."""

import pytest
from aws_cdk import Annotations as Annotate
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Annotations, Match

from color_mesh import MeshNode, MeshRouter, ServiceMesh
from color_mesh.model import Listener, Milliseconds, RetryPolicy, Timeout
from color_mesh.model.deployment import DataPlaneName

pytestmark = pytest.mark.node
RETRIES = "color-mesh:retries-exceed-timeout"
ROUTE = "route 'Shop-Router-Stock' of virtual router 'Shop-Router'"
TEXT = f"{ROUTE}: 4 attempts of 5 s take 20 s, but the request timeout is 15 s"


def shop(data_plane: DataPlaneName, timeout: Timeout | None) -> tuple[Stack, MeshRouter]:
    """Return a stack with a router whose route has three retries of 5 seconds, and the router."""
    stack = Stack(App(), "Shop")
    mesh = ServiceMesh(stack, "Mesh", vpc=ec2.Vpc(stack, "Vpc"), domain="shop.local", data_plane=data_plane)
    node = MeshNode(stack, "Node", mesh=mesh, name="stock", port=80, virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.shop.local", port=80)
    policy = RetryPolicy(max_retries=3, per_retry_timeout=Milliseconds(5000), http_events=("gateway-error",))
    router.add_route("Stock", targets={node: 1}, retry_policy=policy, timeout=timeout)
    MeshNode(stack, "Caller", mesh=mesh, name="caller", backends=[router])
    return stack, router


@pytest.mark.parametrize("data_plane", ["app-mesh", "envoy"])
def test_finding_is_a_warning_at_the_construct_of_its_part(data_plane: DataPlaneName) -> None:
    stack, _ = shop(data_plane, None)
    (warning,) = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("attempts of 5 s"))
    assert warning.id == "/Shop/Router"
    fix = "set a request timeout of 20 s, or shorten the attempts"
    assert warning.entry.data == f"{TEXT} ({fix}) [ack: {RETRIES}]"


def test_mesh_without_a_fault_has_no_warning_of_the_analysis() -> None:
    stack, _ = shop("envoy", Timeout(per_request=Milliseconds(20000)))
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("retries-exceed-timeout"))


def test_warning_can_be_acknowledged() -> None:
    stack, router = shop("envoy", None)
    Annotate.of(router).acknowledge_warning(RETRIES, "the service answers in time")
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("retries-exceed-timeout"))


@pytest.mark.parametrize(("data_plane", "found"), [("app-mesh", 0), ("envoy", 1)])
def test_idle_timeout_of_tcp_is_compared_with_the_default_of_the_data_plane(
    data_plane: DataPlaneName, found: int
) -> None:
    stack = Stack(App(), "Shop")
    mesh = ServiceMesh(stack, "Mesh", vpc=ec2.Vpc(stack, "Vpc"), domain="shop.local", data_plane=data_plane)
    listener = Listener(port=5432, protocol="tcp")
    node = MeshNode(stack, "Node", mesh=mesh, name="stock", listeners=[listener], virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.shop.local", port=5432, protocol="tcp")
    router.add_route("All", targets={node: 1}, timeout=Timeout(idle=Milliseconds(1_800_000)))
    warnings = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("idle-timeout-cut-short"))
    assert len(warnings) == found
