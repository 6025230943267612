"""Parameters, imports and labels without a value."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from color_mesh.appmesh.source import read_source
from color_mesh.cloudformation import Templates, read_templates
from color_mesh.model import AcmCertificate, MeshError

Json = dict[str, Any]
Write = Callable[..., Path]
THING = "Any::Thing"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes templates into one folder."""

    def write(**files: Any) -> Path:
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return write


def things(*values: Any, **more: Any) -> Json:
    resources = {f"T{number}": {"Type": THING, "Properties": {"Name": value}} for number, value in enumerate(values)}
    return {"Parameters": {"Stage": {"Type": "String"}}, "Resources": resources, **more}


def values_of(templates: Templates) -> list[Any]:
    return [each.property("Name") for each in templates.resources(THING)]


def problems(path: Path, **values: str) -> list[str]:
    found: list[str] = []
    templates = read_templates([path], values, {})
    for each in templates.resources(THING):
        try:
            each.properties()
        except MeshError as error:
            found += error.problems
    return list(dict.fromkeys(found))


def test_missing_parameter_is_one_line_with_its_uses(write: Write) -> None:
    names = [{"Ref": "Stage"}, {"Fn::Sub": "${Stage}-a"}, [{"Ref": "Stage"}], {"A": {"Ref": "Stage"}}, {"Ref": "Stage"}]
    assert problems(write(a=things(*names), b=things({"Ref": "Stage"}))) == [
        (
            "parameter 'Stage': has no value, got None (give it with --set Stage=VALUE; used 6 times: a.json: T0.Name, "
            "a.json: T1.Name, a.json: T2.Name[0] and 3 more)"
        )
    ]


def test_missing_import_is_one_line_with_its_uses(write: Write) -> None:
    named = {"Fn::ImportValue": {"Fn::Sub": "${Stage}-mesh"}}
    folder = write(a=things(named, {"Fn::Join": ["", ["a", named]]}), b=things({"Fn::ImportValue": "prod-mesh"}))
    assert problems(folder, Stage="prod") == [
        (
            "import 'prod-mesh': no template exports it, got None (add the template that exports it, or give it with "
            "--set prod-mesh=VALUE; exported: nothing; used 3 times: a.json: T0.Name, a.json: T1.Name, "
            "b.json: T0.Name)"
        )
    ]


@pytest.mark.parametrize("exported", [False, True])
def test_set_gives_the_value_of_an_import(exported: bool, write: Write) -> None:
    named = {"Fn::ImportValue": {"Fn::Sub": "${Stage}:mesh"}}
    output = {"Outputs": {"A": {"Value": "other", "Export": {"Name": "prod:mesh"}}}} if exported else {}
    folder = write(a=things(named, **output))
    assert values_of(read_templates([folder], {"Stage": "prod", "prod:mesh": "shop"}, {})) == ["shop"]


def test_value_of_an_import_that_no_template_has_is_rejected(write: Write) -> None:
    folder = write(a=things({"Fn::ImportValue": "mesh"}))
    with pytest.raises(MeshError) as caught:
        read_templates([folder], {"meshes": "shop"}, {})
    assert str(caught.value) == (
        "value of 'meshes': matches nothing in the templates, got 'meshes' (parameters: Stage; imports: mesh)"
    )


def test_parameter_that_no_parent_passes_has_the_given_value(write: Write) -> None:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child.json"}}
    folder = write(a={"Resources": {"Child": nested}}, child=things({"Ref": "Stage"}))
    assert values_of(read_templates([folder / "a.json"], {"Stage": "prod"}, {})) == ["prod"]


# Placeholders

MISSING = {"Ref": "Stage"}


