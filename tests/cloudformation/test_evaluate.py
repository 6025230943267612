"""Evaluation of intrinsic functions and references, and the messages when it fails."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cloudformation import Attribute, Resource, read_templates
from color_mesh.model import MeshError

Evaluate = Callable[..., Any]

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Color": {"Type": "String", "Default": "red"},
        "Port": {"Type": "Number", "Default": 80},
        "Flag": {"Type": "String", "Default": True, "AllowedValues": [True, False]},
        "Colors": {"Type": "CommaDelimitedList", "Default": "red, blue,green"},
        "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
        "Size": {"Type": "String", "AllowedValues": ["small", "large"]},
        "Sizes": {"Type": "CommaDelimitedList", "AllowedValues": ["small", "large"]},
        "Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/colors/image"},
        "Images": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/colors/images"},
        "Secret": {"Type": "AWS::SSM::Parameter::Name", "Default": "/colors/secret"},
        "Nothing": {"Type": "String"},
        "Odd": {"Type": "String", "Default": {"a": 1}},
    },
    "Mappings": {"Ports": {"red": {"http": 80, "all": [80, 443], "odd": {"a": 1}}, "broken": 1}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Color"}, "red"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Circle": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "Square"}]},
        "Square": {"Fn::Or": [{"Condition": "No"}, {"Condition": "Circle"}]},
        "Text": {"Fn::If": ["Yes", "a", "b"]},
    },
    "Resources": {
        "Named": {"Type": "Any::Thing", "Properties": {"Name": {"Fn::Sub": "${Color}-thing"}}},
        "Nameless": {"Type": "Any::Thing"},
        "NoName": {"Type": "Any::Thing", "Properties": {"Name": {"Ref": "AWS::NoValue"}}},
        "Loop": {"Type": "Any::Thing", "Properties": {"Name": {"Fn::GetAtt": ["Loop", "Name"]}}},
        "Listed": {"Type": "Any::Thing", "Properties": {"Name": ["a"]}},
        "Nested": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://s3/elsewhere.json"}},
    },
}


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    """Return a function that evaluates a value as a property of a resource."""

    def evaluate(value: Any, **values: str) -> Any:
        subject = {"Type": "The::Subject", "Properties": {"At": value}}
        path = tmp_path / "stack.json"
        path.write_text(json.dumps({**TEMPLATE, "Resources": {**TEMPLATE["Resources"], "Subject": subject}}))
        named = {name.replace("__", "::").replace("_", "."): value for name, value in values.items()}
        templates = read_templates([path], values=named, known_attributes={("Any::Thing", "Name"): "Name"})
        (resource,) = templates.resources("The::Subject")
        return resource.properties().get("At")

    return evaluate


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("text", "text", id="text"),
        pytest.param({"a": [1, 2.5, True, None]}, {"a": [1, 2.5, True, None]}, id="plain-values"),
        pytest.param({"Ref": "a", "b": 1}, {"Ref": "a", "b": 1}, id="two-keys-are-no-function"),
        pytest.param({"Ref": "Color"}, "red", id="ref-parameter"),
        pytest.param({"Ref": "Port"}, 80, id="ref-number"),
        pytest.param({"Ref": "Colors"}, ["red", "blue", "green"], id="ref-list"),
        pytest.param({"Ref": "Secret"}, "/colors/secret", id="ref-ssm-name"),
        pytest.param({"Ref": "AWS::Partition"}, "aws", id="ref-partition"),
        pytest.param({"Ref": "AWS::URLSuffix"}, "amazonaws.com", id="ref-url-suffix"),
        pytest.param({"Ref": "AWS::StackName"}, "stack", id="ref-stack-name"),
        pytest.param({"Ref": "AWS::NotificationARNs"}, [], id="ref-notification-arns"),
        pytest.param({"Ref": "AWS::NoValue"}, None, id="ref-no-value"),
        pytest.param({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}, id="no-value-in-object"),
        pytest.param([{"Ref": "AWS::NoValue"}, 1], [1], id="no-value-in-list"),
        pytest.param({"Fn::GetAtt": ["Named", "Name"]}, "red-thing", id="get-att"),
        pytest.param({"Fn::GetAtt": "Named.Name"}, "red-thing", id="get-att-dotted"),
        pytest.param({"Fn::GetAtt": ["Named", {"Fn::Sub": "Name"}]}, "red-thing", id="get-att-of-worked-out-name"),
        pytest.param({"Fn::GetAtt": ["Nameless", "Name"]}, "stack-Nameless", id="get-att-generated"),
        pytest.param({"Fn::GetAtt": ["NoName", "Name"]}, "stack-NoName", id="get-att-no-value"),
        pytest.param({"Fn::Sub": "a ${Color} ${ Port }"}, "a red 80", id="sub"),
        pytest.param({"Fn::Sub": "${!Color} ${Flag}"}, "${Color} true", id="sub-literal"),
        pytest.param({"Fn::Sub": "${Named.Name}"}, "red-thing", id="sub-get-att"),
        pytest.param({"Fn::Sub": "${AWS::Partition}"}, "aws", id="sub-pseudo"),
        pytest.param({"Fn::Sub": ["${a}${Color}", {"a": {"Ref": "Port"}}]}, "80red", id="sub-variables"),
        pytest.param({"Fn::Sub": ["${Color}", {"Color": "blue"}]}, "blue", id="sub-variable-before-parameter"),
        pytest.param({"Fn::Sub": "no variable"}, "no variable", id="sub-nothing"),
        pytest.param({"Fn::Join": ["-", ["a", {"Ref": "Port"}, True]]}, "a-80-true", id="join"),
        pytest.param({"Fn::Join": ["", []]}, "", id="join-nothing"),
        pytest.param({"Fn::Join": [",", {"Ref": "Colors"}]}, "red,blue,green", id="join-list-parameter"),
        pytest.param({"Fn::Select": [1, ["a", "b"]]}, "b", id="select"),
        pytest.param({"Fn::Select": ["0", {"Ref": "Colors"}]}, "red", id="select-text-index"),
        pytest.param({"Fn::Select": [2, {"Fn::Split": ["|", "a|b|c"]}]}, "c", id="select-of-split"),
        pytest.param({"Fn::Split": ["-", {"Fn::GetAtt": ["Named", "Name"]}]}, ["red", "thing"], id="split"),
        pytest.param({"Fn::If": ["Yes", 1, 2]}, 1, id="if"),
        pytest.param({"Fn::If": ["No", 1, 2]}, 2, id="if-not"),
        pytest.param({"Fn::If": ["Yes", 1, {"Ref": "Nowhere"}]}, 1, id="if-looks-at-one-value-only"),
        pytest.param({"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, None, id="if-no-value"),
        pytest.param({"Fn::Equals": ["a", "a"]}, True, id="equals"),
        pytest.param({"Fn::Equals": [80, "80"]}, True, id="equals-number-as-text"),
        pytest.param({"Fn::Equals": [True, "true"]}, True, id="equals-truth-as-text"),
        pytest.param({"Fn::Equals": ["a", "A"]}, False, id="equals-not"),
        pytest.param({"Fn::Equals": [["a"], ["a"]]}, True, id="equals-lists"),
        pytest.param({"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]}, False, id="and"),
        pytest.param({"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]}, True, id="or"),
        pytest.param({"Fn::Not": [{"Condition": "No"}]}, True, id="not"),
        pytest.param({"Condition": "Yes"}, True, id="condition"),
        pytest.param({"Fn::FindInMap": ["Ports", "red", "http"]}, 80, id="find-in-map"),
        pytest.param({"Fn::FindInMap": ["Ports", {"Ref": "Color"}, "all"]}, [80, 443], id="find-in-map-by-parameter"),
        pytest.param(
            {"Fn::FindInMap": ["Ports", "blue", "http", {"DefaultValue": {"Ref": "Port"}}]},
            80,
            id="find-in-map-default",
        ),
        pytest.param({"Fn::Base64": {"Ref": "Color"}}, "cmVk", id="base64"),
        pytest.param({"Fn::Length": {"Ref": "Colors"}}, 3, id="length"),
        pytest.param({"Fn::ToJsonString": {"a": [{"Ref": "Color"}, 1]}}, '{"a":["red",1]}', id="to-json-string"),
    ],
)
def test_value_is_evaluated(value: Any, expected: Any, evaluate: Evaluate) -> None:
    assert evaluate(value) == expected


@pytest.mark.parametrize(
    ("value", "given", "expected"),
    [
        pytest.param({"Ref": "Color"}, {"Color": "blue"}, "blue", id="parameter"),
        pytest.param({"Ref": "Colors"}, {"Colors": "a ,b"}, ["a", "b"], id="list"),
        pytest.param({"Ref": "Subnets"}, {"Subnets": "subnet-1,subnet-2"}, ["subnet-1", "subnet-2"], id="typed-list"),
        pytest.param({"Ref": "Size"}, {"Size": "large"}, "large", id="allowed"),
        pytest.param({"Ref": "Sizes"}, {"Sizes": "large,small"}, ["large", "small"], id="allowed-list"),
        pytest.param({"Ref": "Flag"}, {"Flag": "false"}, "false", id="allowed-truth-value"),
        pytest.param({"Ref": "Image"}, {"Image": "envoy:1"}, "envoy:1", id="ssm"),
        pytest.param({"Ref": "Images"}, {"Images": "envoy:1,envoy:2"}, ["envoy:1", "envoy:2"], id="ssm-list"),
        pytest.param({"Ref": "AWS::Region"}, {"AWS__Region": "eu-west-1"}, "eu-west-1", id="pseudo-parameter"),
        pytest.param({"Ref": "AWS::Partition"}, {"AWS__Partition": "aws-cn"}, "aws-cn", id="known-pseudo-parameter"),
        pytest.param({"Fn::GetAtt": ["Named", "Arn"]}, {"Named_Arn": "arn:1"}, "arn:1", id="attribute"),
        pytest.param({"Fn::GetAtt": ["Named", "Name"]}, {"Named_Name": "other"}, "other", id="known-attribute"),
        pytest.param({"Ref": "Named"}, {"Named_Ref": "id-1"}, "id-1", id="reference"),
        pytest.param({"Fn::Sub": "${Named.Arn}/*"}, {"Named_Arn": "arn:1"}, "arn:1/*", id="attribute-in-text"),
        pytest.param(
            {"Fn::GetAtt": ["Nested", "Outputs.Name"]}, {"Nested_Outputs_Name": "a"}, "a", id="output-of-nested-stack"
        ),
    ],
)
def test_value_of_the_user_is_used(value: Any, given: dict[str, str], expected: Any, evaluate: Evaluate) -> None:
    assert evaluate(value, **given) == expected


@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param({"Ref": "Named"}, "Ref", id="ref"),
        pytest.param({"Fn::GetAtt": ["Named", "Arn"]}, "Arn", id="get-att"),
        pytest.param({"Fn::GetAtt": "Named.Endpoint.Address"}, "Endpoint.Address", id="dotted-attribute"),
        pytest.param({"Fn::If": ["Yes", {"Ref": "Named"}, ""]}, "Ref", id="if"),
        pytest.param({"Fn::Select": [0, [{"Ref": "Named"}]]}, "Ref", id="select"),
    ],
)
def test_value_known_only_at_deployment_is_an_attribute(value: Any, name: str, evaluate: Evaluate) -> None:
    expected = evaluate(value)
    assert isinstance(expected, Attribute)
    assert isinstance(expected.resource, Resource)
    assert (expected.resource.logical_id, expected.resource.type, expected.name) == ("Named", "Any::Thing", name)


AT = "stack.json: Subject.At"
PARAMETERS = "Color, Colors, Flag, Image, Images, Nothing, Odd, Port, Secret, Size, Sizes, Subnets"
RESOURCES = "Listed, Loop, Named, Nameless, Nested, NoName, Subject"
NAMES = (
    "Color, Colors, Flag, Image, Images, Listed, Loop, Named, Nameless, Nested, NoName, Nothing, Odd, Port, Secret, "
    "Size, Sizes, Subject, Subnets"
)
CONDITIONS = "Circle, No, Square, Text, Yes"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(
            {"Ref": "Nowhere"}, f"{AT}: unknown parameter or resource, got 'Nowhere' (known: {NAMES})", id="ref-unknown"
        ),
        pytest.param(
            {"Ref": ["Color"]},
            f"{AT}: Ref has wrong arguments, got ['Color'] (the name of a parameter or resource)",
            id="ref-list",
        ),
        pytest.param(
            {"Ref": "AWS::Region"},
            "pseudo parameter 'AWS::Region': has no value, got None (give it with --set AWS::Region=VALUE; used once: "
            f"{AT})",
            id="ref-pseudo-unknown",
        ),
        pytest.param(
            {"Ref": "Nothing"},
            f"parameter 'Nothing': has no value, got None (give it with --set Nothing=VALUE; used once: {AT})",
            id="parameter-without-value",
        ),
        pytest.param(
            {"Ref": "Image"},
            f"parameter 'Image': has no value, got None (give it with --set Image=VALUE; used once: {AT})",
            id="ssm-parameter",
        ),
        pytest.param(
            {"Ref": "Odd"}, f"{AT}: parameter Odd has a wrong value, got {{'a': 1}} (text or a list of text)", id="odd"
        ),
        pytest.param(
            {"Fn::GetAtt": ["Nowhere", "Arn"]},
            f"{AT}: unknown resource, got 'Nowhere' (known: {RESOURCES})",
            id="get-att-unknown",
        ),
        pytest.param(
            {"Fn::GetAtt": "Named"},
            f"{AT}: Fn::GetAtt has wrong arguments, got 'Named' (a logical id and an attribute)",
            id="get-att-without-attribute",
        ),
        pytest.param(
            {"Fn::GetAtt": [{"Ref": "Color"}, "Arn"]},
            f"{AT}: Fn::GetAtt has wrong arguments, got [{{'Ref': 'Color'}}, 'Arn'] (a logical id and an attribute)",
            id="get-att-of-function",
        ),
        pytest.param(
            {"Fn::GetAtt": ["Named", ["Arn"]]},
            f"{AT}: is not text, got ['Arn'] (text where the function needs it)",
            id="get-att-list",
        ),
        pytest.param(
            {"Fn::GetAtt": ["Loop", "Name"]},
            "stack.json: Loop.Name: refers to itself, got 'Loop.Name of stack -> Loop.Name of stack' (remove the "
            "cycle)",
            id="get-att-circle",
        ),
        pytest.param(
            {"Fn::GetAtt": ["Listed", "Name"]}, "stack.json: Listed.Name: is not text, got ['a'] (text)", id="name-list"
        ),
        pytest.param(
            {"Fn::GetAtt": ["Nested", "Outputs.Name"]},
            f"{AT}: is an output of a nested stack whose template was not found, got 'Nested' (give its template "
            f"as well: a "
            "file beside its parent, or the folder that the CDK wrote)",
            id="nested-stack-not-at-hand",
        ),
        pytest.param(
            {"Fn::Sub": "${Named.Arn}"},
            f"{AT}: is known only at deployment, got 'Named.Arn' (give it with --set Named.Arn=VALUE)",
            id="sub-unknown-attribute",
        ),
        pytest.param(
            {"Fn::Sub": "${Nowhere}"}, f"{AT}: unknown parameter or resource, got 'Nowhere' (known: {NAMES})", id="sub"
        ),
        pytest.param(
            {"Fn::Sub": {"a": 1}},
            f"{AT}: Fn::Sub has wrong arguments, got {{'a': 1}} (text and the values of its variables)",
            id="sub-object",
        ),
        pytest.param(
            {"Fn::Sub": ["${a}", ["a"]]},
            f"{AT}: Fn::Sub has wrong arguments, got ['${{a}}', ['a']] (text and the values of its variables)",
            id="sub-list",
        ),
        pytest.param(
            {"Fn::Sub": ["${a}", {"a": {"Ref": "AWS::NoValue"}}]},
            f"{AT}: is not text, got AWS::NoValue (text where the function needs it)",
            id="sub-no-value",
        ),
        pytest.param(
            {"Fn::Join": ["-"]},
            f"{AT}: Fn::Join has wrong arguments, got ['-'] (a separator and a list)",
            id="join-one",
        ),
        pytest.param(
            {"Fn::Join": [["-"], ["a"]]},
            f"{AT}: Fn::Join has wrong arguments, got [['-'], ['a']] (a separator and a list)",
            id="join-separator",
        ),
        pytest.param(
            {"Fn::Join": ["-", "a"]},
            f"{AT}: is not a list, got 'a' (a list where the function needs it)",
            id="join-text",
        ),
        pytest.param(
            {"Fn::Join": ["-", {"Ref": "Named"}]},
            f"{AT}: is known only at deployment, got 'Named.Ref' (give it with --set Named.Ref=VALUE)",
            id="join-unknown-list",
        ),
        pytest.param(
            {"Fn::Join": ["-", [{"a": 1}]]},
            f"{AT}: is not text, got {{'a': 1}} (text where the function needs it)",
            id="join-object",
        ),
        pytest.param(
            {"Fn::Select": [2, ["a", "b"]]},
            f"{AT}: Fn::Select has no such item, got '2' (the list has 2)",
            id="select-beyond",
        ),
        pytest.param(
            {"Fn::Select": [-1, ["a"]]},
            f"{AT}: Fn::Select has no such item, got '-1' (the list has 1)",
            id="select-negative",
        ),
        pytest.param(
            {"Fn::Select": ["²", ["a", "b", "c"]]},
            f"{AT}: Fn::Select has no such item, got '²' (the list has 3)",
            id="select-superscript",
        ),
        pytest.param(
            {"Fn::Select": [0, []]}, f"{AT}: Fn::Select has no such item, got '0' (the list has 0)", id="select-empty"
        ),
        pytest.param(
            {"Fn::Split": ["", "abc"]},
            f"{AT}: Fn::Split has wrong arguments, got ['', 'abc'] (a separator that is not empty)",
            id="split-by-nothing",
        ),
        pytest.param(
            {"Fn::If": ["Yes", 1]},
            f"{AT}: Fn::If has wrong arguments, got ['Yes', 1] (a condition and two values)",
            id="if-two",
        ),
        pytest.param(
            {"Fn::If": ["Maybe", 1, 2]}, f"{AT}: unknown condition, got 'Maybe' (known: {CONDITIONS})", id="if-unknown"
        ),
        pytest.param(
            {"Fn::If": [["Yes"], 1, 2]}, f"{AT}: unknown condition, got ['Yes'] (known: {CONDITIONS})", id="if-list"
        ),
        pytest.param(
            {"Fn::If": ["Circle", 1, 2]},
            "stack.json: Conditions.Square: refers to itself, got 'condition Circle of stack -> condition Square of "
            "stack -> condition Circle of stack' (remove the cycle)",
            id="condition-circle",
        ),
        pytest.param(
            {"Fn::If": ["Text", 1, 2]},
            "stack.json: Conditions.Text: is not a condition, got 'a' (Fn::Equals, Fn::And, Fn::Or, Fn::Not or a "
            "Condition)",
            id="condition-of-text",
        ),
        pytest.param(
            {"Fn::Equals": [{"Ref": "Named"}, "a"]},
            f"{AT}: is known only at deployment, got 'Named.Ref' (give it with --set Named.Ref=VALUE)",
            id="equals-unknown",
        ),
        pytest.param(
            {"Fn::Equals": ["a"]}, f"{AT}: Fn::Equals has wrong arguments, got ['a'] (two values)", id="equals-one"
        ),
        pytest.param({"Fn::And": []}, f"{AT}: has no conditions, got [] (a list of conditions)", id="and-nothing"),
        pytest.param({"Fn::Or": "Yes"}, f"{AT}: has no conditions, got 'Yes' (a list of conditions)", id="or-text"),
        pytest.param(
            {"Fn::Not": [{"Condition": "Yes"}, {"Condition": "No"}]},
            f"{AT}: Fn::Not has wrong arguments, got [{{'Condition': 'Yes'}}, {{'Condition': 'No'}}] (a list of one "
            "condition)",
            id="not-two",
        ),
        pytest.param(
            {"Fn::FindInMap": ["Ports", "blue", "http"]},
            f"{AT}: is in no mapping, got ('Ports', 'blue', 'http') (a mapping of the template and keys of it)",
            id="find-in-map-unknown",
        ),
        pytest.param(
            {"Fn::FindInMap": ["Ports", "broken", "http"]},
            f"{AT}: is in no mapping, got ('Ports', 'broken', 'http') (a mapping of the template and keys of it)",
            id="find-in-map-broken",
        ),
        pytest.param(
            {"Fn::FindInMap": ["Ports", "red", "odd"]},
            f"{AT}: is in no mapping, got ('Ports', 'red', 'odd') (a mapping of the template and keys of it)",
            id="find-in-map-object",
        ),
        pytest.param(
            {"Fn::FindInMap": ["Ports", "blue", "http", 80]},
            f"{AT}: is in no mapping, got ('Ports', 'blue', 'http') (a mapping of the template and keys of it)",
            id="find-in-map-wrong-default",
        ),
        pytest.param(
            {"Fn::FindInMap": "Ports"},
            f"{AT}: Fn::FindInMap has wrong arguments, got 'Ports' (a mapping and two keys)",
            id="find-in-map-text",
        ),
        pytest.param(
            {"Fn::ImportValue": "elsewhere"},
            f"import 'elsewhere': no template exports it, got None (add the template that exports it, or give it with "
            f"--set elsewhere=VALUE; exported: nothing; used once: {AT})",
            id="import",
        ),
        pytest.param(
            {"Fn::GetStackOutput": {"StackName": "other", "OutputName": "a"}},
            f"{AT}: unknown stack, got 'other' (known: stack)",
            id="stack-output-of-unknown-stack",
        ),
        pytest.param(
            {"Fn::GetStackOutput": {"StackName": "stack", "OutputName": "a"}},
            f"{AT}: unknown output of stack.json, got 'a' (known: none)",
            id="unknown-stack-output",
        ),
        pytest.param(
            {"Fn::GetStackOutput": "stack"},
            f"{AT}: Fn::GetStackOutput has wrong arguments, got 'stack' (a StackName and an OutputName)",
            id="stack-output-text",
        ),
        pytest.param(
            {"Fn::ToJsonString": {"a": {"Fn::GetAtt": ["Named", "Arn"]}}},
            f"{AT}: is known only at deployment, got 'Named.Arn' (give it with --set Named.Arn=VALUE)",
            id="to-json-string-unknown",
        ),
        pytest.param(
            {"Fn::ToJsonString": {"Ref": "AWS::NoValue"}},
            f"{AT}: Fn::ToJsonString has wrong arguments, got AWS::NoValue (an object or a list)",
            id="to-json-string-nothing",
        ),
        pytest.param(
            {"Fn::Length": "abc"},
            f"{AT}: is not a list, got 'abc' (a list where the function needs it)",
            id="length-text",
        ),
        pytest.param(
            {"Fn::GetAZs": ""},
            f"{AT}: has an unsupported function, got 'Fn::GetAZs' (write its result)",
            id="other-function",
        ),
        pytest.param(
            "{{resolve:ssm:/colors/red:1}}",
            f"{AT}: is known only at deployment, got '{{{{resolve:ssm:/colors/red:1}}}}' (write the value itself)",
            id="dynamic-reference",
        ),
        pytest.param(
            {"Fn::Sub": "{{resolve:ssm:/${Color}}}"},
            f"{AT}: is known only at deployment, got '{{{{resolve:ssm:/red}}}}' (write the value itself)",
            id="made-dynamic-reference",
        ),
        pytest.param(
            [{"a": {"Ref": "One"}}, {"Ref": "One"}, {"Ref": "One"}, {"Fn::Length": 1}],
            f"{AT}[0].a: unknown parameter or resource, got 'One' (known: {NAMES})\n"
            f"{AT}[1]: unknown parameter or resource, got 'One' (known: {NAMES})\n"
            f"{AT}[2]: unknown parameter or resource, got 'One' (known: {NAMES})\n"
            f"{AT}[3]: is not a list, got 1 (a list where the function needs it)",
            id="every-place",
        ),
        pytest.param(
            {"Fn::Join": ["", [{"Fn::GetAtt": ["Listed", "Name"]}, {"Fn::GetAtt": ["Listed", "Name"]}]]},
            "stack.json: Listed.Name: is not text, got ['a'] (text)",
            id="one-cause-once",
        ),
    ],
)
def test_value_that_cannot_be_evaluated_is_rejected(value: Any, message: str, evaluate: Evaluate) -> None:
    with pytest.raises(MeshError) as caught:
        evaluate(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("parameter", "given", "message"),
    [
        pytest.param(
            "Size",
            "huge",
            f"{AT}: parameter Size has a value that is not allowed, got 'huge' (one of: ['small', 'large'])",
            id="text",
        ),
        pytest.param(
            "Sizes",
            "small,huge",
            f"{AT}: parameter Sizes has a value that is not allowed, got 'huge' (one of: ['small', 'large'])",
            id="list",
        ),
    ],
)
def test_parameter_value_that_is_not_allowed_is_rejected(
    parameter: str, given: str, message: str, evaluate: Evaluate
) -> None:
    with pytest.raises(MeshError) as caught:
        evaluate({"Ref": parameter}, **{parameter: given})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "Colour",
            f"value of 'Colour': matches nothing in the templates, got 'Colour' (parameters: {PARAMETERS})",
            id="parameter",
        ),
        pytest.param(
            "Nowhere_Arn",
            f"value of 'Nowhere.Arn': matches nothing in the templates, got 'Nowhere.Arn' (parameters: {PARAMETERS})",
            id="attribute",
        ),
        pytest.param(
            "Named",
            f"value of 'Named': matches nothing in the templates, got 'Named' (parameters: {PARAMETERS})",
            id="resource",
        ),
    ],
)
def test_value_that_matches_nothing_is_rejected(name: str, message: str, evaluate: Evaluate) -> None:
    with pytest.raises(MeshError) as caught:
        evaluate("a", **{name: "b"})
    assert str(caught.value) == message


def chain(links: int, link: Callable[[str], Any], last: Any) -> dict[str, Any]:
    """Return resources of which each refers to the name of the next."""
    names = {f"R{index}": link(f"R{index + 1}") for index in range(links)} | {f"R{links}": last}
    return {"Resources": {name: {"Type": "Any::Thing", "Properties": {"Name": value}} for name, value in names.items()}}


def name_of_first(tmp_path: Path, template: dict[str, Any]) -> Any:
    path = tmp_path / "stack.json"
    path.write_text(json.dumps(template))
    templates = read_templates([path], values={}, known_attributes={("Any::Thing", "Name"): "Name"})
    return templates.resources("Any::Thing")[0].property("Name")


def test_long_chain_of_references_is_evaluated(tmp_path: Path) -> None:
    template = chain(20, lambda name: {"Fn::Sub": f"${{{name}.Name}}!"}, "red")
    assert name_of_first(tmp_path, template) == "red" + 20 * "!"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param(
            chain(60, lambda name: {"Fn::Sub": f"${{{name}.Name}}{{{name}.Name}}" * 2}, "red"),
            "stack.json: R49.Name: is too deep, got 'more than 100 levels' (shorten the chain of references)",
            id="long-chain",
        ),
        pytest.param(
            chain(30, lambda name: {"Fn::Sub": f"${{{name}.Name}}${{{name}.Name}}"}, "red"),
            "stack.json: R10.Name: is too large when expanded, got 'more than 10000000 characters and items' "
            "(refer to fewer "
            "or smaller values)",
            id="doubling-text",
        ),
        pytest.param(
            chain(25, lambda name: {"Fn::Join": ["", 2 * [{"Fn::GetAtt": [name, "Name"]}]]}, ["no text"]),
            "stack.json: R25.Name: is not text, got ['no text'] (text)",
            id="doubling-errors",
        ),
        pytest.param(
            chain(
                1,
                lambda name: {"Fn::Sub": ["${a}" * 1000, {"a": "a" * 100_000}]},
                "red",
            ),
            "stack.json: R0.Name: is too large when expanded, got 'more than 10000000 characters and items' "
            "(refer to fewer "
            "or smaller values)",
            id="long-variable",
        ),
        pytest.param(
            chain(1, lambda name: {"Fn::Join": ["a" * 100_000, ["b"] * 1000]}, "red"),
            "stack.json: R0.Name: is too large when expanded, got 'more than 10000000 characters and items' "
            "(refer to fewer "
            "or smaller values)",
            id="long-separator",
        ),
    ],
)
def test_exponential_references_are_rejected(template: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(MeshError) as caught:
        name_of_first(tmp_path, template)
    assert str(caught.value) == message


def test_each_condition_is_evaluated_once(tmp_path: Path) -> None:
    conditions: dict[str, Any] = {f"C{index}": {"Fn::And": 2 * [{"Condition": f"C{index + 1}"}]} for index in range(30)}
    conditions["C30"] = {"Fn::Equals": ["a", "a"]}
    template = {"Conditions": conditions, **chain(0, str, {"Fn::If": ["C0", "red", "blue"]})}
    assert name_of_first(tmp_path, template) == "red"


def test_function_next_to_other_keys_is_rejected(evaluate: Evaluate) -> None:
    with pytest.raises(MeshError) as error:
        evaluate({"Fn::Transform": {"Name": "AWS::Include"}, "Name": "red"})
    assert str(error.value) == (
        "stack.json: Subject.At: has a function next to other keys, got ('Fn::Transform', 'Name') "
        "(a function must be the only key)"
    )


def test_unknown_pseudo_parameter_is_rejected(evaluate: Evaluate) -> None:
    with pytest.raises(MeshError) as error:
        evaluate({"Ref": "AWS::Regoin"})
    assert str(error.value) == (
        "stack.json: Subject.At: unknown pseudo parameter, got 'AWS::Regoin' (known: AWS::AccountId, AWS::NoValue, "
        "AWS::NotificationARNs, AWS::Partition, AWS::Region, AWS::StackId, AWS::StackName, AWS::URLSuffix)"
    )


@pytest.mark.parametrize("text", ["${" * 50_000, "{{resolve:" * 10_000, "${!" * 30_000, "${a" * 30_000])
def test_sub_with_many_open_braces_is_fast(evaluate: Evaluate, text: str) -> None:
    assert evaluate({"Fn::Sub": text}) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${!Color} ${Color}", "${Color} red"),
        ("${ Color }${Color}", "redred"),
        ("a}b${Color}c}", "a}bredc}"),
        ("$Color{}", "$Color{}"),
    ],
)
def test_variables_of_sub_end_at_the_first_brace(evaluate: Evaluate, text: str, expected: str) -> None:
    assert evaluate({"Fn::Sub": text}) == expected
