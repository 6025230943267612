"""Properties that a caller of `read_declarations` uses, and those that it does not."""

from pathlib import Path

from color_mesh.ecs.reading import UnusedProperty, path_text
from tests.support.local_templates import Resources, declared, with_app, with_properties

FAR = {"Fn::ImportValue": "network:Subnets"}


def test_types_that_a_caller_does_not_use_are_not_read(tmp_path: Path) -> None:
    declarations = declared(tmp_path, used={"AWS::ECS::Service": ("ServiceName",)})
    assert (declarations.task_definitions, declarations.roles, declarations.vpcs) == ({}, {}, {})
    assert [each.name for each in declarations.services.values()] == ["stock-svc"]


def test_other_properties_are_listed_as_unused(tmp_path: Path) -> None:
    used = {"AWS::ECS::TaskDefinition": ("Family", "ContainerDefinitions.Name", "ContainerDefinitions.Image")}
    unused = declared(tmp_path, with_app(Ulimits=[{"Name": "core"}]), used=used).unused
    assert unused[0] == UnusedProperty(
        resource_type="AWS::ECS::TaskDefinition",
        place="shop.template.json: Task",
        path=("ContainerDefinitions", 0, "Ulimits"),
    )
    assert [each.name for each in unused] == [
        "ContainerDefinitions.Ulimits",
        "ContainerDefinitions.User",
        "ContainerDefinitions.Environment",
        "ProxyConfiguration",
        "TaskRoleArn",
    ]


def test_unknown_value_of_an_unused_property_is_no_problem(tmp_path: Path) -> None:
    change = with_properties("Service", NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": FAR}})
    used = {"AWS::ECS::Service": ("ServiceName", "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp")}
    declarations = declared(tmp_path, change, used=used)
    assert declarations.problems == ()
    assert [each.name for each in declarations.services.values()] == ["stock-svc"]


def test_every_problem_is_listed_with_the_type_of_its_resource(tmp_path: Path) -> None:
    def change(resources: Resources) -> None:
        with_properties("Vpc", CidrBlock="ten")(resources)
        with_properties("Role", Policies=FAR)(resources)
        with_app(Essential="perhaps")(resources)

    types = [each.resource_type for each in declared(tmp_path, change).problems]
    assert types == ["AWS::ECS::TaskDefinition", "AWS::IAM::Role", "AWS::EC2::VPC"]


def test_path_is_written_as_in_the_template() -> None:
    assert path_text(("ContainerDefinitions", 0, "Ulimits", 1, "Name")) == "ContainerDefinitions[0].Ulimits[1].Name"
