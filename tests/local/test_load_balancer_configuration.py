"""Configuration of the Envoys that stand in for load balancers: Envoy accepts it, whatever the templates declare."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from color_mesh.envoy import ServerEndpoints
from color_mesh.envoy.discovery import CLUSTERS_FILE, LISTENERS_FILE, routes_file
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run.certificate_authority import CertificateAuthority
from color_mesh.local.run.load_balancers.certificate_names import certificate_names
from color_mesh.local.run.load_balancers.configuration import clusters, documents
from color_mesh.local.run.load_balancers.patterns import host_regex, path_regex, query_regex
from tests.support.envoy import ENVOY
from tests.support.local_templates import Resources, balanced, elb, planned, resource, with_properties

pytestmark = pytest.mark.envoy

AUTHORITY = CertificateAuthority()
SERVER = ServerEndpoints(socket="discovery.sock")
TARGET = {"TargetGroupArn": {"Ref": "Targets"}, "ContainerPort": 80}


def balancer_plan(folder: Path, more: Resources) -> Plan:
    return planned(folder, with_properties("Service", LoadBalancers=[TARGET]), more)


def rendered(plan: Plan) -> dict[str, Any]:
    (balancer,) = plan.load_balancers.values()
    certificate = AUTHORITY.issue(*certificate_names(balancer, plan.domain_names))
    return documents(balancer, SERVER, certificate, clusters(balancer, plan.target_groups, SERVER), {80: 8080})


def validate(folder: Path, plan: Plan) -> None:
    """Fail unless Envoy accepts the configuration of the only load balancer."""
    files = rendered(plan)
    listeners = [without_type(each) for each in files[LISTENERS_FILE]["resources"]]
    for listener in listeners:
        (network_filter,) = listener["filter_chains"][0]["filters"]
        manager = network_filter["typed_config"]
        if "rds" in manager:
            (routes,) = files[routes_file(manager.pop("rds")["route_config_name"])]["resources"]
            manager["route_config"] = without_type(routes)
    static = [without_type(each) for each in files[CLUSTERS_FILE]["resources"]]
    for cluster in static:
        del cluster["eds_cluster_config"]
        cluster["type"] = "STATIC"
    file = folder / "bootstrap.json"
    file.write_text(json.dumps({"static_resources": {"listeners": listeners, "clusters": static}}))
    command = [ENVOY, "--mode", "validate", "--config-path", str(file), "--log-level", "error"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def without_type(value: dict[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in value.items() if key != "@type"}


def rules(*conditions: Resources) -> Resources:
    """A rule with each of the conditions, and one with all of them."""
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    listener = {"ListenerArn": {"Ref": "Listener"}, "Actions": [action]}
    groups = [[each] for each in conditions] + [[*conditions]]
    return {
        f"Rule{number}": elb("ListenerRule", Priority=number, Conditions=group, **listener)
        for number, group in enumerate(groups, 1)
    }


CONDITIONS: tuple[Resources, ...] = (
    {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.a.example", "b?.example"], "RegexValues": ["^c"]}},
    {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a.b(*", "/[x"], "RegexValues": ["/(a|b)$"]}},
    {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["*b\\*", "ä"]}},
    {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET", "M-SEARCH"]}},
    {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "*"}, {"Value": "\\?"}]}},
    {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"]}},
)


def test_envoy_accepts_every_kind_of_condition(tmp_path: Path) -> None:
    plan = balancer_plan(tmp_path, {**balanced(), **rules(*CONDITIONS)})
    assert plan.left_out == ()
    validate(tmp_path, plan)


@pytest.mark.parametrize(
    "action",
    [
        pytest.param({"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}, id="redirect"),
        pytest.param(
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "599", "MessageBody": "x" * 1024}},
            id="body",
        ),
        pytest.param(
            {
                "Type": "forward",
                "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": {"Ref": "Targets"}, "Weight": 0}]},
            },
            id="no-weight",
        ),
        pytest.param({"Type": "authenticate-oidc"}, id="unavailable"),
    ],
)
def test_envoy_accepts_every_kind_of_action(tmp_path: Path, action: Resources) -> None:
    more = balanced()
    more["Listener"]["Properties"]["DefaultActions"] = [action]
    validate(tmp_path, balancer_plan(tmp_path, more))


@pytest.mark.parametrize(
    "targets",
    [
        pytest.param({"Protocol": "HTTPS", "HealthCheckProtocol": "HTTPS"}, id="https"),
        pytest.param({"Protocol": "HTTPS", "HealthCheckProtocol": "HTTP", "HealthCheckPort": "81"}, id="check-of-http"),
        pytest.param({"HealthCheckProtocol": "HTTPS", "Matcher": {"HttpCode": "200,301-302"}}, id="check-of-https"),
        pytest.param({"ProtocolVersion": "GRPC", "Matcher": {"GrpcCode": "12"}}, id="grpc"),
        pytest.param({"Protocol": "HTTPS", "ProtocolVersion": "HTTP2"}, id="http2"),
        pytest.param(
            {
                "TargetGroupAttributes": [
                    {"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"},
                    {"Key": "deregistration_delay.timeout_seconds", "Value": "0"},
                ]
            },
            id="attributes",
        ),
    ],
)
def test_envoy_accepts_every_kind_of_target_group(tmp_path: Path, targets: Resources) -> None:
    more = balanced()
    more["Targets"]["Properties"] |= targets
    plan = balancer_plan(tmp_path, more)
    assert plan.left_out == ()
    validate(tmp_path, plan)


def test_connections_go_to_the_target_group_that_has_a_weight(tmp_path: Path) -> None:
    groups = {"Targets": 0, "Others": 1}
    weights = [{"TargetGroupArn": {"Ref": name}, "Weight": weight} for name, weight in groups.items()]
    more = {**balanced(), "Others": elb("TargetGroup", TargetType="ip", Protocol="TCP")}
    more["Targets"]["Properties"]["Protocol"] = more["Listener"]["Properties"]["Protocol"] = "TCP"
    more["Balancer"]["Properties"]["Type"] = "network"
    more["Listener"]["Properties"]["DefaultActions"] = [{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}]
    (listener,) = rendered(balancer_plan(tmp_path, more))[LISTENERS_FILE]["resources"]
    (proxy,) = listener["filter_chains"][0]["filters"]
    assert proxy["typed_config"]["cluster"] == "shop.template.json: Others"


@pytest.mark.parametrize("mode", ["append", "preserve", "remove"])
def test_envoy_accepts_the_attributes_of_an_https_listener(tmp_path: Path, mode: str) -> None:
    more = balanced()
    attributes = {
        "idle_timeout.timeout_seconds": "4000",
        "client_keep_alive.seconds": "604800",
        "routing.http.xff_header_processing.mode": mode,
    }
    more["Balancer"]["Properties"]["LoadBalancerAttributes"] = [
        {"Key": key, "Value": value} for key, value in attributes.items()
    ]
    more["Listener"]["Properties"]["Protocol"] = "HTTPS"
    more["Certificate"] = resource("AWS::CertificateManager::Certificate", DomainName="*.shop.example")
    plan = balancer_plan(tmp_path, more)
    assert plan.domain_names == ("*.shop.example",)
    validate(tmp_path, plan)


@pytest.mark.parametrize("protocol", ["TCP", "TLS"])
def test_envoy_accepts_a_network_load_balancer(tmp_path: Path, protocol: str) -> None:
    more = {**balanced(), "Second": elb("TargetGroup", TargetType="ip", Protocol="TLS", HealthCheckProtocol="HTTP")}
    more["Balancer"]["Properties"]["Type"] = "network"
    more["Targets"]["Properties"]["Protocol"] = "TCP"
    more["Listener"]["Properties"] |= {
        "Protocol": protocol,
        "DefaultActions": [
            {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [{"TargetGroupArn": {"Ref": name}, "Weight": 1} for name in ("Targets", "Second")]
                },
            }
        ],
    }
    plan = balancer_plan(tmp_path, more)
    assert plan.left_out == ()
    validate(tmp_path, plan)


@pytest.mark.parametrize(
    ("name", "properties", "reason"),
    [
        pytest.param("Targets", {"Matcher": {"HttpCode": "abc"}}, "is not a list of status codes, got", id="codes"),
        pytest.param("Targets", {"HealthCheckPath": "a\nb"}, "path has a control character", id="path"),
        pytest.param("Targets", {"HealthCheckPort": "70000"}, "port out of range, got 70000", id="check-port"),
        pytest.param("Targets", {"HealthCheckIntervalSeconds": -1}, "interval out of range, got -1", id="interval"),
        pytest.param("Targets", {"HealthyThresholdCount": 99}, "threshold out of range, got 99", id="threshold"),
        pytest.param(
            "Targets",
            {"TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "soon"}]},
            "deregistration_delay.timeout_seconds out of range, got 'soon'",
            id="delay",
        ),
        pytest.param(
            "Balancer",
            {"LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "9" * 18}]},
            "idle_timeout.timeout_seconds out of range",
            id="idle",
        ),
        pytest.param("Listener", {"Port": 70000}, "port out of range, got 70000", id="port"),
        pytest.param(
            "Listener",
            {"DefaultActions": [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Host": "a\nb"}}]},
            "part of a redirect has a control character",
            id="redirect",
        ),
        pytest.param(
            "Listener",
            {"DefaultActions": [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_200"}}]},
            "unknown status code",
            id="redirect-status",
        ),
        pytest.param(
            "Listener",
            {"DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "2XX"}}]},
            "is not a status code, got '2XX'",
            id="status",
        ),
        pytest.param(
            "Listener",
            {
                "DefaultActions": [
                    {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "x" * 5000}}
                ]
            },
            "body is too long, got '5000 characters'",
            id="body",
        ),
        pytest.param(
            "Listener",
            {
                "DefaultActions": [
                    {
                        "Type": "forward",
                        "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": {"Ref": "Targets"}, "Weight": -1}]},
                    }
                ]
            },
            "weight out of range, got -1",
            id="weight",
        ),
    ],
)
def test_value_that_elastic_load_balancing_refuses_is_named(
    tmp_path: Path, name: str, properties: Resources, reason: str
) -> None:
    more = balanced()
    more[name]["Properties"] |= properties
    plan = balancer_plan(tmp_path, more)
    assert any(reason in each.text for each in plan.left_out), plan.left_out
    if plan.load_balancers:
        validate(tmp_path, plan)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"Field": "path-pattern", "Values": ["/a\0"]}, "has a control character"),
        ({"Field": "path-pattern", "Values": ["/" + "a" * 128]}, "has an invalid length"),
        ({"Field": "path-pattern", "RegexValues": ["("]}, "is not a regular expression"),
        ({"Field": "path-pattern", "RegexValues": ["(?=a)"]}, "is not a regular expression"),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "a b", "Values": ["x"]}}, "no valid header"),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}}, "not a method, got 'get'"),
    ],
)
def test_condition_that_envoy_would_refuse_is_left_out(tmp_path: Path, condition: Resources, reason: str) -> None:
    plan = balancer_plan(tmp_path, {**balanced(), **rules(condition)})
    assert all(reason in each.text for each in plan.left_out)
    assert len({each.place for each in plan.left_out}) == 2
    validate(tmp_path, plan)


def test_second_listener_of_a_port_is_left_out(tmp_path: Path) -> None:
    more = balanced()
    plan = balancer_plan(tmp_path, {**more, "Again": more["Listener"]})
    (line,) = (each.text for each in plan.left_out)
    assert line == "shop.template.json: Again.Port: has another listener, got 80 (another port)"
    validate(tmp_path, plan)


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        (host_regex("*.a-b.example"), r"(?i)[^:]*\.a\-b\.example(:[0-9]+)?"),
        (path_regex("/a?/*"), "/a./.*"),
        (path_regex(r"/\*\?"), r"/\*\?"),
        (query_regex("a", "b*"), "(?i)[^?]*[?](.*&)?(a=)b[^&]*(&.*)?"),
    ],
)
def test_wildcards_are_regular_expressions(name: str, expression: str) -> None:
    assert name == expression


def test_certificate_has_hostnames_of_rules_that_are_names(tmp_path: Path) -> None:
    hosts = {"Field": "host-header", "Values": ["API.shop.example", "*.a.example", "a.*.example", "b?.example", "x"]}
    plan = balancer_plan(tmp_path, {**balanced(), **rules(hosts)})
    (balancer,) = plan.load_balancers.values()
    assert certificate_names(balancer, ("shop.example", "not a name")) == (
        "localhost",
        "127.0.0.1",
        "shop.example",
        "api.shop.example",
        "*.a.example",
    )
