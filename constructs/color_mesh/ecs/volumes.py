"""Volumes of task definitions, and where containers mount them."""

from dataclasses import dataclass

from color_mesh.appmesh.fields import Fields
from color_mesh.ecs.reading import Reference, text_or_reference


@dataclass(frozen=True, kw_only=True, slots=True)
class EfsFileSystem:
    """EFS file system of a volume (ECS API Reference, *EFSVolumeConfiguration*).

    Attributes:
        id: Id of the file system.
        root_directory: Directory of the file system. Default: its root.
        transit_encryption: ``ENABLED`` or ``DISABLED``, if the template declares it.
        transit_encryption_port: Port for encrypted data. Default: one that the mount helper chooses.
        access_point: Id of the access point. Default: none.
        iam: ``ENABLED`` or ``DISABLED``, if the template declares it.
    """

    id: str | Reference
    root_directory: str | None = None
    transit_encryption: str | None = None
    transit_encryption_port: int | None = None
    access_point: str | Reference | None = None
    iam: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """Volume of a task definition.

    Attributes:
        name: Name.
        file_system: EFS file system. Default: none.
        other: Name of a configuration of another kind, such as ``DockerVolumeConfiguration``. Default: storage of the
            task.
    """

    name: str
    file_system: EfsFileSystem | None = None
    other: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MountPoint:
    """Mount point of a volume in a container.

    Attributes:
        volume: Name of the volume.
        path: Path in the container.
        read_only: The container may not write to it.
    """

    volume: str
    path: str
    read_only: bool = False


def read_volume(fields: Fields) -> Volume:
    """Read a volume."""
    host_path = fields.optional("Host", lambda each: each.value("SourcePath"))
    kinds = ("DockerVolumeConfiguration", "FSxWindowsFileServerVolumeConfiguration", "ConfiguredAtLaunch")
    other = next((kind for kind in kinds if fields.value(kind)), None)
    return Volume(
        name=fields.optional_text("Name") or "",
        file_system=fields.optional("EFSVolumeConfiguration", _file_system),
        other=other or ("Host.SourcePath" if host_path is not None else None),
    )


def read_mount_point(fields: Fields) -> MountPoint:
    """Read a mount point."""
    return MountPoint(
        volume=fields.optional_text("SourceVolume") or "",
        path=fields.optional_text("ContainerPath") or "",
        read_only=fields.flag("ReadOnly", False),
    )


def _file_system(fields: Fields) -> EfsFileSystem:
    # The property is FilesystemId in CloudFormation, and fileSystemId in the API.
    access_point, iam = fields.optional("AuthorizationConfig", _authorization) or (None, None)
    return EfsFileSystem(
        id=text_or_reference(fields, "FilesystemId" if fields.has("FilesystemId") else "FileSystemId"),
        root_directory=fields.optional_text("RootDirectory"),
        transit_encryption=fields.optional_text("TransitEncryption"),
        transit_encryption_port=fields.optional_integer("TransitEncryptionPort"),
        access_point=access_point or None,
        iam=iam,
    )


def _authorization(fields: Fields) -> tuple[str | Reference, str | None]:
    return text_or_reference(fields, "AccessPointId"), fields.optional_text("IAM")
