"""Meshes read from the app's cloud assembly, from generated templates and from templates of other authors."""

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.appmesh.source import read_source
from color_mesh.appmesh.template import write_template
from color_mesh.model import AcmCertificate, CloudMapService, Mesh, MeshError, VirtualNode, VirtualService
from tests.support.mesh_strategies import meshes
from tests.support.needs import examples

Template = dict[str, Any]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes files into one folder."""

    def write(**files: Any) -> Path:
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return write


def refusal(path: Path, **values: str) -> str:
    with pytest.raises(MeshError) as caught:
        read_source([path], {name.replace("_", "."): value for name, value in values.items()})
    return str(caught.value)


# The app's cloud assembly


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, Mesh]]:
    """Return a function that builds the app with some settings, and returns its assembly and its mesh."""
    from app import build
    from color_mesh import ServiceMesh

    @cache
    def built(**settings: str) -> tuple[Path, Mesh]:
        out = tmp_path_factory.mktemp("cdk.out")
        context: dict[str, object] = {"@aws-cdk/core:annotationsInValidationReport": False}
        context |= {f"color-mesh:{key}": value for key, value in settings.items()}
        app = build(context=context, outdir=str(out), validate=False)
        mesh = app.node.find_child("MeshStack").node.find_child("Mesh")
        assert isinstance(mesh, ServiceMesh)
        app.synth()
        return out, mesh.model

    return built


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param({"chapter": "2"}, id="chapter-2"),
        pytest.param({"chapter": "3"}, id="chapter-3"),
        pytest.param({}, id="chapter-4"),
        pytest.param({"gateway": "public-ip"}, id="public-ip"),
        pytest.param({"weights": "blue=0,yellow=7", "redBackends": "blue,router"}, id="changed"),
    ],
)
def test_assembly_of_the_app_is_read_as_the_same_mesh(
    chosen: dict[str, str], built: Callable[..., tuple[Path, Mesh]]
) -> None:
    out, mesh = built(**chosen)
    source = read_source([out])
    assert (source.meshes, source.notes) == ((mesh,), ())


# Generated meshes


@examples(40)
@given(meshes())
def test_template_is_read_as_the_same_mesh(folder: Path, mesh: Mesh) -> None:
    path = folder / "mesh.json"
    path.write_text(json.dumps(write_template(mesh)))
    assert read_source([path]).meshes == (mesh,)


@examples(10)
@given(meshes())
def test_yaml_template_is_read_as_the_same_mesh(folder: Path, mesh: Mesh) -> None:
    path = folder / "mesh.yaml"
    path.write_text(yaml.safe_dump(write_template(mesh), sort_keys=False))
    assert read_source([path]).meshes == (mesh,)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written")


# Templates of other authors


def appmesh(kind: str, name: str | None, spec: Any, mesh: Any = "colors", **more: Any) -> Template:
    named = {} if name is None else {f"{kind}Name": name}
    return {
        "Type": f"AWS::AppMesh::{kind}",
        "Properties": {"MeshName": mesh, **named, "Spec": spec, **more},
    }


def template(**resources: Any) -> Template:
    return {"Resources": resources}


MESH = {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "colors"}}
LISTENER = {"PortMapping": {"Port": 80, "Protocol": "http"}}
TO_RED = {"HttpRoute": {"Match": {"Prefix": "/"}, "Action": {"WeightedTargets": [{"VirtualNode": "red", "Weight": 1}]}}}

OTHERS = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Stage: {Type: String, Default: prod}
  Domain: {Type: String, Default: colors.local}
Mappings:
  Ports: {prod: {http: 80}, test: {http: 8080}}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
Resources:
  Mesh:
    Type: AWS::AppMesh::Mesh
    Properties:
      Spec:
        EgressFilter: !If [Prod, {Type: DROP_ALL}, {Type: ALLOW_ALL}]
  Red:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: !Sub "red-${Stage}"
      Spec:
        Listeners: [PortMapping: {Port: !FindInMap [Ports, !Ref Stage, http], Protocol: http}]
        ServiceDiscovery: {AWSCloudMap: {NamespaceName: !Ref Domain, ServiceName: !GetAtt RedNames.Name}}
        Logging: !If [Prod, !Ref "AWS::NoValue", {AccessLog: {File: {Path: /dev/stdout}}}]
  RedService:
    Type: AWS::AppMesh::VirtualService
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualServiceName: !Join [".", [red, !Ref Domain]]
      Spec: {Provider: {VirtualNode: {VirtualNodeName: !GetAtt Red.VirtualNodeName}}}
  TestService:
    Type: AWS::AppMesh::VirtualService
    Condition: Prod
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualServiceName: !Select [1, !Split [",", "a.local,b.local"]]
      Spec: {}
  RedNames:
    Type: AWS::ServiceDiscovery::Service
    Properties:
      Name: red
      DnsConfig: {NamespaceId: !Ref Zone, DnsRecords: [{Type: A, TTL: "60"}]}
  Zone:
    Type: AWS::ServiceDiscovery::PrivateDnsNamespace
    Properties: {Name: !Ref Domain, Vpc: !ImportValue vpc-id}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {Family: !Ref Nowhere}
"""


