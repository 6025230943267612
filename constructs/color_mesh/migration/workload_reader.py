"""Reading of the workloads of a mesh from templates."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from color_mesh.cloudformation import Templates
from color_mesh.ecs import Declarations, read_declarations
from color_mesh.ecs.reading import path_text
from color_mesh.ecs.scaling import Scaling
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.migration.balancer_clients import unread_rules
from color_mesh.migration.balancer_findings import balancer_findings, chained_balancers
from color_mesh.migration.balancers import MigratedBalancer, migrated_balancers, target_listeners
from color_mesh.migration.container_code import check_container
from color_mesh.migration.containers import container_findings
from color_mesh.migration.converted_properties import (
    BALANCING,
    CONVERTED,
    SCALING,
    SERVICE,
    TASK_DEFINITION,
    lost_properties,
    unconverted,
)
from color_mesh.migration.findings import Finding, lost
from color_mesh.migration.forwarding import forwarding_listeners
from color_mesh.migration.placeholders import check_placeholders
from color_mesh.migration.scaling import scaling_findings
from color_mesh.migration.tags import tag_findings
from color_mesh.migration.volumes import volume_findings
from color_mesh.migration.workload import Workload, create_workload
from color_mesh.migration.workload_findings import workload_findings
from color_mesh.model import Mesh
from color_mesh.model.errors import problem, refuse


def read_workloads(
    templates: Templates, mesh: Mesh
) -> tuple[tuple[Workload, ...], tuple[MigratedBalancer, ...], Sequence[Finding]]:
    """Return the ECS services whose tasks run an Envoy of the mesh, their load balancers, and findings about both.

    A service that cannot be migrated is left out, with its problems among the findings.

    Raises:
        MeshError: With all problems, if no service can be migrated.
    """
    declarations = read_declarations(templates, CONVERTED)
    # The constructs create roles anew, so that problems of the old ones do not matter.
    problems: dict[str, list[str]] = {}
    for each in declarations.problems:
        if each.resource_type in (TASK_DEFINITION, SERVICE, *SCALING, *BALANCING):
            problems.setdefault(each.place, []).append(each.text)
    definitions, findings = _mesh_definitions(declarations, mesh)
    places = _migrated(declarations, mesh, definitions, problems, findings)
    workloads = tuple(places.values())
    balancers = migrated_balancers(declarations, mesh, workloads)
    balanced = {group for each in balancers for group in each.created}
    for place, workload in places.items():
        findings += lost_properties(declarations, place)
        ports = target_listeners(mesh, workload.part)
        findings += workload_findings(place, workload, declarations.roles, ports, balanced)
    findings += (finding for each in balancers for finding in balancer_findings(each, declarations))
    findings += unread_rules(balancers, declarations)
    findings += chained_balancers(declarations)
    findings += _scaling_losses(declarations, {each.scaling.service for each in workloads if each.scaling})
    if not workloads:
        refuse(dict.fromkeys(each for texts in problems.values() for each in texts))
    for place, texts in problems.items():
        findings += (lost(place, f"is not migrated: {each.removeprefix(place).lstrip('.: ')}") for each in texts)
    return workloads, tuple(each for each in balancers if each.created), findings


def _migrated(
    declarations: Declarations,
    mesh: Mesh,
    definitions: Mapping[str, TaskDefinition],
    problems: dict[str, list[str]],
    findings: list[Finding],
) -> dict[str, Workload]:
    """Return the workloads that can be migrated, by the place of the service; add the problems of the others."""
    listeners = forwarding_listeners(declarations)
    scaling = _scaling(declarations)
    workloads: dict[str, Workload] = {}
    used = set()
    for place, service in declarations.services.items():
        name = service.task_definition
        definition_place = _definition_place(definitions, name)
        used.add(definition_place)
        if problems.keys() & {place, name, definition_place}:
            continue
        if definition_place is None:
            if name not in declarations.task_definitions:
                findings.append(lost(place, f"the task definition {name or 'without a name'} is in no template"))
            continue
        workload = create_workload(mesh, definitions[definition_place], service, listeners, scaling.get(place))
        if workload is None:
            limit = "at most 16 vCPUs and 120 GiB"
            problems[place] = [problem(place, "needs a larger task than Fargate has", definition_place, limit)]
        elif of_workload := [*_check_workload(workload)]:
            problems[place] = of_workload
        else:
            workloads[place] = workload
            findings += _carried(place, definition_place, workload)
    text = "no ECS service in the templates runs this task definition"
    findings += (lost(place, text) for place in definitions if place not in used and place not in problems)
    return workloads


def _scaling(declarations: Declarations) -> dict[str | None, Scaling]:
    """Return the autoscaling of services, by their places, without what cannot be read."""
    broken = {each.place for each in declarations.problems}
    return {
        each.service: replace(
            each,
            policies=tuple(
                (name, replace(policy, alarms=tuple(alarm for alarm in policy.alarms if alarm[0] not in broken)))
                for name, policy in each.policies
                if name not in broken
            ),
        )
        for place, each in declarations.scaling.items()
        if place not in broken
    }


def _scaling_losses(declarations: Declarations, scaled: Collection[str | None]) -> Iterator[Finding]:
    """Yield the scalable targets that are not migrated, and the properties that are not migrated of the others.

    Args:
        declarations: Declarations of the templates.
        scaled: Places of the services whose autoscaling is migrated.
    """
    broken = {each.place for each in declarations.problems}
    targets = {place: each for place, each in declarations.scaling.items() if place not in broken}
    migrated = {each.service: place for place, each in targets.items()}
    for place, each in targets.items():
        if each.service not in scaled:
            yield lost(place, "is not migrated: it scales no service of the mesh")
        elif migrated[each.service] != place:
            policies = "".join(f", with its policy {policy.name}" for _, policy in each.policies)
            yield lost(place, f"is not migrated{policies}: {migrated[each.service]} scales the same service")
        else:
            alarms = (alarm for _, policy in each.policies for alarm, _ in policy.alarms)
            for declared in dict.fromkeys((place, *alarms)):
                yield from lost_properties(declarations, declared)


def _carried(place: str, definition_place: str, workload: Workload) -> Iterator[Finding]:
    """Yield the findings about volumes, tags and autoscaling."""
    owner = "nodes" if workload.part.kind == "virtualNode" else "gateways"
    yield from volume_findings(definition_place, workload.definition, f"{owner}[{workload.part.name!r}]")
    yield from tag_findings(definition_place, workload.definition.tags)
    yield from tag_findings(place, workload.service.tags)
    yield from scaling_findings(place, workload.scaling, workload.service) if workload.scaling else ()


def _check_workload(workload: Workload) -> Iterator[str]:
    kind = "virtual node" if workload.part.kind == "virtualNode" else "virtual gateway"
    subject = f"{kind} {workload.part.name!r}"
    names = {
        "task definition family": workload.definition.declared_family,
        "service name": workload.service.declared_name,
    }
    for volume in workload.definition.volumes:
        names[f"name of volume {volume.name!r}"] = volume.name
        if volume.file_system is not None:
            names[f"root directory of volume {volume.name!r}"] = volume.file_system.root_directory
    yield from check_placeholders(subject, names)
    for container in (workload.app, *workload.others):
        if container is not None:
            yield from check_container(subject, container)


def _mesh_definitions(declarations: Declarations, mesh: Mesh) -> tuple[dict[str, TaskDefinition], list[Finding]]:
    """Return the task definitions of the mesh, by place, and the findings about all task definitions."""
    definitions = {}
    findings: list[Finding] = []
    for place, definition in declarations.task_definitions.items():
        findings += _definition_findings(place, definition, declarations)
        obstacle = _obstacle(mesh, definition)
        if obstacle is None:
            definitions[place] = definition
        else:
            findings.append(lost(place, obstacle))
    return definitions, findings


def _definition_findings(place: str, definition: TaskDefinition, declarations: Declarations) -> Iterator[Finding]:
    """Yield the lost properties of a task definition with an Envoy of App Mesh."""
    if not definition.envoys:
        return
    for container in definition.containers:
        yield from container_findings(f"{place} container {container.name!r}", container)
    for each in unconverted(declarations, place):
        match each.path:
            case ("ContainerDefinitions", int(index), *path):
                container = definition.containers[index]
                # The constructs create the container of Envoy anew.
                if container.mesh_resource is None:
                    yield lost(f"{place} container {container.name!r}", f"property {path_text(path)}")
            case path:
                yield lost(place, f"property {path_text(path)}")


def _obstacle(mesh: Mesh, definition: TaskDefinition) -> str | None:
    """Return the reason why a task definition implements no part of the mesh; ``None`` when it does."""
    if not definition.envoys:
        return "is not part of the mesh: no container is an Envoy of App Mesh"
    part = definition.envoys[0].mesh_resource
    assert part is not None
    parts = mesh.nodes if part.kind == "virtualNode" else mesh.gateways
    if part.mesh != mesh.name or part.name not in {each.name for each in parts}:
        return f"is not part of the mesh: its Envoy is that of {part}"
    if part.kind == "virtualNode" and len(definition.envoys) == len(definition.containers):
        return "has no application: Envoy is the only container"
    return None


def _definition_place(definitions: Mapping[str, TaskDefinition], name: str) -> str | None:
    """Return the place of the task definition that a service refers to: by reference, family or ARN."""
    if name in definitions:
        return name
    family = name.rpartition("/")[2].partition(":")[0]
    places = (place for place, each in definitions.items() if family and each.declared_family == family)
    return next(places, None)
