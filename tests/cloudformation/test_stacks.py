"""Stacks of templates, folders, cloud assemblies and nested stacks, and their references to each other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cloudformation import Templates, read_templates
from color_mesh.model import MeshError

Template = dict[str, Any]
Write = Callable[..., Path]

THING = "Any::Thing"
NESTED = "AWS::CloudFormation::Stack"
RED = {"Type": THING, "Properties": {"Name": "red"}}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes files into one folder."""

    def write(**files: Any) -> Path:
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True, parents=True)
            path.with_suffix(".json").write_text(json.dumps(content))
        return tmp_path

    return write


def read(*paths: Path, **values: str) -> Templates:
    named = {name.replace("__", "::"): value for name, value in values.items()}
    return read_templates(paths, values=named, known_attributes={(THING, "Name"): "Name"})


def names(*paths: Path, **values: str) -> dict[str, Any]:
    """Return the names of all resources, by place."""
    return {thing.place: thing.property("Name") for thing in read(*paths, **values).resources(THING)}


def refusal(*paths: Path, **values: str) -> str:
    with pytest.raises(MeshError) as caught:
        names(*paths, **values)
    return str(caught.value)


def thing(name: Any, **more: Any) -> Template:
    return {"Type": THING, "Properties": {"Name": name}, **more}


def template(**resources: Any) -> Template:
    return {"Resources": resources}


def nested(url: Any, parameters: Any = None, **more: Any) -> Template:
    given = {} if parameters is None else {"Parameters": parameters}
    return {"Type": NESTED, "Properties": {"TemplateURL": url, **given}, **more}


def exporting(value: Any, name: Any = "color", **more: Any) -> Template:
    return {"Resources": {}, "Outputs": {"Color": {"Value": value, "Export": {"Name": name}, **more}}}


IMPORTED = {"Fn::ImportValue": "color"}


def test_a_template_is_read(write: Write) -> None:
    folder = write(red=template(Red=RED))
    assert names(folder / "red.json") == {"red.json: Red": "red"}


def test_a_folder_is_read_in_the_order_of_its_names(write: Write) -> None:
    folder = write(b=template(Red=RED), a=template(Red=RED), other={"a": 1})
    (folder / "c.yaml").write_text("Resources: {Red: {Type: Any::Thing, Properties: {Name: !Sub red}}}")
    (folder / "d.template").write_text("Resources: {Red: {Type: Any::Thing, Properties: {Name: red}}}")
    (folder / "e.txt").write_text("Resources: {Red: {Type: Any::Thing}}")
    (folder / "f.json").mkdir()
    assert list(names(folder)) == ["a.json: Red", "b.json: Red", "c.yaml: Red", "d.template: Red"]


def test_template_given_twice_is_read_once(write: Write) -> None:
    folder = write(red=template(Red=RED))
    assert names(folder, folder / "red.json", folder / "." / "red.json") == {"red.json: Red": "red"}


def test_missing_property_is_none(write: Write) -> None:
    folder = write(red=template(Red=RED, Green={"Type": THING}))
    red, green = read(folder).resources(THING)
    assert (red.property("Other"), red.property("Name", "Other"), green.property("Name")) == (None, None, None)
    assert (red.properties(), green.properties()) == ({"Name": "red"}, {})


def test_only_requested_types_are_returned(write: Write) -> None:
    folder = write(red=template(Red=RED, Other={"Type": "Other::Thing", "Properties": {"Name": {"Ref": "Nowhere"}}}))
    assert names(folder) == {"red.json: Red": "red"}


# Conditions

IN_EUROPE = {"InEurope": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}}


def test_resource_with_a_false_condition_is_not_returned(write: Write) -> None:
    folder = write(
        a={
            "Conditions": {**IN_EUROPE, "Elsewhere": {"Fn::Not": [{"Condition": "InEurope"}]}},
            "Resources": {"Red": thing("red", Condition="InEurope"), "Blue": thing("blue", Condition="Elsewhere")},
        }
    )
    assert names(folder, AWS__Region="eu-west-1") == {"a.json: Red": "red"}
    assert names(folder, AWS__Region="us-east-1") == {"a.json: Blue": "blue"}