def test_only_mesh_resources_of_a_template_are_read(tmp_path: Path) -> None:
    path = tmp_path / "stack.yaml"
    path.write_text(OTHERS)
    (prod,) = read_source([path]).meshes
    assert (prod.name, prod.egress_filter) == ("stack-Mesh", "DROP_ALL")
    assert [(service.name, service.virtual_node) for service in prod.services] == [
        ("red.colors.local", "red-prod"),
        ("b.local", None),
    ]
    assert prod.cloud_map_services == (
        CloudMapService(name="red", namespace="colors.local", description=None, ttl_seconds=60),
    )
    assert prod.node("red-prod").access_log is None
    assert [listener.port for listener in prod.node("red-prod").listeners] == [80]
    (test,) = read_source([path], {"Stage": "test"}).meshes
    assert ([node.name for node in test.nodes], test.egress_filter) == (["red-test"], "ALLOW_ALL")
    assert [service.name for service in test.services] == ["red.colors.local"]
    assert [listener.port for listener in test.node("red-test").listeners] == [8080]


def test_resource_without_a_name_gets_a_generated_name(write: Write) -> None:
    folder = write(stack=template(Mesh={"Type": "AWS::AppMesh::Mesh"}))
    assert read_source([folder]).meshes == (Mesh(name="stack-Mesh"),)


def test_undeclared_mesh_is_noted(write: Write) -> None:
    folder = write(a=template(Red=appmesh("VirtualService", "red.local", {})))
    source = read_source([folder])
    assert source.meshes == (Mesh(name="colors", services=(VirtualService(name="red.local"),)),)
    assert source.notes == (
        "mesh 'colors' is not declared in the sources: read with App Mesh's defaults, such as DROP_ALL",
    )


def test_several_meshes_are_read(write: Write) -> None:
    folder = write(
        a=template(Colors=MESH, Red=appmesh("VirtualNode", "red", {}), Other=appmesh("VirtualNode", "red", {}, "b")),
        b=template(B={**MESH, "Properties": {"MeshName": "b"}}),
    )
    assert read_source([folder]).meshes == (
        Mesh(name="colors", nodes=(VirtualNode(name="red", listeners=()),)),
        Mesh(name="b", nodes=(VirtualNode(name="red", listeners=()),)),
    )


def test_several_meshes_have_the_cloud_map_services_that_they_refer_to(write: Write) -> None:
    spec = {
        "Listeners": [LISTENER],
        "ServiceDiscovery": {"AWSCloudMap": {"NamespaceName": "a.local", "ServiceName": "red"}},
    }
    names = {
        "Type": "AWS::ServiceDiscovery::Service",
        "Properties": {
            "Name": "red",
            "NamespaceId": {"Ref": "Zone"},
            "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]},
        },
    }
    zone = {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "a.local"}}
    folder = write(
        a=template(
            Zone=zone,
            Names=names,
            Colors=MESH,
            Red=appmesh("VirtualNode", "red", spec),
            Other=appmesh("VirtualNode", "red", {}, "b"),
        )
    )
    assert [[each.dns_name for each in mesh.cloud_map_services] for mesh in read_source([folder]).meshes] == [
        ["red.a.local"],
        [],
    ]


