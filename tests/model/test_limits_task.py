"""Limits of a Fargate task and its containers: minimum, maximum, one below and one above."""

from collections.abc import Callable
from typing import Any

import pytest

from color_mesh.model import ContainerHealthCheck, FargateContainer, FargateTask, MeshError
from tests.support.builders import refusal

SMALL = FargateContainer(name="app", cpu=1, memory_mib=6)


def task(
    *,
    cpu: int = 16384,
    memory_mib: int = 122880,
    containers: tuple[FargateContainer, ...] = (SMALL,),
    desired_count: int = 1,
) -> FargateTask:
    """Return a task, by default of the maximum size."""
    return FargateTask(name="red", cpu=cpu, memory_mib=memory_mib, containers=containers, desired_count=desired_count)


def desired_count(value: int) -> FargateTask:
    return task(desired_count=value)


def container_cpu(value: int | None) -> FargateTask:
    return task(containers=(FargateContainer(name="app", cpu=value, memory_mib=6),))


def container_memory(value: int | None) -> FargateTask:
    return task(containers=(FargateContainer(name="app", cpu=1, memory_mib=value),))


def stop_timeout(value: int | None) -> FargateTask:
    return task(containers=(FargateContainer(name="app", cpu=1, memory_mib=6, stop_timeout_seconds=value),))


def with_health_check(**changes: Any) -> FargateTask:
    """Return a task with one container that has a health check."""
    check = ContainerHealthCheck(**{"command": ("CMD", "true"), **changes})
    return task(containers=(FargateContainer(name="app", cpu=1, memory_mib=6, health_check=check),))


def command(value: tuple[str, ...]) -> FargateTask:
    return with_health_check(command=value)


def interval(value: int) -> FargateTask:
    return with_health_check(interval_seconds=value)


def timeout(value: int) -> FargateTask:
    return with_health_check(timeout_seconds=value)


def retries(value: int) -> FargateTask:
    return with_health_check(retries=value)


def start_period(value: int | None) -> FargateTask:
    return with_health_check(start_period_seconds=value)


def app_and_envoy(*, cpu: int, memory_mib: int) -> FargateTask:
    """Return a task of 256 CPU units and 512 MiB with an application and an Envoy of this size."""
    app = FargateContainer(name="app", cpu=192, memory_mib=384)
    envoy = FargateContainer(name="envoy", cpu=cpu, memory_mib=memory_mib)
    return task(cpu=256, memory_mib=512, containers=(app, envoy))


@pytest.mark.parametrize(
    ("describe", "value"),
    [
        pytest.param(desired_count, 0, id="desired-count-low"),
        pytest.param(desired_count, 5000, id="desired-count-high"),
        pytest.param(container_cpu, 1, id="container-cpu-low"),
        pytest.param(container_cpu, 16384, id="container-cpu-high"),
        pytest.param(container_memory, 6, id="container-memory-low"),
        pytest.param(container_memory, 122880, id="container-memory-high"),
        pytest.param(container_cpu, None, id="container-cpu-none"),
        pytest.param(container_memory, None, id="container-memory-none"),
        pytest.param(stop_timeout, None, id="stop-timeout-none"),
        pytest.param(stop_timeout, 2, id="stop-timeout-low"),
        pytest.param(stop_timeout, 120, id="stop-timeout-high"),
        pytest.param(command, ("CMD", "true"), id="command-words"),
        pytest.param(command, ("CMD-SHELL", "curl localhost || exit 1"), id="command-line"),
        pytest.param(interval, 5, id="interval-low"),
        pytest.param(interval, 300, id="interval-high"),
        pytest.param(timeout, 2, id="timeout-low"),
        pytest.param(timeout, 60, id="timeout-high"),
        pytest.param(retries, 1, id="retries-low"),
        pytest.param(retries, 10, id="retries-high"),
        pytest.param(start_period, None, id="start-period-none"),
        pytest.param(start_period, 0, id="start-period-low"),
        pytest.param(start_period, 300, id="start-period-high"),
    ],
)
def test_value_at_its_limit_is_accepted(describe: Callable[[Any], FargateTask], value: object) -> None:
    assert describe(value).name == "red"