def test_output_with_a_false_condition_is_not_exported(write: Write) -> None:
    condition = {"Conditions": IN_EUROPE, "Resources": {}}
    folder = write(
        a={**exporting("red", Condition="InEurope"), **condition},
        b={
            **exporting("blue", Condition="Elsewhere"),
            "Conditions": {**IN_EUROPE, "Elsewhere": {"Fn::Not": [{"Condition": "InEurope"}]}},
        },
        c=template(Red=thing(IMPORTED)),
    )
    assert names(folder, AWS__Region="eu-west-1") == {"c.json: Red": "red"}
    assert names(folder, AWS__Region="us-east-1") == {"c.json: Red": "blue"}


def test_condition_of_a_nested_stack_applies_to_its_resources(write: Write) -> None:
    parent = {
        "Conditions": {**IN_EUROPE, "Elsewhere": {"Fn::Not": [{"Condition": "InEurope"}]}},
        "Resources": {
            "Europe": nested("red.json", Condition="InEurope"),
            "Other": nested("blue.json", Condition="Elsewhere"),
            "Parent": thing(IMPORTED),
        },
    }
    folder = write(parent=parent, red=exporting("red") | template(Red=RED), blue=exporting("blue") | template(Blue=RED))
    assert names(folder, AWS__Region="eu-west-1") == {"parent.json: Parent": "red", "red.json: Red": "red"}


def test_stacks_have_separate_conditions(write: Write) -> None:
    prod = {"Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}}
    folder = write(
        parent={
            "Conditions": {"Prod": {"Fn::Equals": ["a", "a"]}},
            "Resources": {"Child": nested("child.json", {"Stage": {"Fn::If": ["Prod", "prod", "test"]}})},
        },
        child={
            "Parameters": {"Stage": {"Type": "String"}},
            "Conditions": prod,
            "Resources": {"Red": thing("red", Condition="Prod")},
        },
    )
    assert names(folder) == {"child.json: Red": "red"}


# Exports and imports


def test_exports_are_imported_across_templates(write: Write) -> None:
    folder = write(
        a=exporting({"Ref": "AWS::StackName"}, {"Fn::Sub": "${AWS::StackName}-color"}),
        b=template(Red=thing({"Fn::ImportValue": {"Fn::Join": ["-", ["a", "color"]]}})),
    )
    assert names(folder) == {"b.json: Red": "a"}


def test_imported_attribute_has_the_exporting_resource(write: Write) -> None:
    folder = write(a=exporting({"Fn::GetAtt": ["Blue", "Arn"]}) | template(Blue=RED), b=template(Red=thing(IMPORTED)))
    attribute = names(folder)["b.json: Red"]
    assert (attribute.resource.place, attribute.name) == ("a.json: Blue", "Arn")


def test_outputs_are_read_by_stack_and_name(write: Write) -> None:
    output = {"Fn::GetStackOutput": {"StackName": "a", "OutputName": "Color"}}
    folder = write(a=exporting("red"), b=template(Red=thing(output)))
    assert names(folder) == {"b.json: Red": "red"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param(
            {"a": template(Red=thing(IMPORTED))},
            "import 'color': no template exports it, got None (add the template that exports it, or give it with "
            "--set color=VALUE; exported: nothing; used once: a.json: Red.Name)",
            id="no-export",
        ),
        pytest.param(
            {"a": template(Red=thing(IMPORTED)), "b": exporting("red", "colour"), "c": exporting("red", "a")},
            "import 'color': no template exports it, got None (add the template that exports it, or give it with "
            "--set color=VALUE; exported: a, colour; used once: a.json: Red.Name)",
            id="other-exports",
        ),
        pytest.param(
            {"a": template(Red=thing(IMPORTED)), "b": exporting("red"), "c": exporting("blue")},
            "c.json: Outputs.Color.Export.Name: is exported twice, got 'color' (also by b.json: Outputs.Color)",
            id="exported-twice",
        ),
        pytest.param(
            {"a": template(Red=thing(IMPORTED)), "b": exporting(IMPORTED)},
            "b.json: Outputs.Color.Value: refers to itself, got 'output Color of b -> output Color of b' (remove the "
            "cycle)",
            id="imports-itself",
        ),
        pytest.param(
            {
                "a": exporting({"Fn::ImportValue": "b"}, "a"),
                "b": exporting({"Fn::ImportValue": "c"}, "b"),
                "c": exporting({"Fn::ImportValue": "a"}, "c") | template(Red=thing({"Fn::ImportValue": "a"})),
            },
            "c.json: Outputs.Color.Value: refers to itself, got 'output Color of a -> output Color of b -> output "
            "Color of c -> output Color of a' (remove the cycle)",
            id="circle-of-imports",
        ),
        pytest.param(
            {"a": template(Red=thing(IMPORTED)), "b": exporting("red", IMPORTED)},
            "b.json: Outputs.Color.Export.Name: refers to itself, got 'names of exports of b -> names of exports "
            "of b' (remove the cycle)",
            id="circle-of-names",
        ),
        pytest.param(
            {"a": template(Red=thing(IMPORTED)), "b": exporting("red", {"Ref": "AWS::Region"})},
            "pseudo parameter 'AWS::Region': has no value, got None (give it with --set AWS::Region=VALUE; used once: "
            "b.json: Outputs.Color.Export.Name)",
            id="unknown-name",
        ),
        pytest.param(
            {"a": template(Red=thing(IMPORTED)), "b": exporting(["red"])},
            "b.json: Outputs.Color.Value: is not text, got ['red'] (text)",
            id="list",
        ),
        pytest.param(
            {
                "a": template(Red=thing(IMPORTED)),
                "b": {"Outputs": {"Color": {"Export": {"Name": "color"}}}, **template()},
            },
            "a.json: Red.Name: unknown output of b.json, got 'Color' (known: none)",
            id="no-value",
        ),
    ],
)
def test_invalid_import_is_rejected(files: dict[str, Any], message: str, write: Write) -> None:
    assert refusal(write(**files)) == message