def mesh_template(listener: Json, **more: Any) -> Json:
    spec = {"Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}, **listener}]}
    spec["ServiceDiscovery"] = {"DNS": {"Hostname": "red.shop.local"}}  # type: ignore[assignment]
    node = {"MeshName": "shop", "VirtualNodeName": "red", "Spec": spec, **more}
    return {
        "Parameters": {"Stage": {"Type": "String"}},
        "Resources": {
            "Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "shop"}},
            "Red": {"Type": "AWS::AppMesh::VirtualNode", "Properties": node},
        },
    }


def test_what_only_labels_has_a_placeholder_that_is_said_once(write: Write) -> None:
    certificate = {"ACM": {"CertificateArn": MISSING}}
    tags = [{"Key": "stage", "Value": {"Fn::Sub": "in-${Stage}"}}]
    path = write(a=mesh_template({"TLS": {"Mode": "STRICT", "Certificate": certificate}}, Tags=tags))
    source = read_source([path])
    node = source.meshes[0].node("red")
    assert node.tags == (("stage", "placeholder-stage"),)
    tls = node.listeners[0].tls
    assert tls is not None
    assert tls.certificate == AcmCertificate(arn="arn:aws:placeholder:::stage")
    assert source.left_out == ()
    assert source.templates.placeholders == (
        (
            "a placeholder stands for what has no value: parameter 'Stage': has no value, got None (give it with --set "
            "Stage=VALUE; used 2 times: a.json: Red.Spec.Listeners[0].TLS.Certificate.ACM.CertificateArn, "
            "a.json: Red.Tags[0].Value)"
        ),
    )


def test_arns_of_a_list_have_placeholders(write: Write) -> None:
    for value in (MISSING, [MISSING], {"Fn::Split": [",", MISSING]}):
        trust = {"ACM": {"CertificateAuthorityArns": value}}
        policy = {"ClientPolicy": {"TLS": {"Validation": {"Trust": trust}}}}
        template = mesh_template({})
        template["Resources"]["Red"]["Properties"]["Spec"]["BackendDefaults"] = policy
        source = read_source([write(a=template)])
        assert "arn:aws:placeholder:::stage" in str(source.meshes[0].node("red").client_tls)


@pytest.mark.parametrize("name", ["MeshName", "VirtualNodeName"])
def test_name_without_a_value_has_no_placeholder(name: str, write: Write) -> None:
    blue = {"MeshName": "shop", "VirtualNodeName": "blue", "Spec": {}}
    template = mesh_template({}, **{name: MISSING})
    template["Resources"]["Blue"] = {"Type": "AWS::AppMesh::VirtualNode", "Properties": blue}
    source = read_source([write(a=template)])
    assert [node.name for node in source.meshes[0].nodes] == ["blue"]
    assert source.left_out == (
        f"parameter 'Stage': has no value, got None (give it with --set Stage=VALUE; used once: a.json: Red.{name})",
    )


@pytest.mark.parametrize("with_mesh", [False, True])
def test_missing_value_that_stops_the_reading_is_one_line(with_mesh: bool, write: Write) -> None:
    template = mesh_template({}, MeshName=MISSING)
    if with_mesh:
        template["Resources"]["Mesh"]["Properties"]["MeshName"] = MISSING
    else:
        template["Resources"]["Mesh"] = template["Resources"]["Red"]
    with pytest.raises(MeshError) as caught:
        read_source([write(a=template)])
    (line,) = caught.value.problems
    assert line.startswith("parameter 'Stage': has no value, got None (give it with --set Stage=VALUE; used 2 times: ")


def test_message_about_what_is_left_out_without_a_value_occurs_once(write: Write) -> None:
    template = mesh_template({})
    for number in range(3):
        properties = {"MeshName": "shop", "VirtualServiceName": {"Fn::Sub": f"s{number}.${{Stage}}"}, "Spec": {}}
        template["Resources"][f"S{number}"] = {"Type": "AWS::AppMesh::VirtualService", "Properties": properties}
    source = read_source([write(a=template)])
    assert source.left_out == (
        (
            "parameter 'Stage': has no value, got None (give it with --set Stage=VALUE; used 3 times: "
            "a.json: S0.VirtualServiceName, a.json: S1.VirtualServiceName, a.json: S2.VirtualServiceName)"
        ),
    )
