"""Containers with the programs that run in place of their images."""

from pathlib import Path

import pytest

from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.runnable import RunnableContainer, RunnableTask
from tests.support.local_templates import APP, ENVOY, Resources, planned, refused, with_app, with_properties


def task(plan: Plan) -> RunnableTask:
    (value,) = plan.tasks.values()
    return value


def app(plan: Plan) -> RunnableContainer:
    return task(plan).containers[0]


def test_entry_point_replaces_the_program_of_the_image(tmp_path: Path) -> None:
    container = app(planned(tmp_path, with_app(EntryPoint=["python3"], Command=["serve", "--fast"])))
    assert (container.program.command, container.definition.command) == (("python3",), ("serve", "--fast"))


def test_another_program_of_envoys_image_is_neither_envoy_nor_application(tmp_path: Path) -> None:
    delay = {
        "Name": "deregistration-delay",
        "Image": "envoyproxy/envoy:v1.39.3",
        "Essential": False,
        "EntryPoint": ["bash", "-c", "sleep infinity", "deregistration-delay"],
        "Command": ["67", "80"],
    }
    runnable = task(planned(tmp_path, with_properties("Task", ContainerDefinitions=[delay, APP, ENVOY])))
    container = runnable.containers[0]
    assert (container.program.envoy, container.bootstrap, container.mesh_resource) == (False, {}, None)
    assert container.program.command[:2] == ("bash", "-c")
    assert [each.name for each in runnable.applications] == [runnable.application.name] == ["app"]
    assert list(runnable.mesh_resources) == ["envoy"]


@pytest.mark.parametrize(
    "entry_point",
    [
        pytest.param(["bash", "-c", "exec envoy -c /etc/envoy.yaml"], id="named"),
        pytest.param(["/usr/bin/agent"], id="configured-by-app-mesh"),
    ],
)
def test_envoy_with_another_entry_point_is_envoy(tmp_path: Path, entry_point: list[str]) -> None:
    envoy = {**ENVOY, "EntryPoint": entry_point}
    runnable = task(planned(tmp_path, with_properties("Task", ContainerDefinitions=[APP, envoy])))
    assert [each.program.envoy for each in runnable.containers] == [False, True]


def test_envoy_of_app_mesh_with_an_unknown_image_is_envoy(tmp_path: Path) -> None:
    envoy = {**ENVOY, "Image": {"Fn::ImportValue": "registry:Envoy"}}
    runnable = task(planned(tmp_path, with_properties("Task", ContainerDefinitions=[APP, envoy])))
    assert runnable.containers[1].program.envoy
    assert list(runnable.mesh_resources) == ["envoy"]


@pytest.mark.parametrize(
    ("user", "expected"),
    [("0", (0, 0)), ("1337", (1337, 0)), ("1337:1338", (1337, 1338)), ("root", (0, 0)), ("root:root", (0, 0))],
)
def test_user_is_numeric_or_root(tmp_path: Path, user: str, expected: tuple[int, int]) -> None:
    assert app(planned(tmp_path, with_app(User=user))).user == expected


def test_container_without_a_user_runs_as_root(tmp_path: Path) -> None:
    assert app(planned(tmp_path)).user == (0, 0)


def test_only_parameters_of_the_network_are_set(tmp_path: Path) -> None:
    controls = [{"Namespace": "net.core.somaxconn", "Value": "9"}, {"Namespace": "kernel.msgmax", "Value": "1"}]
    assert app(planned(tmp_path, with_app(SystemControls=controls))).system_controls == (("net.core.somaxconn", "9"),)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param(
            {"User": "envoy"},
            "user is not numeric or too high, got 'envoy' (a user id up to 65534, or UID:GID, such as 1337:1337)",
            id="user",
        ),
        pytest.param(
            {"Image": "example/shop"},
            "no program runs in place of the image, got 'example/shop' "
            "(--image 'example/shop=COMMAND', or an entry 'example/shop' in color-mesh.json)",
            id="image",
        ),
    ],
)
def test_container_that_cannot_run_is_refused(tmp_path: Path, properties: Resources, expected: str) -> None:
    assert refused(tmp_path, with_app(**properties)) == [f"shop.template.json: Task container 'app': {expected}"]


VPC_ID = {"Environment": [{"Name": "ID", "Value": {"Fn::GetAtt": ["Vpc", "VpcId"]}}]}


def test_variable_that_only_a_deployment_knows_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, with_app(**VPC_ID)) == [
        (
            "shop.template.json: Task container 'app': variable ID: is known only at deployment, got 'Vpc.VpcId' "
            "(add --set Vpc.VpcId=VALUE)"
        )
    ]


def test_value_of_an_unknown_attribute_may_be_given(tmp_path: Path) -> None:
    plan = planned(tmp_path, with_app(**VPC_ID), values={"Vpc.VpcId": "vpc-7"})
    assert app(plan).environment == {"ID": "vpc-7"}


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        pytest.param({"EntryPoint": ["a\0"]}, "entry point", id="entry-point"),
        pytest.param({"Command": ["a", "\0"]}, "command", id="command"),
        pytest.param({"HealthCheck": {"Command": ["CMD", "a\0"]}}, "health check", id="health-check"),
        pytest.param({"Environment": [{"Name": "A", "Value": "\0"}]}, "variable 'A'", id="value"),
        pytest.param({"Environment": [{"Name": "A\0", "Value": ""}]}, "variable 'A\\x00'", id="name"),
    ],
)
def test_null_character_is_refused(tmp_path: Path, properties: Resources, field: str) -> None:
    (line,) = refused(tmp_path, with_app(**properties))
    assert f"container 'app': {field}: has a null character, which no program can get, got " in line


@pytest.mark.parametrize("name", ["A=B", "="])
def test_variable_whose_name_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (line,) = refused(tmp_path, with_app(Environment=[{"Name": name, "Value": "x"}]))
    assert line.endswith(f"container 'app': not the name of a variable, got {name!r} (a name without '=')")