# Nested stacks

CHILD = {
    "Parameters": {"Color": {"Type": "String", "Default": "green"}},
    "Resources": {"Red": thing({"Ref": "Color"})},
    "Outputs": {"Name": {"Value": {"Fn::Sub": "${Red.Name}-${AWS::StackName}"}}},
}


def test_parameters_and_outputs_of_nested_stacks_are_evaluated(write: Write) -> None:
    folder = write(
        parent={
            "Parameters": {"Color": {"Type": "String", "Default": "red"}},
            "Resources": {
                "Child": nested("child.json", {"Color": {"Ref": "Color"}}),
                "Blue": thing({"Fn::GetAtt": ["Child", "Outputs.Name"]}),
            },
        },
        child=CHILD,
    )
    assert names(folder) == {"parent.json: Blue": "red-parent-Child", "child.json: Red": "red"}
    assert names(folder, Color="blue") == {"parent.json: Blue": "blue-parent-Child", "child.json: Red": "blue"}
    assert names(folder / "parent.json") == names(folder)
    assert read(folder).notes == ()


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(None, id="none"),
        pytest.param({}, id="empty"),
        pytest.param({"Color": {"Ref": "AWS::NoValue"}}, id="no-value"),
    ],
)
def test_parameters_of_a_nested_stack_have_defaults(parameters: Any, write: Write) -> None:
    folder = write(parent=template(Child=nested("child.json", parameters)), child=CHILD)
    assert names(folder) == {"child.json: Red": "green"}


def test_a_template_may_be_nested_twice(write: Write) -> None:
    folder = write(
        parent=template(A=nested("child.json", {"Color": "a"}), B=nested("child.json", {"Color": "b"})), child=CHILD
    )
    assert [each.property("Name") for each in read(folder).resources(THING)] == ["a", "b"]


def test_asset_path_of_the_cdk_is_the_nested_template(write: Write) -> None:
    child = nested("https://s3.eu-west-1.amazonaws.com/1", Metadata={"aws:asset:path": "nested/child.json"})
    folder = write(parent=template(Child=child), nested__child=CHILD)
    assert names(folder) == {"child.json: Red": "green"}


