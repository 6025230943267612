"""Templates that are deployed as one stack."""

from collections.abc import Callable
from pathlib import Path

import pytest

from color_mesh.cloudformation import Templates, read_templates

Write = Callable[..., Path]

TABLE = """
Parameters: {App: {Type: String}, Env: {Type: String, Default: test}}
Resources:
  Table: {Type: Any::Table, Properties: {Name: !Sub '${App}-table'}}
Outputs:
  TableName: {Value: !Ref Table}
"""
POLICY = """
Parameters: {App: {Type: String}, Env: {Type: String}}
Conditions: {IsTest: !Equals [!Ref Env, test]}
Resources:
  Policy: {Type: Any::Policy, Condition: IsTest, Properties: {Table: !GetAtt Table.Name, Name: !Ref App}}
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes templates into folders, and returns their root."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text)
        return tmp_path

    return write


def read(*paths: Path, **values: str) -> Templates:
    return read_templates(paths, values, {("Any::Table", "Name"): "Name"})


@pytest.mark.parametrize("files", [("",), ("table.yaml", "policy.yaml"), ("policy.yaml", "table.yaml")])
def test_templates_that_refer_to_each_other_are_one_stack(files: tuple[str, ...], write: Write) -> None:
    folder = write(table=TABLE, policy=POLICY)
    templates = read(*(folder / file for file in files), App="shop")
    (policy,) = templates.resources("Any::Policy")
    (table,) = templates.resources("Any::Table")
    assert policy.properties() == {"Table": "shop-table", "Name": "shop"}
    assert (policy.place, table.place) == ("policy.yaml: Policy", "table.yaml: Table")
    names = "table.yaml, policy.yaml" if files[0] == "table.yaml" else "policy.yaml, table.yaml"
    assert templates.notes == (f"{names}: read as one stack, because policy.yaml refers to 'Table' of table.yaml",)
    assert templates.dependencies()["policy.yaml: Policy"] == {"table.yaml: Table": "Table"}


def test_templates_of_the_same_folder_belong_together(write: Write) -> None:
    folder = write(web__addons__policy=POLICY, web__addons__table=TABLE, api__addons__table=TABLE)
    (policy,) = read(folder, App="shop").resources("Any::Policy")
    assert policy.property("Table") == "shop-table"


def test_templates_without_references_to_each_other_are_stacks_of_their_own(write: Write) -> None:
    folder = write(a=TABLE, b=TABLE)
    assert read(folder, App="shop").notes == ()
    assert [each.place for each in read(folder, App="a").resources("Any::Table")] == ["a.yaml: Table", "b.yaml: Table"]


def test_templates_that_declare_a_name_in_different_ways_are_not_one_stack(write: Write) -> None:
    folder = write(policy=POLICY, table=TABLE.replace("Outputs", "  Policy: {Type: Any::Other}\nOutputs"))
    assert read(folder / "policy.yaml", folder / "table.yaml", App="shop").notes[0] == (
        "policy.yaml, table.yaml: not read as one stack, "
        "because table.yaml and policy.yaml declare 'Policy' in different ways"
    )


def test_nested_stack_of_a_template_of_one_stack_is_found_beside_it(write: Write) -> None:
    nested = """
Resources:
  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./child.yaml, Parameters: {Name: !Ref Table}}}
"""
    child = "Parameters: {Name: {Type: String}}\nResources: {Thing: {Type: Any::Thing}}\n"
    folder = write(a__table=TABLE, b__nested=nested, b__child=child)
    templates = read(folder / "a" / "table.yaml", folder / "b" / "nested.yaml", App="shop")
    assert [each.place for each in templates.resources("Any::Thing")] == ["child.yaml: Thing"]