@pytest.mark.parametrize(
    ("describe", "value", "message"),
    [
        pytest.param(
            desired_count, -1, "task 'red': desired count out of range, got -1 (0 to 5000)", id="desired-count-low"
        ),
        pytest.param(
            desired_count, 5001, "task 'red': desired count out of range, got 5001 (0 to 5000)", id="desired-count-high"
        ),
        pytest.param(container_cpu, 0, "container 'app': CPU out of range, got 0 (1 to 16384)", id="container-cpu-low"),
        pytest.param(
            container_memory, 5, "container 'app': memory out of range, got 5 (6 to 122880)", id="container-memory-low"
        ),
        pytest.param(
            stop_timeout, 1, "container 'app': stop timeout out of range, got 1 (2 to 120)", id="stop-timeout-low"
        ),
        pytest.param(
            stop_timeout, 121, "container 'app': stop timeout out of range, got 121 (2 to 120)", id="stop-timeout-high"
        ),
        pytest.param(
            interval, 4, "container 'app': health check interval out of range, got 4 (5 to 300)", id="interval-low"
        ),
        pytest.param(
            interval, 301, "container 'app': health check interval out of range, got 301 (5 to 300)", id="interval-high"
        ),
        pytest.param(
            timeout, 1, "container 'app': health check timeout out of range, got 1 (2 to 60)", id="timeout-low"
        ),
        pytest.param(
            timeout, 61, "container 'app': health check timeout out of range, got 61 (2 to 60)", id="timeout-high"
        ),
        pytest.param(
            retries, 0, "container 'app': health check retries out of range, got 0 (1 to 10)", id="retries-low"
        ),
        pytest.param(
            retries, 11, "container 'app': health check retries out of range, got 11 (1 to 10)", id="retries-high"
        ),
        pytest.param(
            start_period,
            -1,
            "container 'app': health check start period out of range, got -1 (0 to 300)",
            id="start-period-low",
        ),
        pytest.param(
            start_period,
            301,
            "container 'app': health check start period out of range, got 301 (0 to 300)",
            id="start-period-high",
        ),
    ],
)
def test_number_outside_its_limits_is_rejected(
    describe: Callable[[Any], FargateTask], value: object, message: str
) -> None:
    assert refusal(describe, value) == message


@pytest.mark.parametrize(
    "value",
    [
        pytest.param((), id="empty"),
        pytest.param(("CMD",), id="no-words"),
        pytest.param(("CMD-SHELL",), id="no-line"),
        pytest.param(("curl", "localhost"), id="no-kind"),
    ],
)
def test_incomplete_health_check_command_is_rejected(value: tuple[str, ...]) -> None:
    wrong = "container 'app': health check command is incomplete"
    assert refusal(command, value) == f"{wrong}, got {value!r} (('CMD-SHELL', 'line') or CMD, words)"


def test_container_with_more_cpu_than_the_largest_task_is_rejected() -> None:
    assert refusal(container_cpu, 16385) == (
        "container 'app': CPU out of range, got 16385 (1 to 16384)\n"
        "task 'red': containers need more CPU than the task has, got '16385 = 16385 units' (at most 16384 units)"
    )


def test_container_with_more_memory_than_the_largest_task_is_rejected() -> None:
    assert refusal(container_memory, 122881) == (
        "container 'app': memory out of range, got 122881 (6 to 122880)\n"
        "task 'red': containers need more memory than the task has, got '122881 = 122881 MiB' (at most 122880 MiB)"
    )


def test_containers_with_all_of_the_task_are_accepted() -> None:
    assert app_and_envoy(cpu=64, memory_mib=128).cpu == 256


def test_containers_with_one_cpu_unit_too_many_are_rejected() -> None:
    with pytest.raises(MeshError) as error:
        app_and_envoy(cpu=65, memory_mib=128)
    assert str(error.value) == (
        "task 'red': containers need more CPU than the task has, got '192 + 65 = 257 units' (at most 256 units)"
    )


def test_containers_with_one_mebibyte_too_many_are_rejected() -> None:
    with pytest.raises(MeshError) as error:
        app_and_envoy(cpu=64, memory_mib=129)
    assert str(error.value) == (
        "task 'red': containers need more memory than the task has, got '384 + 129 = 513 MiB' (at most 512 MiB)"
    )