def test_nested_stack_may_have_nested_stacks(write: Write) -> None:
    folder = write(
        a=template(B=nested("b.json", {"Color": "red"})),
        b={
            "Parameters": {"Color": {"Type": "String"}},
            "Resources": {"C": nested("child.json", {"Color": {"Ref": "Color"}})},
        },
        child=CHILD,
    )
    assert names(folder) == {"child.json: Red": "red"}


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://s3.amazonaws.com/child.json", id="address"),
        pytest.param("other.json", id="no-file"),
        pytest.param(".", id="folder"),
        pytest.param("a" * 300, id="long"),
        pytest.param("a\0", id="null"),
        pytest.param({"Fn::Sub": "https://${Bucket}"}, id="function"),
        pytest.param(1, id="number"),
    ],
)
def test_missing_template_of_a_nested_stack_is_noted(url: Any, write: Write) -> None:
    folder = write(parent=template(Child=nested(url), Red=RED))
    assert names(folder) == {"parent.json: Red": "red"}
    assert read(folder).notes == ("parent.json: the template of nested stack Child was not found",)


def doubling(levels: int) -> dict[str, Any]:
    files = {f"s{n}": template(A=nested(f"s{n + 1}.json"), B=nested(f"s{n + 1}.json")) for n in range(levels)}
    return {**files, f"s{levels}": template(Red=RED)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param(
            {"a": template(A=nested("a.json"))},
            "a.json: is nested in itself, got 'a.json' (nest another template)",
            id="itself",
        ),
        pytest.param(
            {"a": template(A=nested("b.json")), "b": template(A=nested("a.json"))},
            "b.json: is nested in itself, got 'a.json' (nest another template)",
            id="circle",
        ),
        pytest.param(
            doubling(20), "s0.json: has too many nested stacks, got 'more than 200' (nest fewer)", id="doubling"
        ),
        pytest.param(
            {"a": template(A=nested("b.json")), "b": template(Red=thing({"Ref": "Nowhere"}))},
            "b.json: Red.Name: unknown parameter or resource, got 'Nowhere' (known: Red)",
            id="broken-child",
        ),
        pytest.param(
            {"a": template(A=nested("b.json"), Red=thing({"Fn::GetAtt": ["A", "Outputs.Color"]})), "b": template()},
            "a.json: Red.Name: unknown output of b.json, got 'Color' (known: none)",
            id="unknown-output",
        ),
        pytest.param(
            {
                "a": template(A=nested("b.json"), Red=thing({"Fn::GetAtt": ["A", "Outputs.Color"]})),
                "b": {**exporting("red", Condition="Never"), "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}},
            },
            "a.json: Red.Name: is an output that is not deployed, got 'Color' (its condition is false: refer to "
            "it under "
            "the same condition)",
            id="output-not-there",
        ),
        pytest.param(
            {
                "a": template(A=nested("b.json", {"Color": {"Fn::GetAtt": ["A", "Outputs.Color"]}})),
                "b": {
                    **exporting({"Ref": "Color"}),
                    "Parameters": {"Color": {"Type": "String"}},
                    "Resources": {"Red": thing({"Ref": "Color"})},
                },
            },
            "b.json: Outputs.Color.Value: refers to itself, got 'parameter Color of a-A -> output Color of a-A -> "
            "parameter Color of a-A' (remove the cycle)",
            id="circle-of-outputs",
        ),
        pytest.param(
            {
                "a": template(A=nested("b.json")),
                "b": {
                    "Parameters": {"Color": {"Type": "String"}},
                    "Resources": {"Red": thing({"Ref": "Color"})},
                },
            },
            "parameter 'Color': has no value, got None (give it with --set Color=VALUE; used once: b.json: Red.Name)",
            id="parameter-not-passed",
        ),
    ],
)
def test_invalid_nested_stack_is_rejected(files: dict[str, Any], message: str, write: Write) -> None:
    assert refusal(write(**files)) == message


# Cloud assemblies


def artifact(file: str, **more: Any) -> Template:
    properties = {"templateFile": f"{file}.json", **more.pop("properties", {})}
    return {"type": "aws:cloudformation:stack", "properties": properties, **more}


PLACED = template(Red=thing({"Fn::Sub": "${AWS::StackName} ${AWS::AccountId} ${AWS::Region}"}))


def test_environments_of_an_assembly_are_read(write: Write) -> None:
    environment = "aws://111122223333/eu-west-1"
    folder = write(
        manifest={"artifacts": {"A": artifact("red", environment=environment, properties={"stackName": "Colors"})}},
        red=PLACED,
        other=template(Blue=RED),
    )
    assert names(folder) == {"red.json: Red": "Colors 111122223333 eu-west-1"}


