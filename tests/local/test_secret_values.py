"""Values of parameters with ``NoEcho`` in the plan of a run."""

import json
from pathlib import Path

import pytest

from color_mesh.local.plan.assembly import Plan, read_plan
from color_mesh.model import MeshError
from tests.support.local_templates import Change, with_app, write_template

SECRET = "hunter-2-secret"
VALUE = {"Ref": "Secret"}


def planned_with_secret(folder: Path, change: Change) -> Plan:
    file = write_template(folder, change)
    parameters = {"Secret": {"Type": "String", "NoEcho": True}}
    file.write_text(json.dumps({**json.loads(file.read_text()), "Parameters": parameters}))
    return read_plan([file], {"colorapp": ("true",)}, {"Secret": SECRET})


def test_variable_of_a_container_has_the_value(tmp_path: Path) -> None:
    plan = planned_with_secret(tmp_path, with_app(Environment=[{"Name": "PASSWORD", "Value": VALUE}]))
    environments = [each.environment for task in plan.tasks.values() for each in task.containers]
    assert {"PASSWORD": SECRET} in environments


def test_messages_of_a_run_have_asterisks_in_place_of_the_value(tmp_path: Path) -> None:
    plan = planned_with_secret(tmp_path, with_app())
    assert plan.without_secrets(f"`test {SECRET}` ended with 1: {SECRET}") == "`test ****` ended with 1: ****"
    assert SECRET not in repr(plan)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(with_app(User=VALUE), id="user"),
        pytest.param(with_app(Image=VALUE), id="image"),
        pytest.param(with_app(Environment=[{"Name": {"Fn::Sub": "${Secret}="}, "Value": ""}]), id="name"),
        pytest.param(with_app(Command=[{"Fn::Sub": "${Secret}\0"}]), id="command"),
        pytest.param(with_app(Command=[{"Fn::Select": [9, {"Fn::Split": ["-", VALUE]}]}]), id="function"),
    ],
)
def test_errors_do_not_quote_the_value(tmp_path: Path, change: Change) -> None:
    with pytest.raises(MeshError) as error:
        planned_with_secret(tmp_path, change)
    assert not [part for part in SECRET.split("-") if len(part) > 1 and part in str(error.value)]
