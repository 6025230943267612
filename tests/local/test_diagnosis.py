"""Warnings about a plan: mistakes that AWS deploys without an error."""

from pathlib import Path

import pytest

from color_mesh.local.plan.diagnosis import warnings
from tests.support.local_templates import Change, planned, resource, with_app, with_properties


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            with_properties("Role", Policies=[]),
            "stock-svc: envoy gets no configuration: role Role does not allow appmesh:StreamAggregatedResources on "
            "mesh/shop/virtualNode/stock",
            id="permission",
        ),
        pytest.param(
            with_properties("Role", AssumeRolePolicyDocument={"Statement": []}),
            "stock-svc: envoy gets no configuration: role Role does not trust ecs-tasks.amazonaws.com",
            id="trust",
        ),
        pytest.param(
            with_properties("Task", TaskRoleArn=None),
            "stock-svc: envoy gets no configuration: the task has no role, which must allow "
            "appmesh:StreamAggregatedResources on mesh/shop/virtualNode/stock",
            id="no-role",
        ),
        pytest.param(
            with_properties("Node", VirtualNodeName="other"),
            "stock-svc: envoy gets no configuration: no template declares mesh/shop/virtualNode/stock",
            id="no-node",
        ),
        pytest.param(
            with_properties("Task", ProxyConfiguration=None),
            "stock-svc: no proxy configuration redirects the traffic of its tasks to envoy",
            id="no-redirection",
        ),
        pytest.param(
            with_properties("Service", ServiceRegistries=None),
            "stock-svc: virtual node 'stock' has the DNS name stock.shop.local, in which no service registers its "
            "tasks: the node is unreachable",
            id="no-registration",
        ),
        pytest.param(
            with_app(LogConfiguration={"LogDriver": "awslogs", "Options": {"awslogs-group": "shop"}}),
            "stock-svc: its tasks cannot start: app logs to CloudWatch, and the task definition has no execution role",
            id="no-execution-role",
        ),
    ],
)
def test_mistakes_that_aws_deploys_are_warnings(tmp_path: Path, change: Change, expected: str) -> None:
    assert expected in warnings(planned(tmp_path, change))


def test_gateway_route_that_requests_can_use_to_leave_its_prefix_is_a_warning(tmp_path: Path) -> None:
    spec = {"Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}]}
    action = {
        "Target": {"VirtualService": {"VirtualServiceName": "stock.shop.local"}},
        "Rewrite": {"Prefix": {"Value": "/public"}},
    }
    gateway = {
        "Door": resource("AWS::AppMesh::VirtualGateway", MeshName="shop", VirtualGatewayName="door", Spec=spec),
        "Shop": resource(
            "AWS::AppMesh::GatewayRoute",
            MeshName="shop",
            VirtualGatewayName="door",
            GatewayRouteName="shop",
            Spec={"HttpRoute": {"Match": {"Prefix": "/shop"}, "Action": action}},
        ),
        "Stock": resource(
            "AWS::AppMesh::VirtualService",
            MeshName="shop",
            VirtualServiceName="stock.shop.local",
            Spec={"Provider": {"VirtualNode": {"VirtualNodeName": "stock"}}},
        ),
    }
    expected = (
        "gateway route 'shop': a request for '/shop-x' reaches the service outside of '/public', got '/public-x' "
        "(end the prefix and its replacement with '/')"
    )
    assert expected in warnings(planned(tmp_path, more=gateway))


def test_findings_of_the_analysis_are_warnings(tmp_path: Path) -> None:
    change = with_app(Environment=[{"Name": "URL", "Value": "https://api.example.com"}])
    assert (
        "shop.template.json: Task ContainerDefinitions[0].Environment[URL]: it calls 'api.example.com' on port 443"
    ) in "\n".join(warnings(planned(tmp_path, change)))