@pytest.mark.parametrize("environment", ["aws://unknown-account/unknown-region", "", "aws://"])
def test_unknown_environment_of_an_assembly_must_be_given(environment: str, write: Write) -> None:
    folder = write(manifest={"artifacts": {"A": artifact("red", environment=environment)}}, red=PLACED)
    known = {"AWS__AccountId": "1", "AWS__Region": "eu-west-1"}
    assert names(folder, **known) == {"red.json: Red": "red 1 eu-west-1"}
    assert refusal(folder, AWS__Region="eu-west-1") == (
        "pseudo parameter 'AWS::AccountId': has no value, got None (give it with --set AWS::AccountId=VALUE; "
        "used once: red.json: Red.Name)"
    )


def test_stages_and_parameters_of_an_assembly_are_read(write: Write) -> None:
    colored = {"Parameters": {"Color": {"Type": "String"}}, "Resources": {"Red": thing({"Ref": "Color"})}}
    folder = write(
        manifest={
            "artifacts": {
                "assembly-Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}},
                "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
                "A": artifact("red", properties={"parameters": {"Color": "blue"}}),
            }
        },
        red=colored,
        **{
            "assembly-Prod__manifest": {
                "artifacts": {"B": artifact("blue", properties={"parameters": {"Color": "red"}})}
            },
            "assembly-Prod__blue": colored,
        },
    )
    assert names(folder) == {"blue.json: Red": "red", "red.json: Red": "blue"}


STACK = "aws:cloudformation:stack"


@pytest.mark.parametrize("manifest", [{"name": "website"}, []])
def test_folder_with_a_manifest_of_another_program_is_a_folder(manifest: Any, write: Write) -> None:
    assert names(write(manifest=manifest, red=template(Red=RED))) == {"red.json: Red": "red"}


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        pytest.param(
            {"artifacts": {}},
            "{}: has no template and no JSON of the AWS CLI or Terraform, got 'no resource' (a cloud assembly such as "
            "cdk.out, templates, JSON of the AWS CLI, a Terraform state, or a folder of them)",
            id="empty",
        ),
        pytest.param(
            {"artifacts": []}, "{}/manifest.json: artifacts: is not an object, got [] (keys and values)", id="artifacts"
        ),
        pytest.param(
            {"artifacts": {"A": 1}},
            "{}/manifest.json: artifacts.A: is not an object, got 1 (keys and values)",
            id="artifact",
        ),
        pytest.param(
            {"artifacts": {"A": {"type": STACK, "properties": "a"}}},
            "{}/manifest.json: artifacts.A.properties: is not an object, got 'a' (keys and values)",
            id="properties",
        ),
        pytest.param(
            {"artifacts": {"A": {"type": STACK}}},
            "{}/manifest.json: artifacts.A.properties.templateFile: is not text, got None (text, which is required)",
            id="no-file",
        ),
        pytest.param(
            {"artifacts": {"A": artifact("nowhere")}},
            "{}/nowhere.json: cannot be read, got 'No such file or directory' (give an existing file or folder)",
            id="file-not-there",
        ),
        pytest.param(
            {"artifacts": {"A": artifact("red", properties={"parameters": ["a"]})}},
            "{}/manifest.json: artifacts.A.properties.parameters: is not an object, got ['a'] (keys and values)",
            id="parameters",
        ),
        pytest.param(
            {"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": 1}}}},
            "{}/manifest.json: artifacts.A.properties.directoryName: is not text, got 1 (text, which is required)",
            id="directory",
        ),
        pytest.param(
            {"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "nowhere"}}}},
            "{}/nowhere/manifest.json: cannot be read, got 'No such file or directory' (give an existing file or "
            "folder)",
            id="directory-not-there",
        ),
        pytest.param(
            {"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "\0"}}}},
            "{}/\\x00/manifest.json: cannot be read, got 'embedded null byte' (give an existing file or folder)",
            id="invalid-directory",
        ),
        pytest.param(
            {"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}}},
            "{}/manifest.json: is nested in itself, got '{}' (nest another cloud assembly)",
            id="directory-in-itself",
        ),
    ],
)
def test_invalid_manifest_is_rejected(manifest: Any, message: str, write: Write) -> None:
    folder = write(manifest=manifest, red=PLACED)
    assert refusal(folder) == message.replace("{}", str(folder))


# Invalid templates


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        pytest.param(
            {"Resources": [1]}, "a.json: Resources: is not an object, got [1] (keys and values)", id="resources"
        ),
        pytest.param({"Resources": None}, "a.json: Resources: is not an object, got None (keys and values)", id="null"),
        pytest.param(template(Red="a"), "a.json: Red: is not an object, got 'a' (keys and values)", id="resource"),
        pytest.param(
            template(Red={}), "a.json: Red.Type: is not text, got None (text, which is required)", id="no-type"
        ),
        pytest.param(
            template(Red={"Type": 1}), "a.json: Red.Type: is not text, got 1 (text, which is required)", id="type"
        ),
        pytest.param(
            template(Red={"Type": "a", "Properties": []}),
            "a.json: Red.Properties: is not an object, got [] (keys and values)",
            id="properties",
        ),
        pytest.param(
            template(Red={"Type": "a", "Metadata": "a"}),
            "a.json: Red.Metadata: is not an object, got 'a' (keys and values)",
            id="metadata",
        ),
        pytest.param(
            template(Red=thing("a", Condition=["a"])),
            "a.json: Red.Condition: unknown condition, got ['a'] (known: none)",
            id="condition",
        ),
        pytest.param(
            template() | {"Outputs": []}, "a.json: Outputs: is not an object, got [] (keys and values)", id="outputs"
        ),
        pytest.param(
            template() | {"Outputs": {"A": "a"}},
            "a.json: Outputs.A: is not an object, got 'a' (keys and values)",
            id="output",
        ),
        pytest.param(
            template() | {"Parameters": {"A": "a"}},
            "a.json: Parameters.A: is not an object, got 'a' (keys and values)",
            id="parameter",
        ),
        pytest.param(
            template() | {"Mappings": {"A": "a"}},
            "a.json: Mappings.A: is not an object, got 'a' (keys and values)",
            id="mapping",
        ),
        pytest.param(
            template() | {"Conditions": {"A": True}},
            "a.json: Conditions.A: is not an object, got True (keys and values)",
            id="conditions",
        ),
    ],
)
def test_invalid_template_is_rejected(broken: Template, message: str, write: Write) -> None:
    assert refusal(write(a=broken)) == message


