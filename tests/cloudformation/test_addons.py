"""Parameters of addons of AWS Copilot."""

from pathlib import Path

import pytest

from color_mesh.appmesh.source import read_source
from color_mesh.model import MeshError

TEMPLATE = """
Parameters:
  Name: {Type: String}
  Service: {Type: String}
Resources:
  Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: !Ref Name}}
  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties: {MeshName: !GetAtt Mesh.MeshName, VirtualNodeName: !Ref Service, Spec: {}}
"""


@pytest.fixture
def addons(tmp_path: Path) -> Path:
    folder = tmp_path / "addons"
    folder.mkdir()
    (folder / "mesh.yml").write_text(TEMPLATE)
    values = "Parameters:\n  Name: shop\n  Service: !GetAtt Service.Name\n  Other: 1\n"
    (folder / "addons.parameters.yml").write_text(values)
    return tmp_path


def test_literal_values_are_those_of_the_templates_beside_the_file(addons: Path) -> None:
    source = read_source([addons], {"Service": "stock"})
    assert [(mesh.name, mesh.nodes[0].name) for mesh in source.meshes] == [("shop", "stock")]
    assert source.notes == (
        (
            "addons.parameters.yml: Service refers to the stack of the service, which AWS Copilot generates: give it "
            "with --set Service=VALUE"
        ),
    )


@pytest.mark.parametrize(("value", "mesh_name"), [("true", "true"), ("No", "false"), ("7", "7")])
def test_value_that_is_no_text_becomes_text(addons: Path, value: str, mesh_name: str) -> None:
    (addons / "addons" / "addons.parameters.yml").write_text(f"Parameters: {{Name: {value}, Service: stock}}\n")
    (mesh,) = read_source([addons], {}).meshes
    assert mesh.name == mesh_name


def test_given_value_overrides_that_of_the_file(addons: Path) -> None:
    (mesh,) = read_source([addons], {"Service": "stock", "Name": "other"}).meshes
    assert mesh.name == "other"


def test_values_are_not_those_of_templates_in_other_folders(addons: Path) -> None:
    (addons / "addons" / "mesh.yml").rename(addons / "mesh.yml")
    with pytest.raises(MeshError, match="parameter 'Name': has no value"):
        read_source([addons], {"Service": "stock"})
