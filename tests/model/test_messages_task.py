"""Complete messages for the problems of a Fargate task."""

from typing import Any

import pytest

from color_mesh.model import ContainerHealthCheck, FargateContainer, FargateTask, MeshError


def container(name: str = "app", cpu: int = 128, **changes: Any) -> FargateContainer:
    return FargateContainer(**{"name": name, "cpu": cpu, "memory_mib": 256, **changes})


def refusal(**changes: Any) -> str:
    """Return the message for a valid task with these changes."""
    with pytest.raises(MeshError) as error:
        FargateTask(**{"name": "red", "cpu": 256, "memory_mib": 512, "containers": (container(),), **changes})
    return str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"cpu": 300},
            "task 'red': CPU is not a Fargate size, got 300 (one of: 256, 512, 1024, 2048, 4096, 8192, 16384)",
            id="cpu",
        ),
        pytest.param(
            {"cpu": "256"},
            "task 'red': CPU is not a Fargate size, got '256' (one of: 256, 512, 1024, 2048, 4096, 8192, 16384)",
            id="cpu-text",
        ),
        pytest.param(
            {"memory_mib": "512"},
            "task 'red': memory is not available for 256 CPU units, got '512' (one of: 512, 1024, 2048)",
            id="memory-text",
        ),
        pytest.param(
            {"containers": (container(cpu="128"),)},  # type: ignore[arg-type]
            "container 'app': CPU out of range, got '128' (1 to 16384)",
            id="container-cpu-text",
        ),
        pytest.param(
            {"memory_mib": 4096},
            "task 'red': memory is not available for 256 CPU units, got 4096 (one of: 512, 1024, 2048)",
            id="memory",
        ),
        pytest.param(
            {"desired_count": -1}, "task 'red': desired count out of range, got -1 (0 to 5000)", id="desired-count"
        ),
        pytest.param(
            {"containers": (container(), container())},
            "task 'red': duplicate container, got 'app' (occurs 2 times, must be unique)",
            id="duplicate-container",
        ),
        pytest.param(
            {"containers": (container("my app"),)},
            "container 'my app': name has invalid characters, got 'my app' (letters, digits, '-' and '_')",
            id="container-name",
        ),
        pytest.param(
            {"containers": (container("app", 128), container("envoy", 129))},
            "task 'red': containers need more CPU than the task has, got '128 + 129 = 257 units' (at most 256 units)",
            id="container-cpu",
        ),
        pytest.param(
            {"containers": (container("app"), container("envoy", memory_mib=257))},
            "task 'red': containers need more memory than the task has, got '256 + 257 = 513 MiB' (at most 512 MiB)",
            id="container-memory",
        ),
        pytest.param(
            {"containers": (container(health_check=ContainerHealthCheck(command=("curl", "localhost"))),)},
            "container 'app': health check command is incomplete, got ('curl', 'localhost') "
            "(('CMD-SHELL', 'line') or CMD, words)",
            id="health-check-command",
        ),
    ],
)
def test_invalid_task_is_rejected(changes: dict[str, Any], message: str) -> None:
    assert refusal(**changes) == message


def test_problems_of_a_task_and_its_containers_come_in_one_error_in_order() -> None:
    check = ContainerHealthCheck(command=("CMD",), retries=0)
    containers = (container("", cpu=0), container("envoy", cpu=300, health_check=check))
    assert refusal(memory_mib=513, desired_count=5001, containers=containers).splitlines() == [
        "task 'red': memory is not available for 256 CPU units, got 513 (one of: 512, 1024, 2048)",
        "task 'red': desired count out of range, got 5001 (0 to 5000)",
        "container '': name is empty, got '' (1 to 255 characters)",
        "container '': CPU out of range, got 0 (1 to 16384)",
        "container 'envoy': health check command is incomplete, got ('CMD',) (('CMD-SHELL', 'line') or CMD, words)",
        "container 'envoy': health check retries out of range, got 0 (1 to 10)",
        "task 'red': containers need more CPU than the task has, got '0 + 300 = 300 units' (at most 256 units)",
    ]


def test_a_health_check_has_the_defaults_of_ecs() -> None:
    check = ContainerHealthCheck(command=("CMD", "true"))
    assert (check.interval_seconds, check.timeout_seconds, check.retries) == (30, 5, 3)
    assert check.start_period_seconds is None
