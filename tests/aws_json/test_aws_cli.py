"""JSON of the AWS CLI in the forms that people keep."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from color_mesh.appmesh.source import read_source
from color_mesh.appmesh.template import write_template
from color_mesh.cloudformation import read_templates
from color_mesh.ecs import Declarations, read_declarations
from color_mesh.ecs.reading import EVERY_PROPERTY
from color_mesh.ecs.services import Registration
from color_mesh.model import Mesh
from tests.support.aws_forms import (
    CONTAINERS,
    NODE_INPUT,
    REGISTERED,
    answers,
    create_inputs,
    described,
    recorded,
)
from tests.support.full_mesh import full_mesh

Json = dict[str, Any]


def declared_mesh(folder: Path) -> Mesh:
    """Return the full mesh as a template declares it, without what only a template can have."""
    template = write_template(full_mesh())
    template["Resources"] = {
        name: {key: value for key, value in each.items() if key != "Metadata"}
        for name, each in template["Resources"].items()
        if each["Type"].startswith("AWS::AppMesh")
    }
    file = folder / "expected" / "mesh.json"
    file.parent.mkdir()
    file.write_text(json.dumps(template))
    (mesh,) = read_source([file]).meshes
    return mesh


def in_files(inputs: list[Json], folder: Path) -> None:
    for number, each in enumerate(inputs):
        (folder / f"{number:02}.json").write_text(json.dumps(each))


def in_a_list(inputs: list[Json], folder: Path) -> None:
    (folder / "all.json").write_text(json.dumps(inputs))


def one_after_the_other(inputs: list[Json], folder: Path) -> None:
    (folder / "all.json").write_text("\n".join(json.dumps(each, indent=2) for each in inputs))


def in_yaml(inputs: list[Json], folder: Path) -> None:
    for number, each in enumerate(inputs):
        (folder / f"{number:02}.yaml").write_text(yaml.safe_dump(each))


def in_bodies(inputs: list[Json], folder: Path) -> None:
    answers = [{"response": {"status": 200, "body": {"string": json.dumps(each)}}} for each in inputs]
    (folder / "cassette.yaml").write_text(yaml.safe_dump({"interactions": answers, "version": 1}))


@pytest.mark.parametrize("form", [dict, described, recorded], ids=["input", "description", "recorded"])
@pytest.mark.parametrize("write", [in_files, in_a_list, one_after_the_other, in_yaml, in_bodies])
def test_every_property_of_app_mesh_is_read_in_every_form(
    form: Callable[[Json], Json], write: Callable[[list[Json], Path], None], tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    write([form(each) for each in create_inputs(full_mesh())], folder)
    (mesh,) = read_source([folder]).meshes
    assert mesh == declared_mesh(tmp_path)


def written(folder: Path, **files: Any) -> Path:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def without_mesh_name(created: Json) -> Json:
    return {key: value for key, value in created.items() if key != "meshName"}


def test_mesh_name_that_was_an_option_of_the_command_is_that_of_the_other_files(tmp_path: Path) -> None:
    source = read_source([written(tmp_path, mesh={"meshName": "shop"}, node=without_mesh_name(NODE_INPUT))])
    assert [(mesh.name, [node.name for node in mesh.nodes]) for mesh in source.meshes] == [("shop", ["stock"])]
    assert source.notes == ("documents without a meshName are read as parts of mesh 'shop'",)


def test_mesh_name_that_was_an_option_of_the_command_is_that_of_a_template(tmp_path: Path) -> None:
    template = {"Resources": {"Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "shop"}}}}
    source = read_source([written(tmp_path, mesh=template, node=without_mesh_name(NODE_INPUT))])
    assert [(mesh.name, [node.name for node in mesh.nodes]) for mesh in source.meshes] == [("shop", ["stock"])]


def test_mesh_that_no_file_names_has_a_name(tmp_path: Path) -> None:
    (mesh,) = read_source([written(tmp_path, node=without_mesh_name(NODE_INPUT))]).meshes
    assert (mesh.name, [node.name for node in mesh.nodes]) == ("mesh", ["stock"])


def test_part_without_a_mesh_name_is_left_out_if_there_are_several_meshes(tmp_path: Path) -> None:
    meshes = {"a": {"meshName": "a"}, "b": {"meshName": "b"}}
    source = read_source([written(tmp_path, **meshes, node=without_mesh_name(NODE_INPUT))])
    assert [mesh.nodes for mesh in source.meshes] == [(), ()]
    assert source.notes == (
        "node.json: left out, because virtualNode/stock has no meshName and there are several meshes",
    )


def test_items_of_lists_and_deleted_parts_are_left_out(tmp_path: Path) -> None:
    item = {"arn": "arn:aws:appmesh:eu-west-1:111122223333:mesh/shop/virtualNode/old", "meshName": "shop"}
    deleted = described({**NODE_INPUT, "virtualNodeName": "gone"})
    deleted["virtualNode"]["status"]["status"] = "DELETED"
    nodes = {"virtualNodes": [{**item, "virtualNodeName": "old", "version": 1}]}
    source = read_source([written(tmp_path, deleted=deleted, node=NODE_INPUT, nodes=nodes)])
    assert [node.name for node in source.meshes[0].nodes] == ["stock"]
    assert "not understood: deleted.json, nodes.json" in source.notes


def test_updates_of_several_resources_are_one_note(tmp_path: Path) -> None:
    inputs = [NODE_INPUT, {**NODE_INPUT, "virtualNodeName": "other"}]
    source = read_source([written(tmp_path, **{"1-created": inputs, "2-updated": inputs})])
    assert "2 resources are declared again by later files, which count: 2-updated.json" in source.notes
    assert len(source.notes) == 2


def test_namespaces_of_one_name_in_two_vpcs_are_told_apart(tmp_path: Path) -> None:
    namespaces = [{"Id": f"ns-{each}", "Name": "shop.local", "Type": "DNS_PRIVATE"} for each in "ab"]
    services = [
        {"Id": f"srv-{each}", "Name": each, "NamespaceId": f"ns-{each}", "DnsConfig": {"DnsRecords": []}}
        for each in "ab"
    ]
    created = {"Name": "other.local", "Vpc": "vpc-1"}
    described = {"Namespace": {"Id": "ns-c", "Name": "other.local", "Type": "DNS_PRIVATE"}}
    folder = written(tmp_path, a={"Namespaces": namespaces}, b={"Services": services}, c=created, d=described)
    templates = read_templates([folder], {}, {})
    found = templates.resources("AWS::ServiceDiscovery::PrivateDnsNamespace")
    assert [each.property("Name") for each in found] == ["shop.local", "shop.local", "other.local"]
    owners = [each.property("NamespaceId") for each in templates.resources("AWS::ServiceDiscovery::Service")]
    assert [each.resource.place for each in owners] == [each.place for each in found[:2]]


def test_preview_form_is_read(tmp_path: Path) -> None:
    def node(name: str, *backends: str) -> Json:
        spec = {
            "listeners": [{"portMapping": {"port": 9080, "protocol": "http"}}],
            "serviceDiscovery": {"dns": {"serviceName": f"{name}.shop.local"}},
            "backends": list(backends),
        }
        return {"virtualNodeName": name, "spec": spec}

    rule = {"match": {"prefix": "/"}, "action": {"weightedTargets": [{"virtualNode": "stock", "weight": 1}]}}
    folder = written(
        tmp_path,
        a=node("website", "stock.shop.local"),
        b=node("stock"),
        c={"virtualRouterName": "stock", "spec": {"serviceNames": ["stock.shop.local"]}},
        d={"routeName": "all", "virtualRouterName": "stock", "spec": {"httpRoute": rule}},
    )
    source = read_source([folder])
    (mesh,) = source.meshes
    assert [each.virtual_service for each in mesh.node("website").backends] == ["stock.shop.local"]
    assert [(each.name, each.virtual_router) for each in mesh.services] == [("stock.shop.local", "stock")]
    assert [(each.port, each.protocol) for each in mesh.routers[0].listeners] == [(9080, "http")]
    assert mesh.node("stock").discovery.hostname == "stock.shop.local"  # type: ignore[union-attr]
    assert "c.json: virtualRouter/stock has no listeners: it gets the listener of its targets" in source.notes


# ECS and Cloud Map

USED = {
    f"AWS::{each}": EVERY_PROPERTY
    for each in ("ECS::Service", "ECS::TaskDefinition", "ServiceDiscovery::Service", "ServiceDiscovery::Instance")
}


def declarations(*paths: Path) -> Declarations:
    return read_declarations(read_templates(paths, {}, {}), USED)


def test_answers_about_tasks_refer_to_each_other_by_ids_and_arns(tmp_path: Path) -> None:
    found = declarations(written(tmp_path, **answers()))
    assert found.problems == ()
    (service,) = found.services.values()
    assert service.task_definition == "task.json: taskDefinition/stock"
    assert service.discovery == (Registration(registry="registry.json: service/stock"),)
    assert (service.name, service.cluster, service.desired_count, service.public) == ("stock", "shop", 2, True)
    assert (service.minimum_percent, service.maximum_percent, service.groups) == (50, 150, ("sg-1a",))
    definition = found.task_definitions[service.task_definition]
    assert [each.name for each in definition.containers] == ["app", "envoy"]
    assert str(definition.envoys[0].mesh_resource) == "mesh/shop/virtualNode/stock"
    assert definition.proxy_configuration is not None
    assert definition.proxy_configuration.app_ports == (80,)
    assert found.discovery_services["registry.json: service/stock"].dns_name == "stock.shop.local"


@pytest.mark.parametrize("named", ["stock", "stock:3", "arn:aws:ecs:eu-west-1:444455556666:task-definition/stock:3"])
def test_service_names_its_task_definition_by_the_family(named: str, tmp_path: Path) -> None:
    service = {"serviceName": "stock", "cluster": "shop", "taskDefinition": named, "desiredCount": 1}
    found = declarations(written(tmp_path, task=REGISTERED, service=service))
    assert [each.task_definition for each in found.services.values()] == ["task.json: taskDefinition/stock"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(CONTAINERS, id="list"),
        pytest.param({"containerDefinitions": CONTAINERS}, id="object"),
        pytest.param(CONTAINERS[1], id="container"),
    ],
)
def test_container_definitions_without_a_task_definition_have_the_name_of_the_file(
    content: Any, tmp_path: Path
) -> None:
    (definition,) = declarations(written(tmp_path, stock=content)).task_definitions.values()
    assert definition.family == "stock"
    assert str(definition.envoys[0].mesh_resource) == "mesh/shop/virtualNode/stock"


def test_instance_is_registered_in_its_service(tmp_path: Path) -> None:
    instance = {"ServiceId": "srv-1a", "InstanceId": "a", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1"}}
    found = declarations(written(tmp_path, **answers(), instance=instance))
    assert [service for service, _ in found.instances.values()] == ["registry.json: service/stock"]


def test_load_balancers_are_read_as_described(tmp_path: Path) -> None:
    arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:{}"
    balancer, group = arn.format("loadbalancer/net/shop/0a"), arn.format("targetgroup/shop/0b")
    listener = arn.format("listener/net/shop/0a/0c")
    folder = written(
        tmp_path,
        balancers={
            "LoadBalancers": [
                {
                    "LoadBalancerArn": balancer,
                    "LoadBalancerName": "shop",
                    "Type": "network",
                    "Scheme": "internal",
                    "State": {"Code": "active"},
                    "AvailabilityZones": [{"ZoneName": "eu-west-1a", "SubnetId": "subnet-1a"}],
                }
            ]
        },
        groups={"TargetGroups": [{"TargetGroupArn": group, "TargetGroupName": "shop", "Protocol": "TCP", "Port": 80}]},
        listeners={
            "Listeners": [
                {
                    "ListenerArn": listener,
                    "LoadBalancerArn": balancer,
                    "Port": 80,
                    "Protocol": "TCP",
                    "MutualAuthentication": {"Mode": "verify"},
                    "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}],
                }
            ]
        },
        rules={
            "Rules": [
                {
                    "RuleArn": f"{listener.replace(':listener/', ':listener-rule/')}/0d",
                    "Priority": "5",
                    "Conditions": [{"Field": "path-pattern", "Values": ["/stock/*"]}],
                    "Actions": [{"Type": "forward", "TargetGroupArn": group}],
                }
            ]
        },
    )
    names = ("LoadBalancer", "Listener", "ListenerRule", "TargetGroup")
    used = {f"AWS::ElasticLoadBalancingV2::{each}": EVERY_PROPERTY for each in names}
    templates = read_templates([folder], {}, {})
    assert templates.notes == (
        (
            "balancers.json, groups.json: attributes of load balancers and target groups, such as stickiness, are not "
            "read: the output of describe-...-attributes does not name their owner"
        ),
    )
    found = read_declarations(templates, used)
    (read,) = found.load_balancers.values()
    assert (read.name, read.type, read.public, read.subnets) == ("shop", "network", False, ("subnet-1a",))
    assert [each.mutual_tls for each in read.listeners] == ["verify"]
    assert read.target_groups == ("groups.json: targetGroup/shop",)
    assert [each.priority for each in read.listeners[0].rules] == [5]


def test_template_that_cloudformation_answers_is_read(tmp_path: Path) -> None:
    template = {"Resources": {"Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "shop"}}}}
    (mesh,) = read_source([written(tmp_path, stack={"TemplateBody": template, "StagesAvailable": []})]).meshes
    assert mesh.name == "shop"


def test_descriptions_of_constructs_by_the_cdk_are_no_resources(tmp_path: Path) -> None:
    attributes = {"aws:cdk:cloudformation:props": {"meshName": "copy", "spec": {}}}
    tree = {"version": "tree-0.1", "tree": {"children": {"Mesh": {"attributes": attributes}}}}
    source = read_source([written(tmp_path, mesh={"meshName": "shop"}, tree=tree)])
    assert [mesh.name for mesh in source.meshes] == ["shop"]
    assert source.notes == ("not understood: tree.json",)
