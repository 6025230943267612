"""Volumes of tasks: the code that creates and mounts them, and what is lost of them."""

from collections.abc import Iterator, Mapping

from color_mesh.ecs.reading import Reference
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.ecs.volumes import EfsFileSystem, Volume
from color_mesh.migration.findings import Finding, lost, to_do
from color_mesh.migration.placeholders import stack_text
from color_mesh.migration.python import Code, call, unless, value


def volume_statements(definition: TaskDefinition, containers: Mapping[str, Code]) -> Iterator[str]:
    """Render the statements that add the volumes of a task definition and mount them in containers.

    Args:
        definition: Old task definition.
        containers: Code of each container of the new task, by name.
    """
    names = {each.name for each in definition.volumes if _obstacle(each) is None}
    for volume in definition.volumes:
        if volume.name in names:
            arguments = {"name": value(volume.name)}
            if volume.file_system is not None:
                arguments["efs_volume_configuration"] = _file_system(volume.file_system)
            yield call("task.task_definition.add_volume", **arguments)
    for container in definition.containers:
        points = [each for each in container.mount_points if each.volume in names]
        if points and container.name in containers:
            codes = (
                call(
                    "ecs.MountPoint",
                    container_path=value(each.path),
                    read_only=value(each.read_only),
                    source_volume=value(each.volume),
                )
                for each in points
            )
            yield call(f"{containers[container.name]}.add_mount_points", *codes)


def volume_findings(place: str, definition: TaskDefinition, part: str) -> Iterator[Finding]:
    """Yield the findings about the volumes of a task definition.

    Args:
        place: Place of the task definition.
        definition: Task definition.
        part: Code of the node or gateway, such as ``nodes["red"]``.
    """
    obstacles = {each.name: _obstacle(each) for each in definition.volumes}
    for volume in definition.volumes:
        obstacle = obstacles[volume.name]
        if obstacle is not None:
            yield lost(place, f"the volume {volume.name!r} is removed: {obstacle}")
        elif volume.file_system is not None:
            text = (
                f"allow the connections to the file system of volume {volume.name!r}: its security group has to admit "
                f"{part}, for example by {part}.connections.allow_to(file_system, ec2.Port.tcp(2049))"
            )
            yield to_do(place, text)
    for container in definition.containers:
        for each in container.mount_points:
            if obstacles.get(each.volume, "") is not None:
                text = f"the mount point {each.path!r} is removed with its volume {each.volume!r}"
                yield lost(f"{place} container {container.name!r}", text)


def is_used(definition: TaskDefinition) -> bool:
    """Return whether the new task has volumes."""
    return any(_obstacle(each) is None for each in definition.volumes)


def _obstacle(volume: Volume) -> str | None:
    """Return the reason why Fargate or the generated app cannot have a volume; ``None`` if there is none."""
    if volume.other is not None:
        return f"Fargate has no volumes with {volume.other}"
    references = () if volume.file_system is None else (volume.file_system.id, volume.file_system.access_point)
    unknown = next((each for each in references if isinstance(each, Reference)), None)
    return None if unknown is None else f"{unknown} is known only at deployment ({unknown.fix})"


def _file_system(system: EfsFileSystem) -> Code:
    arguments = {"file_system_id": stack_text(str(system.id))}
    arguments |= unless(
        None,
        root_directory=system.root_directory,
        transit_encryption=system.transit_encryption,
        transit_encryption_port=system.transit_encryption_port,
    )
    if system.access_point is not None or system.iam is not None:
        authorization = {} if system.access_point is None else {"access_point_id": stack_text(str(system.access_point))}
        authorization |= unless(None, iam=system.iam)
        arguments["authorization_config"] = call("ecs.AuthorizationConfig", **authorization)
    return call("ecs.EfsVolumeConfiguration", **arguments)