def test_value_known_only_at_deployment_can_be_given(write: Write) -> None:
    spec = {"ServiceDiscovery": {"DNS": {"Hostname": {"Fn::GetAtt": ["Balancer", "DNSName"]}}}}
    path = write(a=template(Balancer={"Type": "A::B"}, Mesh=MESH, Red=appmesh("VirtualNode", "red", spec))) / "a.json"
    (mesh,) = read_source([path], {"Balancer.DNSName": "a.example.com"}).meshes
    assert mesh.node("red").discovery is not None
    assert refusal(path) == (
        "a.json: Red.Spec.ServiceDiscovery.DNS.Hostname: is known only at deployment, got 'Balancer.DNSName' (give "
        "it with --set Balancer.DNSName=VALUE)"
    )


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        pytest.param(
            {"Blue": appmesh("VirtualNode", "blue", "a")},
            "a.json: Blue.Spec: is not an object, got 'a' (keys and values)",
            id="wrong-properties",
        ),
        pytest.param(
            {"Red": appmesh("VirtualNode", "red", {}, {"Ref": "Nowhere"}), "Blue": appmesh("VirtualNode", "b", 1, [])},
            "a.json: Red.MeshName: unknown parameter or resource, got 'Nowhere' (known: Blue, Mesh, Red)\n"
            "a.json: Blue.MeshName: is not text, got [] (text)\n"
            "a.json: Blue.Spec: is not an object, got 1 (keys and values)",
            id="a-reference-to-nothing",
        ),
        pytest.param(
            {"Red": {"Type": "AWS::AppMesh::VirtualNode"}},
            "a.json: Red.MeshName: is missing, got None (it is required)\n"
            "a.json: Red.Spec: is missing, got None (it is required)",
            id="no-properties",
        ),
        pytest.param(
            {"Mesh": {**MESH, "Metadata": {"color-mesh:externalServices": "a.local"}}},
            "a.json: Mesh.Metadata.color-mesh:externalServices: is not a list, got 'a.local' (a list)",
            id="external-services",
        ),
    ],
)
def test_template_of_an_invalid_mesh_is_rejected(resources: Template, message: str, write: Write) -> None:
    assert refusal(write(a=template(**{"Mesh": MESH, **resources}))) == message


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        pytest.param(
            {"Red": appmesh("VirtualNode", "red", {}), "Red2": appmesh("VirtualNode", "red", {})},
            "virtual node 'red': is declared twice, got 'red' (the last one counts: remove one)",
            id="two-nodes-of-one-name",
        ),
        pytest.param(
            {"All": appmesh("Route", "all", TO_RED, VirtualRouterName="router")},
            "route 'all': unknown virtual router, got 'router' (known: none)",
            id="route-of-unknown-router",
        ),
        pytest.param(
            {"Red": appmesh("VirtualNode", "red", {"Listener": []})},
            "a.json: Red.Spec.Listener: is unknown, got 'Listener' (known: BackendDefaults, Backends, Listeners, "
            "Logging, ServiceDiscovery)",
            id="unknown-property",
        ),
        pytest.param(
            {"Red": appmesh("VirtualNode", "red", {}), "All": {"Type": "AWS::AppMesh::Rout", "Properties": {}}},
            "a.json: All: unknown resource type, got 'AWS::AppMesh::Rout' (known: AWS::AppMesh::GatewayRoute, "
            "AWS::AppMesh::Mesh, AWS::AppMesh::Route, AWS::AppMesh::VirtualGateway, AWS::AppMesh::VirtualNode, "
            "AWS::AppMesh::VirtualRouter, AWS::AppMesh::VirtualService)",
            id="unknown-type",
        ),
        pytest.param(
            {"Mesh2": MESH},
            "mesh 'colors': is declared twice, got 'colors' (the last one counts: remove one)",
            id="two-meshes-of-one-name",
        ),
    ],
)
def test_part_that_has_no_effect_is_left_out(resources: Template, message: str, write: Write) -> None:
    assert read_source([write(a=template(**{"Mesh": MESH, **resources}))]).left_out == (message,)


