"""Rolling deployments of Envoys that ask Cloud Map, which has changes of tasks after a delay."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.cloudformation import Template
from tests.support.local_mesh import LocalMesh, local_mesh, template_of
from tests.support.rolling_deployment import (
    HEARD_SECONDS,
    change_every_task_definition,
    remove_deregistration_delay,
    replace_every_task,
    set_deregistration_delay,
)
from tests.support.steady_load import PER_SECOND, steady_load, under_load

CLOUD_MAP_DELAY_SECONDS = 5

Mesh = Callable[[Callable[[Template], None]], AbstractContextManager[LocalMesh]]


@pytest.fixture
def mesh(cloud_assembly: Callable[..., Path], tmp_path: Path) -> Mesh:
    """Runs the tutorial's mesh, one task a service, with a change of the template and a delay of Cloud Map."""

    def run(change: Callable[[Template], None]) -> AbstractContextManager[LocalMesh]:
        late = ("--cloud-map-delay", str(CLOUD_MAP_DELAY_SECONDS))
        return local_mesh(cloud_assembly(dataPlane="envoy"), tmp_path, *late, change=template_of("EcsStack", change))

    return run


def test_deployment_with_deregistration_delay_loses_no_request(mesh: Mesh, capsys: pytest.CaptureFixture[str]) -> None:
    change = set_deregistration_delay(CLOUD_MAP_DELAY_SECONDS + HEARD_SECONDS)
    with mesh(change) as run, under_load(run, "replace every task", capsys) as load:
        replace_every_task(run)
    assert load.failed == 0, load.failures


def test_deployment_without_deregistration_delay_loses_requests(mesh: Mesh) -> None:
    with mesh(remove_deregistration_delay) as run, steady_load(f"{run.url}/", f"{run.url}/router") as load:
        run.wait_until(lambda: load.answered > PER_SECOND, "requests are answered")
        assert load.failed == 0, load.failures
        run.change("EcsStack", change_every_task_definition)
        run.wait_until(lambda: load.failed > PER_SECOND, "requests reach stopped tasks")
