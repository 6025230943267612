"""Messages about the progress of a run."""

from types import SimpleNamespace
from typing import Any

from color_mesh.local.run.progress import Progress


def test_names_in_the_example_of_a_request_are_quoted_for_a_shell() -> None:
    application = SimpleNamespace(name="$(id)", program=SimpleNamespace(envoy=False))
    task = SimpleNamespace(runnable=SimpleNamespace(application=application, containers=()), sidecars={})
    zones = SimpleNamespace(records=())
    plan = SimpleNamespace(discovery={"a": SimpleNamespace(dns_name="a;id", records=(("A", 5),))}, zones=zones)
    runner: Any = SimpleNamespace(plan=plan, tasks=[task], configuration=SimpleNamespace(meshes={}))
    ports: Any = None
    (command,) = Progress(runner, ports, print, 0.0)._example_request()
    assert command == "color-mesh exec '$(id)' -- curl -s 'a;id'"
