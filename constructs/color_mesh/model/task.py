"""The size of a Fargate task and of the containers in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.model.checks import check_name, check_port_name, check_range, check_unique
from color_mesh.model.errors import problem, refuse

# Amazon ECS Developer Guide, Task definition parameters for Fargate: CPU units and the memory (MiB) each allows.
FARGATE_MEMORY_MIB: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}

MIN_CPU = 1
MIN_MEMORY_MIB = 6  # ECS API Reference, ContainerDefinition: memory
# ECS API Reference, ContainerDefinition: stopTimeout, in seconds; the most is Fargate's.
MIN_STOP_TIMEOUT_SECONDS, MAX_STOP_TIMEOUT_SECONDS, DEFAULT_STOP_TIMEOUT_SECONDS = 1, 120, 30


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerHealthCheck:
    """Define how ECS asks a container whether it is well (ECS API Reference, *HealthCheck*).

    Attributes:
        command: ``CMD`` and the words of a command, or ``CMD-SHELL`` and one line for the container's shell.
        interval_seconds: The pause between two checks, 5 to 300.
        timeout_seconds: How long a check may take, 2 to 60.
        retries: How many checks in a row must fail, 1 to 10.
        start_period_seconds: How long failures do not count after the start, 0 to 300. Without it they always count.
    """

    command: tuple[str, ...]
    interval_seconds: int = 30
    timeout_seconds: int = 5
    retries: int = 3
    start_period_seconds: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FargateContainer:
    """Define a container's name and its share of the task.

    Attributes:
        name: 1 to 255 letters, digits, ``-`` and ``_``; unique in the task.
        cpu: CPU units, 1024 a core; with ``None``, what the others leave.
        memory_mib: The memory at which the container is killed; with ``None``, that of the task.
        health_check: How ECS checks it; without one ECS does not.
        port_name: What its port is called in the task definition; without it, nothing.
        stop_timeout_seconds: How long it may take to end when its task is stopped, 1 to 120; without it, ECS's 30.
    """

    name: str
    cpu: int | None
    memory_mib: int | None
    health_check: ContainerHealthCheck | None = None
    port_name: str | None = None
    stop_timeout_seconds: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FargateTask:
    """Define a task's size and containers.

    Attributes:
        name: What the task is called in messages.
        family: The task definition's family; without it, one that the CDK makes up.
        service_name: The name of the service that runs it; without it, one that CloudFormation makes up.
        cpu: CPU units, one of Fargate's sizes: 256, 512, 1024, 2048, 4096, 8192 or 16384.
        memory_mib: Memory, one of those that Fargate offers for ``cpu``.
        containers: What runs in it.
        desired_count: How many of them the service keeps running, 0 to 5000.

    Raises:
        MeshError: With every problem, one a line.
    """

    name: str
    cpu: int
    memory_mib: int
    containers: tuple[FargateContainer, ...]
    desired_count: int = 1
    family: str | None = None
    service_name: str | None = None

    def __post_init__(self) -> None:
        refuse(_check_task(self))


def remaining_share(total: int, taken: int, least: int) -> int:
    """Find what a container leaves of a task; ``least`` when it leaves nothing, so that the sum tells of it."""
    return max(total - taken, least) if isinstance(total, int) and isinstance(taken, int) else total


def _check_task(task: FargateTask) -> Iterator[str]:
    subject = f"task {task.name!r}"
    for what, name in (("family", task.family), ("service name", task.service_name)):
        if name is not None:
            yield from check_name(subject, name, what)
    if not isinstance(task.cpu, int) or task.cpu not in FARGATE_MEMORY_MIB:
        sizes = ", ".join(map(str, FARGATE_MEMORY_MIB))
        yield problem(subject, "CPU is no Fargate size", task.cpu, f"one of: {sizes}")
    elif not isinstance(task.memory_mib, int) or task.memory_mib not in FARGATE_MEMORY_MIB[task.cpu]:
        sizes = ", ".join(map(str, FARGATE_MEMORY_MIB[task.cpu]))
        yield problem(subject, f"memory does not go with {task.cpu} CPU units", task.memory_mib, f"one of: {sizes}")
    # Amazon ECS service quotas: tasks per service.
    yield from check_range(subject, "desired count", task.desired_count, 0, 5000)
    yield from check_unique(subject, "container", (container.name for container in task.containers))
    for container in task.containers:
        yield from _check_container(container)
    for what, unit, total, parts in (
        ("CPU", "units", task.cpu, [each.cpu for each in task.containers if each.cpu is not None]),
        (
            "memory",
            "MiB",
            task.memory_mib,
            [each.memory_mib for each in task.containers if each.memory_mib is not None],
        ),
    ):
        # What is no number has been named above.
        if all(isinstance(number, int) for number in (total, *parts)) and sum(parts) > total:
            got = f"{' + '.join(map(str, parts))} = {sum(parts)} {unit}"
            yield problem(subject, f"containers need more {what} than the task has", got, f"at most {total} {unit}")


def _check_container(container: FargateContainer) -> Iterator[str]:
    subject = f"container {container.name!r}"
    yield from check_name(subject, container.name)
    if container.port_name is not None:
        yield from check_port_name(subject, container.port_name)
    for what, value, least, most in (
        ("CPU", container.cpu, MIN_CPU, 16384),
        ("memory", container.memory_mib, MIN_MEMORY_MIB, 122880),
        ("stop timeout", container.stop_timeout_seconds, MIN_STOP_TIMEOUT_SECONDS, MAX_STOP_TIMEOUT_SECONDS),
    ):
        if value is not None:
            yield from check_range(subject, what, value, least, most)
    check = container.health_check
    if check is None:
        return
    if len(check.command) < 2 or check.command[0] not in ("CMD", "CMD-SHELL"):
        yield problem(
            subject, "health check command is incomplete", check.command, "('CMD-SHELL', 'line') or CMD, words"
        )
    yield from check_range(subject, "health check interval", check.interval_seconds, 5, 300)
    yield from check_range(subject, "health check timeout", check.timeout_seconds, 2, 60)
    yield from check_range(subject, "health check retries", check.retries, 1, 10)
    if check.start_period_seconds is not None:
        yield from check_range(subject, "health check start period", check.start_period_seconds, 0, 300)
