"""The rule ``stop-timeout-shorter-than-requests``."""

from color_mesh.ecs.containers import Container
from color_mesh.model import Listener, Milliseconds, Timeout
from tests.support.analysis import envoy, node_task, routed, texts

ID = "stop-timeout-shorter-than-requests"
RED = Listener(port=80, timeout=Timeout(per_request=Milliseconds(60000)))


def test_containers_that_stop_before_requests_end_are_found() -> None:
    assert texts(ID, routed(red=RED), task_definitions=node_task()) == [
        (
            "app.yaml: Task ContainerDefinitions[0].StopTimeout: container 'app' ends 30 s after the task is "
            "stopped, but requests of virtual node 'red' may take 60 s"
        ),
        (
            "app.yaml: Task ContainerDefinitions[1].StopTimeout: container 'envoy' ends 20 s after the task "
            "is stopped, but requests of virtual node 'red' may take 60 s"
        ),
    ]


def test_containers_that_wait_for_requests_are_not_found() -> None:
    waiting = envoy(stop_seconds=90, environment={"LISTENER_DRAIN_WAIT_TIME_S": "60"})
    tasks = node_task(Container(name="app", image="app", stop_seconds=90), waiting)
    assert texts(ID, routed(red=RED), task_definitions=tasks) == []
    assert texts(ID, routed(), task_definitions=node_task()) == []