@pytest.mark.parametrize(
    ("files", "name"),
    [
        pytest.param({}, "", id="empty-folder"),
        pytest.param({"a": {"b": 1}}, "", id="folder-of-others"),
        pytest.param({"a": {"b": 1}}, "a.json", id="other-file"),
    ],
)
def test_path_without_resources_is_rejected(files: dict[str, Any], name: str, write: Write) -> None:
    path = write(**files) / name
    assert refusal(path) == (
        f"{path}: has no template and no JSON of the AWS CLI or Terraform, got 'no resource' (a cloud assembly such as "
        "cdk.out, templates, JSON of the AWS CLI, a Terraform state, or a folder of them)"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.amazonaws.com/bucket/stacks/child.json?versionId=1",
        {"Fn::Sub": "https://${Bucket}.s3.${AWS::URLSuffix}/${Prefix}stacks/child.json"},
        {"Fn::Sub": ["${Url}/child.json", {"Url": {"Ref": "Url"}}]},
        {"Fn::Join": ["/", [{"Ref": "Url"}, "stacks", "child.json"]]},
    ],
)
def test_nested_template_is_found_by_the_end_of_its_url(url: Any, write: Write) -> None:
    path = write(parent=template(Child=nested(url)), child=template(Thing=thing("red")))
    assert names(path / "parent.json") == {"child.json: Thing": "red"}


@pytest.mark.parametrize(
    "url", [{"Fn::Sub": "https://bucket/${Name}"}, {"Ref": "Url"}, "https://bucket/../child.json/"]
)
def test_nested_template_without_a_known_end_of_its_url_is_a_note(url: Any, write: Write) -> None:
    path = write(parent=template(Child=nested(url), Thing=thing("red")), child=template(Other=thing("blue")))
    assert read(path / "parent.json").notes == ("parent.json: the template of nested stack Child was not found",)
