"""Task definitions as they run on this machine: each container with the program that runs in place of its image."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from color_mesh.ecs.containers import Container
from color_mesh.ecs.mesh_resources import MESH_RESOURCE_TYPES, MeshResource
from color_mesh.ecs.reading import Reference
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.local.plan.bootstraps import Bootstrap, bootstrap_in, bootstrap_owner
from color_mesh.local.plan.emulation import is_network_parameter
from color_mesh.local.plan.left_out import Omissions
from color_mesh.local.plan.programs import Commands, Program, missing_program, program_of
from color_mesh.model.checks import is_number
from color_mesh.model.errors import problem

MAX_ID = 65534  # That of `nobody`: user namespaces of users other than root have no more ids.
_ENVOY = Program(command=("envoy",), envoy=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunnableContainer:
    """Container that runs on this machine.

    Attributes:
        definition: Container of the task definition.
        program: Program that runs in place of the image.
        environment: Environment variables.
        user: Ids of the user and the group.
        system_controls: Kernel parameters of the task's network.
        bootstrap: Configuration that the command gives Envoy; empty without one.
    """

    definition: Container
    program: Program
    environment: Mapping[str, str] = field(default_factory=dict)
    user: tuple[int, int] = (0, 0)
    system_controls: tuple[tuple[str, str], ...] = ()
    bootstrap: Bootstrap = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the container."""
        return self.definition.name

    @property
    def mesh_resource(self) -> MeshResource | None:
        """Node or gateway whose configuration it gets from App Mesh."""
        return self.definition.mesh_resource if self.program.envoy else None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunnableTask:
    """Task definition that runs on this machine.

    Attributes:
        definition: Task definition.
        containers: Containers.
        region: Region of the tasks.
    """

    definition: TaskDefinition
    containers: tuple[RunnableContainer, ...]
    region: str

    @property
    def mesh_resources(self) -> dict[str, MeshResource]:
        """Nodes and gateways of its Envoys, by container, no matter where an Envoy gets its configuration."""
        owners = {each.name: each.mesh_resource or bootstrap_owner(each.bootstrap) for each in self.containers}
        return {name: owner for name, owner in owners.items() if owner is not None}

    @property
    def applications(self) -> tuple[RunnableContainer, ...]:
        """Essential containers that are no Envoys."""
        return tuple(each for each in self.containers if each.definition.essential and not each.program.envoy)

    @property
    def application(self) -> RunnableContainer:
        """First application; the first container of a task without one."""
        return next(iter(self.applications), self.containers[0])


def runnable_task(definition: TaskDefinition, commands: Commands, region: str) -> RunnableTask:
    """Return a task definition with the programs of its containers, all of which can run."""
    containers = tuple(_runnable_container(each, commands) for each in definition.containers)
    return RunnableTask(definition=definition, containers=containers, region=region)


def runnable_containers(
    place: str, definition: TaskDefinition, commands: Commands, omissions: Omissions
) -> tuple[Container, ...]:
    """Return the containers of a task definition that can run. Without an essential one it is left out.

    Containers that depend on one that cannot run are left out too. A FireLens log router only takes logs, so that the
    others run without it.
    """
    failed: dict[str, None] = {}
    for container in definition.containers:
        for text in _container_problems(f"{place} container {container.name!r}", container, commands):
            omissions.leave_out_part(place, text)
            failed[container.name] = None
    routers = {each.name for each in definition.containers if each.log_router and each.name in failed}
    essential = {each.name for each in definition.containers if each.essential} - routers
    if failed.keys() & essential:
        omissions.leave_out_dependents_of(place)
        return ()
    remaining = [each for each in definition.containers if each.name not in failed]
    while dependent := next((each for each in remaining if _needs(each, failed.keys() - routers)), None):
        remaining.remove(dependent)
        failed[dependent.name] = None
        cause = next(name for name, _ in dependent.depends_on if name in failed)
        omissions.leave_out_dependent_part(place, f"{place} container {dependent.name!r}", f"container {cause!r}")
    if failed.keys() & essential or not remaining:
        omissions.leave_out_dependents_of(place)
    return tuple(
        replace(each, depends_on=tuple(other for other in each.depends_on if other[0] not in routers))
        for each in remaining
    )


def _needs(container: Container, names: Collection[str]) -> bool:
    return any(name in names for name, _ in container.depends_on)


def _container_problems(subject: str, container: Container, commands: Commands) -> Iterator[str]:
    """Validate that a container can run on this machine."""
    if _program(container, commands) is None:
        yield missing_program(subject, str(container.image))
    if _user(container) is None:
        fix = f"a user id up to {MAX_ID}, or UID:GID, such as 1337:1337"
        yield problem(subject, "user is not numeric or too high", container.user, fix)
    for name, value in container.environment.items():
        if isinstance(value, Reference) and value.resource_type not in MESH_RESOURCE_TYPES:
            yield problem(f"{subject}: variable {name}", "is known only at deployment", str(value), value.fix)
    yield from _unsupported_texts(subject, container)


def _unsupported_texts(subject: str, container: Container) -> Iterator[str]:
    """Validate that Linux can pass the command and the environment of a container to a program."""
    check = container.health_check.command if container.health_check is not None else ()
    texts = [("entry point", container.entry_point), ("command", container.command), ("health check", check)]
    for name, value in container.environment.items():
        texts.append((f"variable {name!r}", (name, str(value))))
        if not name or "=" in name:
            yield problem(subject, "not the name of a variable", name, "a name without '='")
    for place, values in texts:
        for text in (text for text in values if "\0" in text):
            yield problem(f"{subject}: {place}", "has a null character, which no program can get", text, "remove it")


def _runnable_container(container: Container, commands: Commands) -> RunnableContainer:
    bootstrap = bootstrap_in(container.command)
    program = _program(container, commands) or Program(command=("false",))
    if container.entry_point:
        # Envoy's image runs Envoy if the entry point names it or something configures it, and other programs otherwise.
        words = (word for argument in container.entry_point for word in argument.split())
        named = any(PurePosixPath(word).name == "envoy" for word in words)
        configured = container.mesh_resource is not None or bool(bootstrap)
        program = Program(command=container.entry_point, envoy=program.envoy and (named or configured))
    return RunnableContainer(
        definition=container,
        program=program,
        environment={name: value for name, value in container.environment.items() if isinstance(value, str)},
        user=_user(container) or (0, 0),
        system_controls=tuple(each for each in container.system_controls if is_network_parameter(each[0])),
        bootstrap=bootstrap if program.envoy else {},
    )


def _program(container: Container, commands: Commands) -> Program | None:
    if container.image is None:
        return None if container.mesh_resource is None else _ENVOY
    return program_of(container.image, commands)


def _user(container: Container) -> tuple[int, int] | None:
    uid, _, gid = (container.user or "0").replace("root", "0").partition(":")
    ids = [int(each) for each in (uid, gid or "0") if is_number(each) and int(each) <= MAX_ID]
    return (ids[0], ids[1]) if len(ids) == 2 else None