@pytest.mark.parametrize(
    ("cpu", "memory_mib"),
    [
        pytest.param(256, 512, id="256-smallest"),
        pytest.param(256, 2048, id="256-largest"),
        pytest.param(512, 1024, id="512-smallest"),
        pytest.param(512, 4096, id="512-largest"),
        pytest.param(1024, 2048, id="1024-smallest"),
        pytest.param(1024, 8192, id="1024-largest"),
        pytest.param(2048, 4096, id="2048-smallest"),
        pytest.param(2048, 16384, id="2048-largest"),
        pytest.param(4096, 8192, id="4096-smallest"),
        pytest.param(4096, 30720, id="4096-largest"),
        pytest.param(8192, 16384, id="8192-smallest"),
        pytest.param(8192, 61440, id="8192-largest"),
        pytest.param(16384, 32768, id="16384-smallest"),
        pytest.param(16384, 122880, id="16384-largest"),
    ],
)
def test_fargate_size_is_accepted(cpu: int, memory_mib: int) -> None:
    assert task(cpu=cpu, memory_mib=memory_mib).memory_mib == memory_mib


@pytest.mark.parametrize(
    ("cpu", "memory_mib", "offered"),
    [
        pytest.param(256, 256, "512, 1024, 2048", id="256-below"),
        pytest.param(256, 1536, "512, 1024, 2048", id="256-between"),
        pytest.param(256, 3072, "512, 1024, 2048", id="256-above"),
        pytest.param(512, 512, "1024, 2048, 3072, 4096", id="512-below"),
        pytest.param(512, 5120, "1024, 2048, 3072, 4096", id="512-above"),
        pytest.param(1024, 1024, "2048, 3072, 4096, 5120, 6144, 7168, 8192", id="1024-below"),
        pytest.param(1024, 9216, "2048, 3072, 4096, 5120, 6144, 7168, 8192", id="1024-above"),
        pytest.param(2048, 3072, ", ".join(map(str, range(4096, 16385, 1024))), id="2048-below"),
        pytest.param(2048, 17408, ", ".join(map(str, range(4096, 16385, 1024))), id="2048-above"),
        pytest.param(4096, 7168, ", ".join(map(str, range(8192, 30721, 1024))), id="4096-below"),
        pytest.param(4096, 31744, ", ".join(map(str, range(8192, 30721, 1024))), id="4096-above"),
        pytest.param(8192, 12288, ", ".join(map(str, range(16384, 61441, 4096))), id="8192-below"),
        pytest.param(8192, 17408, ", ".join(map(str, range(16384, 61441, 4096))), id="8192-between"),
        pytest.param(8192, 65536, ", ".join(map(str, range(16384, 61441, 4096))), id="8192-above"),
        pytest.param(16384, 24576, ", ".join(map(str, range(32768, 122881, 8192))), id="16384-below"),
        pytest.param(16384, 36864, ", ".join(map(str, range(32768, 122881, 8192))), id="16384-between"),
        pytest.param(16384, 131072, ", ".join(map(str, range(32768, 122881, 8192))), id="16384-above"),
    ],
)
def test_memory_that_fargate_does_not_have_for_the_cpu_is_rejected(cpu: int, memory_mib: int, offered: str) -> None:
    with pytest.raises(MeshError) as error:
        task(cpu=cpu, memory_mib=memory_mib)
    wrong = f"task 'red': memory is not available for {cpu} CPU units"
    assert str(error.value) == f"{wrong}, got {memory_mib} (one of: {offered})"


@pytest.mark.parametrize(
    "cpu",
    [
        pytest.param(1, id="one-unit"),
        pytest.param(128, id="one-size-below"),
        pytest.param(255, id="smallest-less-1"),
        pytest.param(257, id="smallest-and-1"),
        pytest.param(768, id="between-sizes"),
        pytest.param(16385, id="largest-and-1"),
        pytest.param(32768, id="one-size-above"),
    ],
)
def test_cpu_that_is_not_a_fargate_size_is_rejected(cpu: int) -> None:
    sizes = "256, 512, 1024, 2048, 4096, 8192, 16384"
    with pytest.raises(MeshError) as error:
        task(cpu=cpu, memory_mib=512)
    assert str(error.value) == f"task 'red': CPU is not a Fargate size, got {cpu} (one of: {sizes})"
