"""``color-mesh analyze``: its formats, its exit status, and suppressed findings."""

import json
from pathlib import Path

import pytest

from color_mesh.analysis import SEVERITIES
from color_mesh.cli.arguments import parse
from color_mesh.cli.main import main

TEMPLATE = {
    "Resources": {
        "Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "shop"}},
        "Stock": {
            "Type": "AWS::AppMesh::VirtualNode",
            "Properties": {
                "MeshName": "shop",
                "VirtualNodeName": "stock",
                "Spec": {
                    "Listeners": [
                        {
                            "PortMapping": {"Port": 80, "Protocol": "http"},
                            "Timeout": {"HTTP": {"PerRequest": {"Unit": "s", "Value": 60}}},
                        }
                    ],
                    "ServiceDiscovery": {"DNS": {"Hostname": "stock.shop.local"}},
                },
            },
        },
        "StockService": {
            "Type": "AWS::AppMesh::VirtualService",
            "Properties": {
                "MeshName": "shop",
                "VirtualServiceName": "stock.shop.local",
                "Spec": {"Provider": {"VirtualNode": {"VirtualNodeName": "stock"}}},
            },
        },
        "Caller": {
            "Type": "AWS::AppMesh::VirtualNode",
            "Properties": {
                "MeshName": "shop",
                "VirtualNodeName": "caller",
                "Spec": {"Backends": [{"VirtualService": {"VirtualServiceName": "stock.shop.local"}}]},
            },
        },
    }
}
ID = "request-timeout-cut-short"
PROPERTY = "Spec.Listeners[0].Timeout.HTTP.PerRequest"
TEXT = "the request timeout is 60 s, but callers end requests after 15 s"
FIX = "provide the service by a virtual router, and set the request timeout of its route too"


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(TEMPLATE))
    return str(path)


def test_finding_has_its_place_text_and_fix(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", template]) == 0
    assert capsys.readouterr().out == (
        f"warning {ID}: shop.json: Stock (virtual node 'stock') {PROPERTY}\n  {TEXT}\n  fix: {FIX}\n1 warning\n"
    )


@pytest.mark.parametrize(("severity", "status"), [("error", 0), ("warning", 1), ("note", 1)])
def test_exit_status_is_1_for_findings_of_the_severity(severity: str, status: int, template: str) -> None:
    assert main(["analyze", template, "--severity", severity]) == status


def test_severities_are_those_of_the_rules() -> None:
    assert [parse(["analyze", "x", "--severity", each]).severity for each in SEVERITIES] == list(SEVERITIES)


def test_json_has_every_part_of_a_finding(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["analyze", template, "--format", "json"])
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": ID,
            "severity": "warning",
            "file": "shop.json",
            "resource": "Stock",
            "subject": "virtual node 'stock'",
            "property": PROPERTY,
            "text": TEXT,
            "fix": FIX,
            "page": f"docs/findings/{ID}.md",
            "suppressed": None,
        }
    ]


def test_sarif_has_the_rule_and_the_place(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["analyze", template, "--format", "sarif", "--suppress", f"{ID}=short requests only"])
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    (result,) = run["results"]
    assert ID in [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert (result["ruleId"], result["level"]) == (ID, "warning")
    assert result["message"]["text"] == f"virtual node 'stock': {TEXT} ({FIX})"
    assert result["locations"] == [
        {
            "logicalLocations": [{"fullyQualifiedName": f"Stock.{PROPERTY}", "kind": "resource"}],
            "physicalLocation": {"artifactLocation": {"uri": "shop.json"}},
        }
    ]
    assert result["suppressions"] == [{"kind": "external", "justification": "short requests only"}]


def test_suppressed_finding_does_not_count(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", template, "--severity", "note", "--suppress", f"{ID}=short requests only"]) == 0
    assert capsys.readouterr().out == "no findings (1 suppressed)\n"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (ID, f"--suppress: not ID=REASON, got '{ID}' (such as --suppress"),
        (f"{ID}= ", f"--suppress: not ID=REASON, got '{ID}= ' (such as --suppress"),
        ("no-such-rule=because", "--suppress: unknown id, got 'no-such-rule' (known: "),
    ],
)
def test_suppression_needs_a_known_id_and_a_reason(
    option: str, message: str, template: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", template, "--suppress", option]) == 1
    assert message in capsys.readouterr().err