def cloud_map(properties: Any, zone: Any = "a.local") -> Template:
    return template(
        Mesh=MESH,
        Zone={"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": zone}},
        Red={
            "Type": "AWS::ServiceDiscovery::Service",
            "Properties": {"Name": "red", "NamespaceId": {"Ref": "Zone"}, **properties},
        },
    )


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        pytest.param(
            cloud_map({"DnsConfig": {"DnsRecords": "a"}}),
            "a.json: Red.DnsConfig.DnsRecords: is not a list, got 'a' (a list)",
            id="records",
        ),
        pytest.param(
            cloud_map({"DnsConfig": {"DnsRecords": [{"Type": "A"}]}}),
            "a.json: Red.DnsConfig.DnsRecords[0].TTL: is missing, got None (it is required)",
            id="no-ttl",
        ),
        pytest.param(
            cloud_map({"DnsConfig": {"DnsRecords": [{"TTL": {"Ref": "Zone"}}]}}),
            "a.json: Red.DnsConfig.DnsRecords[0].TTL: is known only at deployment, got 'Zone.Ref' (give it with "
            "--set Zone.Ref=VALUE)",
            id="unknown-ttl",
        ),
        pytest.param(
            cloud_map({"Description": ["a"], "DnsConfig": {"DnsRecords": [{"TTL": 1}]}}),
            "a.json: Red.Description: is not text, got ['a'] (text)",
            id="description",
        ),
        pytest.param(
            cloud_map({"DnsConfig": {"DnsRecords": [{"TTL": 1}]}}, ["a"]),
            "a.json: Zone.Name: is not text, got ['a'] (text)",
            id="namespace",
        ),
    ],
)
def test_invalid_cloud_map_service_is_left_out(declared: Template, message: str, write: Write) -> None:
    declared["Resources"]["Node"] = appmesh("VirtualNode", "red", {})
    source = read_source([write(a=declared)])
    assert source.left_out == (message,)
    assert [each.cloud_map_services for each in source.meshes] == [()]


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        pytest.param(
            appmesh("VirtualNode", "blue", {"Listeners": "a"}),
            "Spec.Listeners: is not a list, got 'a' (a list)",
            id="type",
        ),
        pytest.param(
            appmesh("VirtualNode", "blue", {"ServiceDiscovery": {"DNS": {"Hostname": {"Ref": "Nowhere"}}}}),
            "Spec.ServiceDiscovery.DNS.Hostname: unknown parameter or resource, got 'Nowhere' (known: Blue, Mesh, Red)",
            id="reference",
        ),
        pytest.param(
            appmesh("VirtualNode", "blue", {}, ["colors"]), "MeshName: is not text, got ['colors'] (text)", id="mesh"
        ),
    ],
)
def test_resource_that_cannot_be_read_is_left_out_alone(resource: Template, message: str, write: Write) -> None:
    red = appmesh("VirtualNode", "red", {})
    source = read_source([write(a=template(Mesh=MESH, Red=red, Blue=resource))])
    assert source.left_out == (f"a.json: Blue.{message}",)
    assert source.meshes == read_source([write(a=template(Mesh=MESH, Red=red))]).meshes


def test_mesh_that_cannot_be_read_is_left_out_with_its_parts(write: Write) -> None:
    damaged = {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "colors", "Spec": "a"}}
    other = {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "other"}}
    parts = {"Red": appmesh("VirtualNode", "red", {}), "Blue": appmesh("VirtualNode", "blue", {}, "other")}
    source = read_source([write(a=template(Mesh=damaged, Other=other, **parts))])
    assert source.left_out == ("a.json: Mesh.Spec: is not an object, got 'a' (keys and values)",)
    assert [mesh.name for mesh in source.meshes] == ["other"]


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param(cloud_map({}), id="no-dns"),
        pytest.param(cloud_map({"DnsConfig": {}}), id="no-records"),
        pytest.param(
            cloud_map({"NamespaceId": "ns-1", "DnsConfig": {"DnsRecords": [{"TTL": 1}]}}), id="other-namespace"
        ),
        pytest.param(
            cloud_map({"NamespaceId": {"Ref": "Mesh"}, "DnsConfig": {"DnsRecords": [{"TTL": 1}]}}), id="no-namespace"
        ),
    ],
)
def test_cloud_map_services_of_other_namespaces_are_left_out(declared: Template, write: Write) -> None:
    assert read_source([write(a=declared)]).meshes == (Mesh(name="colors"),)


