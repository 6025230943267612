"""The example `existing_service`: what `attach` changes in an app that exists."""

import re
from pathlib import Path

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template as Assertions

from examples.existing_service.app import ShopStack, add_mesh
from tests.support.cloudformation import Template
from tests.support.gold import compare_with_gold
from tests.support.nag import nag_findings

pytestmark = pytest.mark.node

README = Path(__file__).parents[2] / "examples" / "existing_service" / "README.md"
IMPORTS = "from examples.existing_service.app import ShopStack, add_mesh"
WITHOUT_MESH = 'shop = ShopStack(app, "ShopStack")'
WITH_MESH = f"{WITHOUT_MESH}\nadd_mesh(shop)"


@pytest.fixture(scope="module")
def templates() -> tuple[Template, Template]:
    """The template without the mesh, and with it."""
    context = {"aws:cdk:enable-path-metadata": True}
    shops = [ShopStack(App(context=context, builtin_cloud_formation_validation=False), "ShopStack") for _ in range(2)]
    add_mesh(shops[1])
    before, after = (dict(Assertions.from_stack(shop).to_json()) for shop in shops)
    return before, after


def test_readme_lists_the_differences(templates: tuple[Template, Template], request: pytest.FixtureRequest) -> None:
    before, after = (template["Resources"] for template in templates)
    assert before.keys() <= after.keys()
    added = sorted(f"[+] {after[id]['Type']} {path(after[id])}" for id in after.keys() - before.keys())
    changed = sorted(f"[~] {after[id]['Type']} {path(after[id])}" for id in before if before[id] != after[id])
    differences = "\n".join([*added, *changed])
    text = re.sub(r"```diff\n.*?```", f"```diff\n{differences}\n```", README.read_text(), flags=re.DOTALL)
    compare_with_gold(README, text, request)


def path(resource: Template) -> str:
    parts: list[str] = resource["Metadata"]["aws:cdk:path"].split("/")[1:]
    return "/".join(parts[:-1] if parts[-1] in ("Resource", "Service") else parts)


def test_nothing_else_of_the_services_changes(templates: tuple[Template, Template]) -> None:
    before, after = (template["Resources"] for template in templates)
    changed = {
        (before[id]["Type"], key)
        for id in before
        for key in after[id].get("Properties", {}).keys() | before[id].get("Properties", {}).keys()
        if before[id]["Properties"].get(key) != after[id]["Properties"].get(key)
    }
    assert changed == {
        ("AWS::ECS::TaskDefinition", "ContainerDefinitions"),
        ("AWS::ECS::Service", "NetworkConfiguration"),
        ("AWS::ECS::Service", "ServiceRegistries"),
        ("AWS::IAM::Policy", "PolicyDocument"),
    }


def test_the_mesh_adds_no_findings_but_that_of_the_url_in_a_variable(tmp_path: Path) -> None:
    before = nag_findings(tmp_path / "before", IMPORTS, WITHOUT_MESH)
    after = nag_findings(tmp_path / "after", IMPORTS, WITH_MESH)
    assert after - before == {("AwsSolutions-ECS2", "ShopStack/Website/TaskDef/Resource")}
    assert before <= after
    assert len(before) > 5
