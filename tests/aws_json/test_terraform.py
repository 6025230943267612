"""Terraform states, and the output of ``terraform show -json``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from color_mesh.appmesh.source import read_source
from color_mesh.cloudformation import read_templates
from color_mesh.ecs import read_declarations
from color_mesh.ecs.reading import EVERY_PROPERTY
from color_mesh.model import Mesh, MeshError
from tests.support.aws_forms import (
    NAMESPACE_ARN,
    NODE_INPUT,
    REGISTRY_ARN,
    create_inputs,
    shown,
    state,
    terraform_resources,
    terraform_values,
)
from tests.support.full_mesh import full_mesh

Json = dict[str, Any]
Form = Callable[..., Json]
FORMS = pytest.mark.parametrize("form", [state, shown])


def write(folder: Path, content: Json, name: str = "terraform.tfstate") -> Path:
    file = folder / name
    file.write_text(json.dumps(content))
    return file


def planned(*resources: tuple[str, str, Json]) -> Json:
    return shown(*resources, key="planned_values")


@pytest.mark.parametrize("form", [state, shown, planned])
def test_every_property_of_app_mesh_is_read(form: Form, tmp_path: Path) -> None:
    inputs = create_inputs(full_mesh())
    (tmp_path / "inputs.json").write_text(json.dumps(inputs))
    (expected,) = read_source([tmp_path / "inputs.json"]).meshes
    resources = [(*terraform_values(each), number) for number, each in enumerate(inputs)]
    file = write(tmp_path, form(*((kind, f"part{number}", values) for kind, values, number in resources)))
    (mesh,) = read_source([file]).meshes
    assert sorted_parts(mesh) == sorted_parts(expected)


def sorted_parts(mesh: Mesh) -> dict[str, Any]:
    return {name: getattr(mesh, name) for name in ("name", "owner", "tags", "nodes", "services", "routers", "gateways")}


def test_what_is_not_set_is_empty_or_zero(tmp_path: Path) -> None:
    match = {"prefix": "/", "port": 0, "path": [], "header": [], "query_parameter": [], "method": "", "scheme": ""}
    target = {"virtual_node": "stock", "weight": 0, "port": 0}
    other = {"virtual_node": "other", "weight": 1, "port": 0}
    route = {"action": [{"weighted_target": [target, other]}], "match": [match], "retry_policy": [], "timeout": []}
    spec = {"priority": 0, "http_route": [route], "http2_route": [], "grpc_route": [], "tcp_route": []}
    mapping = [{"port": 80, "protocol": "http"}]
    file = write(
        tmp_path,
        state(
            *terraform_resources(),
            ("aws_appmesh_virtual_node", "other", terraform_values({**NODE_INPUT, "virtualNodeName": "other"})[1]),
            ("aws_appmesh_virtual_router", "stock", router(mapping)),
            ("aws_appmesh_route", "all", {**part("all"), "virtual_router_name": "stock", "spec": [spec]}),
            ("aws_appmesh_virtual_service", "none", {**part("none.local"), "spec": [{"provider": []}]}),
            ("aws_appmesh_virtual_service", "null", {**part("null.local"), "spec": [None]}),
        ),
    )
    source = read_source([file])
    assert source.left_out == ()
    (mesh,) = source.meshes
    (read,) = mesh.routers[0].routes
    assert (read.priority, read.match.port, [each.weight for each in read.targets]) == (None, None, [0, 1])
    assert [each.name for each in mesh.services] == ["none.local", "null.local"]


def part(name: str) -> Json:
    return {"id": "0a1b", "name": name, "mesh_name": "shop", "mesh_owner": "111122223333", "tags": {}}


def router(mapping: list[Json]) -> Json:
    return {**part("stock"), "spec": [{"listener": [{"port_mapping": mapping}]}]}


@FORMS
def test_tasks_and_services_refer_to_each_other(form: Form, tmp_path: Path) -> None:
    file = write(tmp_path, form(*terraform_resources()), "show.json")
    used = {
        f"AWS::{each}": EVERY_PROPERTY for each in ("ECS::Service", "ECS::TaskDefinition", "ServiceDiscovery::Service")
    }
    found = read_declarations(read_templates([file], {}, {}), used)
    assert found.problems == ()
    module = "module.shop." if form is shown else ""
    (service,) = found.services.values()
    assert service.task_definition == f"show.json: {module}aws_ecs_task_definition.stock"
    assert [each.registry for each in service.discovery] == [f"show.json: {module}aws_service_discovery_service.stock"]
    assert (service.cluster, service.desired_count, service.public, service.maximum_percent) == ("shop", 2, True, 150)
    definition = found.task_definitions[service.task_definition]
    assert str(definition.envoys[0].mesh_resource) == "mesh/shop/virtualNode/stock"
    assert definition.proxy_configuration is not None
    assert definition.proxy_configuration.ignored_uid == 1337
    assert [each.dns_name for each in found.discovery_services.values()] == ["stock.shop.local"]


def test_address_of_an_instance_has_its_module_and_index(tmp_path: Path) -> None:
    content = state(("aws_appmesh_mesh", "shop", {"name": "shop", "spec": []}))
    content["resources"][0] |= {"module": "module.a"}
    content["resources"][0]["instances"][0]["index_key"] = "x"
    old = {"attributes": {"name": "old", "spec": []}, "deposed": "0a1b2c3d"}
    content["resources"][0]["instances"].append(old)
    source = read_source([write(tmp_path, content)])
    assert [each.place for each in source.resources] == ['terraform.tfstate: module.a.aws_appmesh_mesh.shop["x"]']


def test_security_groups_have_their_rules(tmp_path: Path) -> None:
    inbound = {"from_port": 80, "to_port": 80, "protocol": "tcp", "cidr_blocks": ["10.0.0.0/16"], "self": True}
    group = {"id": "sg-1a", "arn": "arn:aws:ec2:eu-west-1:1:security-group/sg-1a", "name": "stock"}
    rule = {"type": "ingress", "from_port": 81, "to_port": 81, "protocol": "tcp", "security_group_id": "sg-1a"}
    content = state(
        ("aws_security_group", "stock", {**group, "ingress": [inbound], "egress": []}),
        ("aws_security_group_rule", "more", {**rule, "cidr_blocks": ["10.1.0.0/16"], "id": "sgrule-1"}),
        ("aws_security_group_rule", "lists", {**rule, "prefix_list_ids": ["pl-1"], "id": "sgrule-2"}),
        (
            "aws_vpc_security_group_ingress_rule",
            "other",
            {
                "id": "sgr-1",
                "security_group_id": "sg-1a",
                "ip_protocol": "tcp",
                "from_port": 82,
                "to_port": 82,
                "referenced_security_group_id": "sg-1a",
            },
        ),
    )
    kinds = ("SecurityGroup", "SecurityGroupIngress", "SecurityGroupEgress")
    used = {f"AWS::EC2::{each}": EVERY_PROPERTY for each in kinds}
    found = read_declarations(read_templates([write(tmp_path, content)], {}, {}), used)
    assert found.problems == ()
    (read,) = found.security_groups.values()
    place = "terraform.tfstate: aws_security_group.stock"
    ends = [(each.first_port, each.prefix_list or each.group or str(each.cidr)) for each in read.ingress]
    assert ends == [
        (80, "10.0.0.0/16"),
        (80, place),
        (81, "10.1.0.0/16"),
        (81, "pl-1"),
        (82, place),
    ]


def test_plan_that_destroys_everything_has_the_prior_state(tmp_path: Path) -> None:
    prior = shown(*terraform_resources())
    plan = {"format_version": "1.2", "planned_values": {"root_module": {}}, "prior_state": prior}
    (mesh,) = read_source([write(tmp_path, plan, "plan.json")]).meshes
    assert [node.name for node in mesh.nodes] == ["stock"]


def test_plan_of_what_is_not_deployed_refers_to_resources_by_its_configuration(tmp_path: Path) -> None:
    unknown = ("id", "arn", "mesh_name", "namespace_id", "task_definition", "revision")
    resources = [
        (kind, name, {key: each for key, each in values.items() if key not in unknown})
        for kind, name, values in terraform_resources()
    ]
    values = {kind: each for kind, _, each in resources}
    values["aws_service_discovery_service"]["dns_config"][0].pop("namespace_id")
    values["aws_ecs_service"]["service_registries"][0].pop("registry_arn")
    values["aws_ecs_service"]["network_configuration"][0].pop("security_groups")
    plan = shown(*resources, ("aws_security_group", "stock", {"name": "stock"}), key="planned_values")

    def refer(*names: str) -> Json:
        return {"references": [each for name in names for each in (name, name.rpartition(".")[0])]}

    expressions = {
        "aws_appmesh_virtual_node": {"mesh_name": refer("aws_appmesh_mesh.shop.id")},
        "aws_service_discovery_service": {
            "dns_config": [{"namespace_id": refer("aws_service_discovery_private_dns_namespace.shop.id")}]
        },
        "aws_ecs_service": {
            "name": {"constant_value": "stock"},
            "task_definition": refer("aws_ecs_task_definition.stock.arn"),
            "service_registries": [{"registry_arn": refer("aws_service_discovery_service.stock.arn")}],
            "network_configuration": [{"security_groups": refer("aws_security_group.stock.id")}],
        },
    }
    declared = [
        {"type": kind, "name": name, "mode": "managed", "expressions": expressions.get(kind, {})}
        for kind, name, _ in resources
    ]
    module = {"module_calls": {"shop": {"source": "./shop", "module": {"resources": declared}}}}
    file = write(tmp_path, {**plan, "configuration": {"root_module": module}}, "plan.json")
    (mesh,) = read_source([file]).meshes
    assert (mesh.name, [node.name for node in mesh.nodes]) == ("shop", ["stock"])
    used = {
        f"AWS::{each}": EVERY_PROPERTY for each in ("ECS::Service", "ECS::TaskDefinition", "ServiceDiscovery::Service")
    }
    found = read_declarations(read_templates([file], {}, {}), used)
    (service,) = found.services.values()
    assert service.task_definition == "plan.json: module.shop.aws_ecs_task_definition.stock"
    assert [each.registry for each in service.discovery] == [
        "plan.json: module.shop.aws_service_discovery_service.stock"
    ]
    assert service.groups == ("plan.json: module.shop.aws_security_group.stock",)
    assert [each.dns_name for each in found.discovery_services.values()] == ["stock.shop.local"]


def test_data_source_that_has_less_than_the_resource_is_left_out(tmp_path: Path) -> None:
    content = state(*terraform_resources(), ("aws_security_group", "stock", {"id": "sg-1a", "name": "stock"}))
    for resource in content["resources"]:
        resource["mode"] = "data"
    templates = read_templates([write(tmp_path, content)], {}, {})
    assert sorted(templates.types) == [
        "AWS::AppMesh::Mesh",
        "AWS::AppMesh::VirtualNode",
        "AWS::ServiceDiscovery::PrivateDnsNamespace",
        "AWS::ServiceDiscovery::Service",
    ]


def test_autoscaling_belongs_to_its_service(tmp_path: Path) -> None:
    service = {"resource_id": "service/shop/stock", "scalable_dimension": "ecs:service:DesiredCount"}
    arn = "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:a:resource/ecs/service/shop/stock:policyName/out"
    step = {"metric_interval_lower_bound": "0", "metric_interval_upper_bound": "", "scaling_adjustment": 1}
    stepping = {"adjustment_type": "ChangeInCapacity", "cooldown": 60, "step_adjustment": [step]}
    tracked = {"predefined_metric_specification": [{"predefined_metric_type": "ECSServiceAverageCPUUtilization"}]}
    watched = {
        "alarm_actions": [arn],
        "comparison_operator": "GreaterThanOrEqualToThreshold",
        "datapoints_to_alarm": 0,
        "dimensions": {"ServiceName": "stock"},
        "evaluation_periods": 2,
        "metric_name": "CPUUtilization",
        "namespace": "AWS/ECS",
        "period": 60,
        "statistic": "Average",
        "threshold": 70,
    }
    resources = [
        *terraform_resources(),
        ("aws_appautoscaling_target", "stock", {"min_capacity": 0, "max_capacity": 5, **service}),
        (
            "aws_appautoscaling_policy",
            "cpu",
            {**service, "target_tracking_scaling_policy_configuration": [{**tracked, "target_value": 60}]},
        ),
        ("aws_appautoscaling_policy", "out", {**service, "arn": arn, "step_scaling_policy_configuration": [stepping]}),
        ("aws_cloudwatch_metric_alarm", "high", watched),
    ]
    kinds = ("ECS::Service", "ApplicationAutoScaling::ScalableTarget", "ApplicationAutoScaling::ScalingPolicy")
    used = {f"AWS::{each}": EVERY_PROPERTY for each in (*kinds, "CloudWatch::Alarm")}
    found = read_declarations(read_templates([write(tmp_path, state(*resources))], {}, {}), used)
    assert found.problems == ()
    (scaling,) = found.scaling.values()
    assert scaling.service == next(iter(found.services))
    assert (scaling.minimum, scaling.maximum) == (0, 5)
    (_, cpu), (_, out) = scaling.policies
    assert (cpu.metric, cpu.target) == ("ECSServiceAverageCPUUtilization", 60)
    assert [(each.change, each.lower, each.upper) for each in out.steps] == [(1, 0, None)]
    assert [each.threshold for _, each in out.alarms] == [70]


def test_listener_that_authenticates_clients_by_certificates_is_read_as_such(tmp_path: Path) -> None:
    listeners = [
        (
            "aws_lb_listener",
            f"on-{port}",
            {"port": port, "protocol": "HTTPS", "mutual_authentication": [{"mode": mode}]},
        )
        for port, mode in ((443, "verify"), (444, "off"))
    ]
    rule = {"listener_arn": "arn", "priority": 1, "transform": [{"type": "url-rewrite"}]}
    resources = [*listeners, ("aws_lb_listener_rule", "rewrite", rule)]
    used = {f"AWS::ElasticLoadBalancingV2::{each}": EVERY_PROPERTY for each in ("Listener", "ListenerRule")}
    found = read_declarations(read_templates([write(tmp_path, state(*resources))], {}, {}), used)
    assert [each.mutual_tls for each in found.listeners.values()] == ["verify", "off"]
    assert [each.transforms for each in found.listener_rules.values()] == [("url-rewrite",)]


DEFAULTS_OF_A_GROUP = {
    "slow_start": 0,
    "load_balancing_algorithm_type": "round_robin",
    "load_balancing_cross_zone_enabled": "use_load_balancer_configuration",
    "preserve_client_ip": None,
    "proxy_protocol_v2": False,
    "stickiness": [{"enabled": False, "type": "lb_cookie", "cookie_duration": 86400, "cookie_name": ""}],
    "target_health_state": [],
}


def test_attributes_of_load_balancers_are_read_unless_they_are_defaults(tmp_path: Path) -> None:
    logs = {"bucket": "logs", "prefix": "", "enabled": True}
    balancer = {"enable_http2": False, "idle_timeout": 60, "client_keep_alive": 3600, "access_logs": [logs]}
    sticky = {"enabled": True, "type": "lb_cookie", "cookie_duration": 60, "cookie_name": ""}
    failover = {"minimum_healthy_targets_count": "2", "minimum_healthy_targets_percentage": "off"}
    group = {
        **DEFAULTS_OF_A_GROUP,
        "deregistration_delay": "300",
        "proxy_protocol_v2": True,
        "stickiness": [sticky],
        "target_health_state": [{"enable_unhealthy_connection_termination": False, "unhealthy_draining_interval": 0}],
        "target_group_health": [{"dns_failover": [failover], "unhealthy_state_routing": []}],
    }
    content = state(
        ("aws_lb", "door", {"name": "door", "ip_address_type": "dualstack", **balancer}),
        ("aws_lb_target_group", "plain", {"name": "plain", "protocol": "HTTP", **DEFAULTS_OF_A_GROUP}),
        ("aws_lb_target_group", "stock", {"name": "stock", "protocol": "HTTP", **group}),
    )
    used = {f"AWS::ElasticLoadBalancingV2::{each}": EVERY_PROPERTY for each in ("LoadBalancer", "TargetGroup")}
    found = read_declarations(read_templates([write(tmp_path, content)], {}, {}), used)
    (door,) = found.load_balancers.values()
    assert door.address_type == "dualstack"
    assert door.attributes == {
        "routing.http2.enabled": "false",
        "idle_timeout.timeout_seconds": "60",
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": "logs",
    }
    assert [each.attributes for each in found.target_groups.values()] == [
        {},
        {
            "deregistration_delay.timeout_seconds": "300",
            "proxy_protocol_v2.enabled": "true",
            "target_health_state.unhealthy.connection_termination.enabled": "false",
            "target_group_health.dns_failover.minimum_healthy_targets.count": "2",
            "stickiness.enabled": "true",
            "stickiness.type": "lb_cookie",
            "stickiness.lb_cookie.duration_seconds": "60",
        },
    ]


# What is not read

PULL = "`terraform state pull` of Terraform 0.12 or later, or `terraform show -json`"
EMPTY = f"is an empty Terraform state, got 'no resource' (that of the workspace with the mesh: {PULL})"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            {"version": 3, "terraform_version": "0.11.14", "modules": [{"path": ["root"], "resources": {}}]},
            f"is a Terraform state of a version that is not read, got '3' (version 4: {PULL})",
            id="version-3",
        ),
        pytest.param({"version": 4, "terraform_version": "1.5.0", "resources": []}, EMPTY, id="empty"),
        pytest.param({"format_version": "1.0", "terraform_version": "1.5.0"}, EMPTY, id="empty-shown"),
    ],
)
def test_state_without_readable_resources_is_refused(content: Json, expected: str, tmp_path: Path) -> None:
    file = write(tmp_path, content)
    for path in (file, tmp_path):
        with pytest.raises(MeshError) as error:
            read_source([path])
        assert str(error.value) == f"terraform.tfstate: {expected}"
    write(tmp_path, state(*terraform_resources()), "shop.tfstate")
    assert f"terraform.tfstate: {expected}" in read_source([tmp_path]).notes


def test_task_definition_of_a_plan_with_unknown_containers_is_a_finding(tmp_path: Path) -> None:
    resources = [
        (kind, name, {key: each for key, each in values.items() if key != "container_definitions"})
        for kind, name, values in terraform_resources()
    ]
    assert read_source([write(tmp_path, planned(*resources), "plan.json")]).left_out == (
        (
            "plan.json: module.shop.aws_ecs_task_definition.stock.container_definitions: is known only after terraform "
            "apply, got None (give the state, or a plan of what is deployed)"
        ),
    )


def test_types_of_resources_that_are_not_read_are_a_note(tmp_path: Path) -> None:
    others = [(kind, "a", {"id": kind}) for kind in ("aws_s3_bucket", "aws_iam_role", "random_id")]
    source = read_source([write(tmp_path, state(*terraform_resources(), *others))])
    assert source.notes == ("terraform.tfstate: resources of these types are not read: aws_iam_role, aws_s3_bucket",)


# Secrets

SECRET = "not-for-anyone"
CONTAINERS_ARE_SECRET = {"sensitive_attributes": [[{"type": "get_attr", "value": "container_definitions"}]]}


def secret_forms() -> list[Json]:
    return [
        state(*terraform_resources(), stock=CONTAINERS_ARE_SECRET),
        shown(*terraform_resources(), stock={"container_definitions": True}),
    ]


@pytest.mark.parametrize("index", [0, 1], ids=["state", "show"])
def test_secrets_of_containers_are_not_in_values_that_are_printed(index: int, tmp_path: Path) -> None:
    templates = read_templates([write(tmp_path, secret_forms()[index])], {}, {})
    (task,) = templates.without_secrets().resources("AWS::ECS::TaskDefinition")
    assert SECRET not in str(task.properties())
    assert "mesh/shop/virtualNode/stock" in str(task.properties())
    (task,) = templates.resources("AWS::ECS::TaskDefinition")
    assert SECRET in str(task.properties())
    assert SECRET in templates.secrets


def test_secret_at_a_path_of_a_state_is_hidden(tmp_path: Path) -> None:
    node = {**terraform_resources()[1][2], "tags": {"token": SECRET}}
    path = [[{"type": "get_attr", "value": "tags"}, {"type": "index", "value": "token"}]]
    mesh = terraform_resources()[0]
    content = state(mesh, ("aws_appmesh_virtual_node", "stock", node), stock={"sensitive_attributes": path})
    (read,) = read_source([write(tmp_path, content)]).meshes
    assert SECRET not in str(read)
    assert [key for key, _ in read.node("stock").tags] == ["token"]


def secret_variables(*names: str) -> Json:
    """Return a state whose application has variables with their own numbers as values."""
    resources = terraform_resources()
    index = next(number for number, each in enumerate(resources) if each[0] == "aws_ecs_task_definition")
    kind, name, values = resources[index]
    variables = [{"name": each, "value": f"secret-{number}"} for number, each in enumerate(names)]
    containers = [{"name": "app", "image": "shop/stock:1", "environment": variables, "command": COMMAND}]
    resources[index] = kind, name, {**values, "container_definitions": json.dumps(containers)}
    return state(*resources, stock=CONTAINERS_ARE_SECRET)


COMMAND = ["serve", "--db=postgres://shop:not-for-anyone@db/", "http://stock.shop.local:80/"]


def test_secrets_of_variables_with_similar_names_are_told_apart(tmp_path: Path) -> None:
    names = ("A2", "A", "A", "A 3", "AWS::Region")
    templates = read_templates([write(tmp_path, secret_variables(*names))], {}, {})
    (task,) = templates.resources("AWS::ECS::TaskDefinition")
    variables = task.property("ContainerDefinitions")[0]["Environment"]
    assert [each["Value"] for each in variables] == [f"secret-{number}" for number in range(5)]


def test_text_in_place_of_a_secret_names_its_resource(tmp_path: Path) -> None:
    templates = read_templates([write(tmp_path, secret_variables("DB_PASSWORD"))], {}, {})
    (task,) = templates.without_secrets().resources("AWS::ECS::TaskDefinition")
    (container,) = task.property("ContainerDefinitions")
    assert container["Environment"][0]["Value"] == "$NOECHO:aws_ecs_task_definition.stock.DB_PASSWORD$"
    assert container["Command"] == ["serve", "$NOECHO:aws_ecs_task_definition.stock.Command$", COMMAND[2]]


def test_cloud_map_of_a_state_is_that_of_the_aws_cli(tmp_path: Path) -> None:
    write(tmp_path, state(*terraform_resources()))
    namespace = {"Id": "ns-1a", "Arn": NAMESPACE_ARN, "Name": "shop.local", "Type": "DNS_PRIVATE"}
    records = {"NamespaceId": "ns-1a", "DnsRecords": [{"Type": "A", "TTL": 60}]}
    service = {"Id": "srv-1a", "Arn": REGISTRY_ARN, "Name": "stock", "DnsConfig": records}
    write(tmp_path, {"Namespaces": [namespace], "Services": [service]}, "cloud-map.json")
    (mesh,) = read_source([tmp_path]).meshes
    assert [each.name for each in mesh.cloud_map_services] == ["stock"]


@pytest.mark.parametrize(
    ("command", "hidden"),
    [
        (["curl", "-u", "admin:pw", "http://a"], ["admin:pw"]),
        (["curl", "-u", "admin"], []),
        (["sh", "-c", "curl -u admin:pw http://a"], ["curl -u admin:pw http://a"]),
        (["serve", "--max-tokens", "100", "--tokens", "3", "keyspace"], []),
        (["serve", "--token", "abc"], ["abc"]),
        (["redis-server", "--requirepass", "abc"], ["abc"]),
        (["sh", "-c", "PGPASSWORD=abc psql"], ["PGPASSWORD=abc psql"]),
        (["serve", "--accesskey", "abc", "--compass", "n", "--authority", "a"], ["abc"]),
        (["serve", "--token=abc", "dbPassword=b"], ["--token=abc", "dbPassword=b"]),
        (["serve", "postgres://a:b@c/d"], ["postgres://a:b@c/d"]),
    ],
)
def test_words_of_a_command_that_are_secret_are_hidden(command: list[str], hidden: list[str], tmp_path: Path) -> None:
    containers = json.dumps([{"name": "app", "image": "a", "command": command}])
    resources = [
        (kind, name, {**values, **({"container_definitions": containers} if kind.endswith("definition") else {})})
        for kind, name, values in terraform_resources()
    ]
    templates = read_templates([write(tmp_path, state(*resources, stock=CONTAINERS_ARE_SECRET))], {}, {})
    (task,) = templates.without_secrets().resources("AWS::ECS::TaskDefinition")
    (container,) = task.properties()["ContainerDefinitions"]
    assert [word for word in command if word not in container["Command"]] == hidden