def test_value_that_matches_nothing_in_manifests_is_rejected(write: Write) -> None:
    folder = write(mesh={"meshName": "colors", "spec": {}})
    assert refusal(folder, Color="red") == (
        "value of 'Color': matches nothing in the templates, got 'Color' (parameters: none)"
    )


# Mutated documents

VALID: Template = {
    "Parameters": {"Stage": {"Type": "String", "Default": "prod", "AllowedValues": ["prod", "test"]}},
    "Mappings": {"Ports": {"prod": {"http": 80}}},
    "Conditions": {"Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
    "Resources": {
        "Mesh": {**MESH, "Metadata": {"color-mesh:externalServices": ["a.local"]}},
        "Zone": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "b.local"}},
        "Names": {
            "Type": "AWS::ServiceDiscovery::Service",
            "Properties": {
                "Name": "red",
                "NamespaceId": {"Fn::GetAtt": ["Zone", "Id"]},
                "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]},
            },
        },
        "Red": {
            "Condition": "Prod",
            **appmesh(
                "VirtualNode",
                "red",
                {
                    "Listeners": [
                        {
                            "PortMapping": {"Port": {"Fn::FindInMap": ["Ports", "prod", "http"]}, "Protocol": "http"},
                            "Timeout": {"HTTP": {"Idle": {"Unit": "s", "Value": 1}}},
                        }
                    ],
                    "ServiceDiscovery": {"AWSCloudMap": {"NamespaceName": "b.local", "ServiceName": "red"}},
                    "Logging": {"AccessLog": {"File": {"Path": {"Fn::Join": ["/", ["", "dev", "stdout"]]}}}},
                },
                {"Fn::GetAtt": ["Mesh", "MeshName"]},
            ),
        },
        "Router": appmesh("VirtualRouter", "router", {"Listeners": [LISTENER]}, {"Fn::ImportValue": "mesh"}),
        "Route": appmesh(
            "Route",
            "all",
            TO_RED,
            VirtualRouterName={"Fn::Select": [1, {"Fn::Split": [",", {"Fn::Sub": "${Stage},router"}]}]},
        ),
        "Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child.json"}},
    },
    "Outputs": {"Mesh": {"Value": "colors", "Export": {"Name": "mesh"}}},
}
MANIFEST: Template = {
    "artifacts": {
        "A": {
            "type": "aws:cloudformation:stack",
            "environment": "aws://1/eu-west-1",
            "properties": {"templateFile": "a.json", "stackName": "a", "parameters": {"Stage": "prod"}},
        },
        "Stage": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "stage"}},
    }
}
CLI: Template = {
    "route": {
        "meshName": "colors",
        "routeName": "all",
        "virtualRouterName": "router",
        "metadata": {"meshOwner": "1", "resourceOwner": "2"},
        "spec": {"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": []}}},
        "status": {"status": "ACTIVE"},
    },
    "Name": "red",
    "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]},
}
ODD = st.sampled_from(
    (
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        "",
        "red",
        "a.local",
        "${Stage}",
        "\0",
        [],
        [1],
        ["red"],
        {},
        {"a": 1},
        {"Ref": "Red"},
    )
    + (
        {"Ref": "Stage"},
        {"Ref": "AWS::NoValue"},
        {"Fn::If": ["Prod", 1, 2]},
        {"Fn::GetAtt": ["Red", "VirtualNodeName"]},
    )
    + ({"Fn::ImportValue": "mesh"}, {"Fn::Sub": ["${a}", {"a": 1}]}, {"Fn::Select": [0, []]}, {"Condition": "Prod"})
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path of every value in a document."""
    yield at
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(each, (*at, key))


Change = Callable[[Any, Any], None]


def remove(parent: Any, key: Any) -> None:
    del parent[key]


def wrap(parent: Any, key: Any) -> None:
    parent[key] = [parent[key]]


def replace_by(odd: Any) -> Change:
    return lambda parent, key: parent.__setitem__(key, odd)


def rename_to(odd: Any) -> Change:
    def rename(parent: Any, key: Any) -> None:
        moved = parent.pop(key)
        if isinstance(parent, dict):
            parent[str(odd)] = moved
        else:
            parent.insert(0, moved)

    return rename


def changed(document: Any, at: tuple[Any, ...], change: Change) -> Any:
    """Return a copy of a document that is changed in one place."""
    result = copy.deepcopy(document)
    parent = result
    for key in at[:-1]:
        parent = parent[key]
    change(parent, at[-1])
    return result


@st.composite
def mutated(draw: st.DrawFn, document: Template) -> Any:
    """Generate copies of a document with one or two values replaced, removed or renamed."""
    for _ in range(draw(st.integers(1, 2))):
        paths = [place for place in places(document) if place]
        if not paths:
            break
        at = draw(st.sampled_from(paths))
        odd = draw(ODD)
        change = draw(st.sampled_from((replace_by(odd), replace_by(odd), remove, wrap, rename_to(odd))))
        document = changed(document, at, change)
    return document


def outcome(path: Path) -> str:
    """Read a path, which must return meshes or raise `MeshError`, and return the error if there is one."""
    try:
        return str(read_source([path]).meshes)
    except MeshError as error:
        return str(error)


def test_documents_before_mutation_are_valid(write: Write) -> None:
    source = read_source([write(a=VALID, child=template())])
    assert [len(mesh.nodes) for mesh in source.meshes] == [1]


@examples(200)
@given(mutated(VALID))
def test_mutated_template_is_read_or_rejected(folder: Path, document: Any) -> None:
    (folder / "child.json").write_text(json.dumps(template()))
    path = folder / "a.json"
    path.write_text(json.dumps(document))
    assert outcome(path)


@examples(100)
@given(mutated(MANIFEST))
def test_mutated_assembly_is_read_or_rejected(assembled: Path, document: Any) -> None:
    (assembled / "manifest.json").write_text(json.dumps(document))
    assert outcome(assembled)


@examples(200)
@given(mutated(CLI))
def test_mutated_manifest_is_read_or_rejected(folder: Path, document: Any) -> None:
    path = folder / "route.json"
    path.write_text(json.dumps(document))
    assert outcome(path)


@examples(100)
@given(st.data())
def test_any_text_is_read_or_rejected(folder: Path, data: st.DataObject) -> None:
    text = yaml.safe_dump(VALID, sort_keys=False)
    start, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 30))
    odd = data.draw(st.text("{}[]&*!:-?|>%@`#,<'\" \n\tab1~", max_size=8))
    path = folder / "a.yaml"
    path.write_text(text[:start] + odd + text[start + length :])
    assert outcome(path)


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembled")
    (folder / "a.json").write_text(json.dumps({**VALID, "Parameters": {"Stage": {"Type": "String"}}}))
    (folder / "child.json").write_text(json.dumps(template()))
    (folder / "stage").mkdir()
    (folder / "stage" / "manifest.json").write_text(json.dumps({"artifacts": {}}))
    return folder


def test_undeclared_service_is_an_external_service(write: Write) -> None:
    spec = {"Backends": [{"VirtualService": {"VirtualServiceName": "far.colors.local"}}]}
    source = read_source([write(a=template(Colors=MESH, Red=appmesh("VirtualNode", "red", spec)))])
    assert source.meshes[0].external_services == ("far.colors.local",)
    assert source.notes == (
        "virtual service 'far.colors.local' is not declared in the sources: only its name is known",
    )


# Folders


def test_folder_is_searched_through_its_subfolders(tmp_path: Path) -> None:
    for name, resource in (("mesh", {"Mesh": MESH}), ("nodes/red", {"Red": appmesh("VirtualNode", "red", {})})):
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(template(**resource)))
    (mesh,) = read_source([tmp_path]).meshes
    assert [node.name for node in mesh.nodes] == ["red"]


@pytest.mark.parametrize("folder", [".git", "node_modules"])
def test_hidden_folders_and_packages_are_left_out(folder: str, write: Write) -> None:
    path = write(mesh=template(Mesh=MESH))
    (path / folder).mkdir()
    (path / folder / "red.json").write_text(json.dumps(template(Red=appmesh("VirtualNode", "red", {}))))
    (mesh,) = read_source([path]).meshes
    assert mesh.nodes == ()


def test_file_of_a_folder_that_is_not_understood_is_a_note(write: Write) -> None:
    path = write(mesh=template(Mesh=MESH))
    (path / "values.yaml").write_text("a: 1\n---\nb: 2\n")
    source = read_source([path])
    assert source.meshes[0].name == "colors"
    assert [note for note in source.notes if note.startswith("not understood: ") and "values.yaml" in note]


def test_last_value_of_a_duplicate_key_counts(tmp_path: Path) -> None:
    path = tmp_path / "mesh.yaml"
    path.write_text("Resources: {Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: a, MeshName: b}}}")
    source = read_source([path])
    assert [mesh.name for mesh in source.meshes] == ["b"]
    assert source.left_out == (
        "mesh.yaml: key 'MeshName': occurs twice, got 'MeshName' (the last one counts: remove one)",
    )


def test_arn_of_a_declared_certificate_is_a_placeholder(write: Write) -> None:
    tls = {"Mode": "STRICT", "Certificate": {"ACM": {"CertificateArn": {"Ref": "Certificate"}}}}
    listener = {"PortMapping": {"Port": 80, "Protocol": "http"}, "TLS": tls}
    spec = {"Listeners": [listener], "ServiceDiscovery": {"DNS": {"Hostname": "red.a.local"}}}
    certificate = {"Type": "AWS::CertificateManager::Certificate", "Properties": {"DomainName": "red.a.local"}}
    path = write(a=template(Mesh=MESH, Red=appmesh("VirtualNode", "red", spec), Certificate=certificate))
    (mesh,) = read_source([path]).meshes
    declared = mesh.node("red").listeners[0].tls
    assert declared is not None
    assert declared.certificate == AcmCertificate(arn="arn:aws:acm:::declared/Certificate")


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        pytest.param(
            {"MeshOwner": "me"},
            "mesh 'colors': has several owners, got ('me', '111122223333') (one account owns a mesh)",
            id="owner",
        ),
        pytest.param(
            {"MeshName": "a b"},
            "mesh 'a b': name has invalid characters, got 'a b' (letters, digits, '-' and '_')",
            id="mesh",
        ),
    ],
)
def test_name_or_owner_of_one_part_leaves_the_others_as_they_are(
    properties: Template, message: str, write: Write
) -> None:
    red = appmesh("VirtualNode", "red", {}, MeshOwner="111122223333")
    blue = appmesh("VirtualNode", "blue", {}, MeshOwner="111122223333")
    blue["Properties"] |= properties
    source = read_source([write(a=template(Mesh=MESH, Blue=blue, Red=red))])
    (mesh,) = source.meshes
    assert source.left_out == (message,)
    assert (mesh.owner, mesh.node("red").name) == ("111122223333", "red")


def test_gateway_route_to_a_service_without_a_valid_name_is_left_out_alone(write: Write) -> None:
    listeners = [{"PortMapping": {"Port": 80, "Protocol": "http"}}]
    action = {"Target": {"VirtualService": {"VirtualServiceName": "a" * 300}}}
    route = appmesh("GatewayRoute", "all", {"HttpRoute": {"Match": {"Prefix": "/"}, "Action": action}})
    route["Properties"]["VirtualGatewayName"] = "front"
    front = appmesh("VirtualGateway", "front", {"Listeners": listeners})
    (mesh,) = (source := read_source([write(a=template(Mesh=MESH, Front=front, Route=route))])).meshes
    assert [gateway.routes for gateway in mesh.gateways] == [()]
    assert any("has a virtual service whose name is not valid" in each for each in source.left_out)
