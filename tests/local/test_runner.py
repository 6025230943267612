"""A run before anything of it has started."""

from pathlib import Path

from color_mesh.local.run.runner import Runner
from tests.support.local_templates import planned


def test_it_is_not_steady_before_its_services_have_tasks(tmp_path: Path) -> None:
    said: list[str] = []
    failed: list[BaseException] = []
    runner = Runner(planned(tmp_path), tmp_path, said.append, failed.append, dns_delay_seconds=0)
    assert not runner.is_steady
