"""Reading of load balancers, listeners, rules and target groups."""

from pathlib import Path
from typing import Any

import pytest

from color_mesh.ecs.load_balancers import (
    Action,
    ListenerRule,
    LoadBalancer,
    LoadBalancerListener,
    TargetGroup,
    TargetHealthCheck,
)
from tests.support.local_templates import declared, resource

BALANCER, LISTENER, GROUP = (f"shop.template.json: {name}" for name in ("Balancer", "Listener", "Targets"))
FORWARD = {"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}
WEIGHTED = {
    "Type": "forward",
    "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": {"Ref": "Targets"}}, {"TargetGroupArn": "arn:b"}]},
}


def elb(name: str, **properties: Any) -> dict[str, Any]:
    return resource(f"AWS::ElasticLoadBalancingV2::{name}", **properties)


def listener(*actions: Any) -> dict[str, Any]:
    return elb("Listener", LoadBalancerArn={"Ref": "Balancer"}, Protocol="TCP", Port=80, DefaultActions=[*actions])


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        pytest.param([FORWARD], (Action(type="forward", target_groups=(GROUP,)),), id="forward"),
        pytest.param([WEIGHTED], (Action(type="forward", target_groups=(GROUP, "arn:b")),), id="weighted"),
        pytest.param(
            [{"Type": "authenticate-oidc"}, FORWARD],
            (Action(type="authenticate-oidc"), Action(type="forward", target_groups=(GROUP,))),
            id="authenticates",
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
    assert value.target_group == (GROUP if expected else None)


def test_rule_belongs_to_a_listener(tmp_path: Path) -> None:
    more = {
        "Targets": elb("TargetGroup"),
        "Listener": listener(),
        "Rule": elb("ListenerRule", ListenerArn={"Ref": "Listener"}, Actions=[FORWARD]),
        "Balancer": elb("LoadBalancer"),
    }
    (rule,) = declared(tmp_path, more=more).listener_rules.values()
    assert rule == ListenerRule(listener=LISTENER, actions=(Action(type="forward", target_groups=(GROUP,)),))


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({}, LoadBalancer(name="Balancer", type="application", public=True), id="defaults"),
        pytest.param(
            {"Name": "in", "Type": "network", "Scheme": "internal", "Subnets": ["a"], "SecurityGroups": ["b"]},
            LoadBalancer(name="in", type="network", public=False, subnets=("a",), groups=("b",)),
            id="everything",
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
        pytest.param({"HealthCheckPort": "traffic-port"}, TargetGroup(name="Targets"), id="port-of-the-target"),
    ],
)
def test_properties_of_a_target_group_are_read(tmp_path: Path, properties: Any, expected: TargetGroup) -> None:
    declarations = declared(tmp_path, more={"Targets": elb("TargetGroup", **properties)})
    assert declarations.target_groups == {GROUP: expected}
