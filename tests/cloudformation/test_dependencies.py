"""Dependencies between the resources of a template."""

from typing import Any

import pytest

from color_mesh.cloudformation.dependencies import dependencies


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"Ref": "B"}, {"B": "P"}),
        ({"Fn::GetAtt": ["B", "Arn"]}, {"B": "P"}),
        ({"Fn::GetAtt": "B.Arn"}, {"B": "P"}),
        ({"Fn::Sub": "x-${B}-${B.Arn}-${!B}"}, {"B": "P"}),
        ({"Fn::Sub": ["${B}${C}", {"B": {"Ref": "D"}}]}, {"C": "P", "D": "P.B"}),
        ({"Fn::If": ["Condition", {"Ref": "B"}, {"Ref": "C"}]}, {"B": "P[1]", "C": "P[2]"}),
        ([{"Q": {"Fn::Join": ["", [{"Ref": "B"}]]}}], {"B": "P[0].Q[1][0]"}),
        ({"Ref": "AWS::Region"}, {}),
        ({"Ref": "Parameter"}, {}),
        ({"Fn::Sub": "${AWS::Region}"}, {}),
        ("B", {}),
    ],
)
def test_references_of_a_property(value: Any, found: dict[str, str]) -> None:
    resources = {"A": {"Properties": {"P": value}}, "B": {}, "C": {}, "D": {}}
    assert dependencies(resources) == {"A": found, "B": {}, "C": {}, "D": {}}


@pytest.mark.parametrize("depends_on", ["B", ["B", "unknown"]])
def test_depends_on_is_a_dependency(depends_on: Any) -> None:
    assert dependencies({"A": {"DependsOn": depends_on}, "B": {}})["A"] == {"B": "DependsOn"}
