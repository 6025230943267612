"""Reading of load balancers, listeners, rules and target groups."""

from pathlib import Path
from typing import Any

import pytest

from color_mesh.ecs.actions import Action, FixedResponse, Redirect
from color_mesh.ecs.conditions import Condition
from color_mesh.ecs.listeners import ListenerRule, LoadBalancerListener
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.target_groups import TargetGroup, TargetHealthCheck
from tests.support.local_templates import declared, elb

BALANCER, LISTENER, GROUP = (f"shop.template.json: {name}" for name in ("Balancer", "Listener", "Targets"))
FORWARD = {"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}
WEIGHTED = {
    "Type": "forward",
    "ForwardConfig": {
        "TargetGroups": [{"TargetGroupArn": {"Ref": "Targets"}, "Weight": 0}, {"TargetGroupArn": "arn:b"}]
    },
}


def listener(*actions: Any) -> dict[str, Any]:
    return elb("Listener", LoadBalancerArn={"Ref": "Balancer"}, Protocol="TCP", Port=80, DefaultActions=[*actions])


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        pytest.param([FORWARD], (Action(type="forward", weights={GROUP: 1}),), id="forward"),
        pytest.param([WEIGHTED], (Action(type="forward", weights={GROUP: 0, "arn:b": 1}),), id="weighted"),
        pytest.param(
            [{"Type": "authenticate-oidc"}, FORWARD],
            (Action(type="authenticate-oidc"), Action(type="forward", weights={GROUP: 1})),
            id="authenticates",
        ),
        pytest.param(
            [{**FORWARD, "Order": 2}, {"Type": "authenticate-oidc", "Order": 1}],
            (Action(type="authenticate-oidc"), Action(type="forward", weights={GROUP: 1})),
            id="ordered",
        ),
        pytest.param(
            [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302", "Protocol": "HTTPS", "Query": ""}}],
            (Action(type="redirect", redirect=Redirect(protocol="HTTPS", query="", status_code=302)),),
            id="redirects",
        ),
        pytest.param(
            [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "none"}}],
            (Action(type="fixed-response", fixed_response=FixedResponse(status_code=404, body="none")),),
            id="responds",
        ),
        pytest.param([], (), id="none"),
    ],
)
def test_listener_forwards_to_target_groups(tmp_path: Path, actions: Any, expected: tuple[Action, ...]) -> None:
    more = {"Balancer": elb("LoadBalancer"), "Targets": elb("TargetGroup"), "Listener": listener(*actions)}
    declarations = declared(tmp_path, more=more)
    value = LoadBalancerListener(load_balancer=BALANCER, protocol="TCP", port=80, actions=expected)
    assert declarations.listeners == {LISTENER: value}
    assert declarations.load_balancers[BALANCER].listeners == (value,)
    assert value.target_groups == tuple(group for action in expected for group in action.target_groups)


def test_rule_belongs_to_a_listener(tmp_path: Path) -> None:
    more = {
        "Targets": elb("TargetGroup"),
        "Listener": listener(),
        "Second": elb("ListenerRule", ListenerArn={"Ref": "Listener"}, Actions=[FORWARD], Priority=2),
        "First": elb("ListenerRule", ListenerArn={"Ref": "Listener"}, Actions=[FORWARD], Priority=1),
        "Balancer": elb("LoadBalancer"),
    }
    declarations = declared(tmp_path, more=more)
    actions = (Action(type="forward", weights={GROUP: 1}),)
    first, second = (ListenerRule(listener=LISTENER, actions=actions, priority=number) for number in (1, 2))
    assert list(declarations.listener_rules.values()) == [second, first]
    assert declarations.load_balancers[BALANCER].listeners[0].rules == (first, second)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(
            {"Field": "host-header", "Values": ["a.example"], "HostHeaderConfig": {"Values": ["b.example"]}},
            Condition(field="host-header", values=("a.example", "b.example")),
            id="host",
        ),
        pytest.param(
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a/*"], "RegexValues": ["^/b"]}},
            Condition(field="path-pattern", values=("/a/*",), regexes=("^/b",)),
            id="path",
        ),
        pytest.param(
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Kind", "Values": ["a"]}},
            Condition(field="http-header", header="X-Kind", values=("a",)),
            id="header",
        ),
        pytest.param(
            {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
            Condition(field="http-request-method", values=("GET",)),
            id="method",
        ),
        pytest.param(
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "1"}, {"Value": "2"}]}},
            Condition(field="query-string", pairs=(("a", "1"), (None, "2"))),
            id="query",
        ),
        pytest.param(
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
            Condition(field="source-ip", values=("10.0.0.0/8",)),
            id="source",
        ),
    ],
)
def test_conditions_of_a_rule_are_read(tmp_path: Path, condition: Any, expected: Condition) -> None:
    more = {"Rule": elb("ListenerRule", ListenerArn="arn:l", Conditions=[condition], Actions=[])}
    (rule,) = declared(tmp_path, more=more).listener_rules.values()
    assert rule.conditions == (expected,)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param(
            {}, LoadBalancer(name="Balancer", dns_name="shop-Balancer", type="application", public=True), id="defaults"
        ),
        pytest.param(
            {"Name": "in", "Type": "network", "Scheme": "internal", "Subnets": ["a"], "SecurityGroups": ["b"]},
            LoadBalancer(name="in", dns_name="in", type="network", public=False, subnets=("a",), groups=("b",)),
            id="everything",
        ),
        pytest.param(
            {
                "SubnetMappings": [{"SubnetId": "a"}],
                "LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "5"}],
            },
            LoadBalancer(
                name="Balancer",
                dns_name="shop-Balancer",
                subnets=("a",),
                attributes={"idle_timeout.timeout_seconds": "5"},
            ),
            id="mappings",
        ),
    ],
)
def test_properties_of_a_load_balancer_are_read(tmp_path: Path, properties: Any, expected: LoadBalancer) -> None:
    declarations = declared(tmp_path, more={"Balancer": elb("LoadBalancer", **properties)})
    assert declarations.load_balancers == {BALANCER: expected}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({}, TargetGroup(name="Targets"), id="defaults"),
        pytest.param(
            {
                "Name": "t",
                "TargetType": "ip",
                "Protocol": "TCP",
                "HealthCheckProtocol": "HTTP",
                "HealthCheckPort": "81",
                "HealthCheckPath": "/ping",
                "HealthCheckIntervalSeconds": 7,
                "HealthCheckTimeoutSeconds": 6,
                "HealthyThresholdCount": 4,
                "UnhealthyThresholdCount": 3,
            },
            TargetGroup(
                name="t",
                target_type="ip",
                protocol="TCP",
                health_check=TargetHealthCheck(
                    protocol="HTTP",
                    port=81,
                    path="/ping",
                    interval_seconds=7,
                    timeout_seconds=6,
                    healthy_threshold=4,
                    unhealthy_threshold=3,
                ),
            ),
            id="everything",
        ),
        pytest.param(
            {"Protocol": "HTTP", "Matcher": {"HttpCode": "200,302"}},
            TargetGroup(
                name="Targets",
                protocol="HTTP",
                health_check=TargetHealthCheck(protocol="HTTP", codes="200,302", timeout_seconds=5),
            ),
            id="application",
        ),
        pytest.param({"HealthCheckPort": "traffic-port"}, TargetGroup(name="Targets"), id="port-of-the-target"),
    ],
)
def test_properties_of_a_target_group_are_read(tmp_path: Path, properties: Any, expected: TargetGroup) -> None:
    declarations = declared(tmp_path, more={"Targets": elb("TargetGroup", **properties)})
    assert declarations.target_groups == {GROUP: expected}
