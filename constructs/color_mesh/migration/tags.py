"""Tags: the code that adds them, and those that are lost."""

from collections.abc import Iterator, Sequence
from itertools import chain

from color_mesh.cloudformation import hidden_parameters
from color_mesh.ecs.reading import Reference
from color_mesh.ecs.services import Service
from color_mesh.migration.findings import Finding, lost
from color_mesh.migration.placeholders import DEPLOYMENT_TEXT, stack_text
from color_mesh.migration.python import Code, Identifiers, call, value

# Sources of the tags of tasks.
TAG_SOURCES = ("SERVICE", "TASK_DEFINITION")
Tags = Sequence[tuple[str, str | Reference]]


def tag_statements(construct: Code, tags: Tags) -> Iterator[Code]:
    """Render the statements that add tags to a construct."""
    for key, text in tags:
        if _obstacle(key, text) is None:
            tagged = call("Tags.of", construct)
            yield call(f"{tagged}.add", value(key), stack_text(str(text)))


def ecs_tag_statements(service: Service, variables: Identifiers) -> Iterator[str]:
    """Render the statements that let ECS tag the tasks of a service, for which the constructs have no argument."""
    properties: dict[str, object] = {}
    if service.propagate_tags in TAG_SOURCES:
        properties["PropagateTags"] = service.propagate_tags
    if service.managed_tags:
        properties["EnableECSManagedTags"] = True
    if properties:
        variable = variables.variable(f"{service.name}-resource", "resource")
        yield f"{variable} = task.fargate_service.node.default_child"
        yield f"assert isinstance({variable}, ecs.CfnService)"
        yield from (call(f"{variable}.add_property_override", value(key), value(properties[key])) for key in properties)


def merged(*tags: Tags) -> Tags:
    """Return tags without repeated keys: the last one of a key counts."""
    return tuple(dict(chain.from_iterable(tags)).items())


def tag_findings(subject: str, tags: Tags) -> Iterator[Finding]:
    """Yield the tags of a resource that are not migrated."""
    for key, text in tags:
        obstacle = _obstacle(key, text)
        if obstacle is not None:
            yield lost(subject, f"the tag {key} is removed: {obstacle}")


def _obstacle(key: str, text: str | Reference) -> str | None:
    """Return the reason why a tag cannot be migrated; ``None`` if there is none."""
    if isinstance(text, Reference):
        return f"{text} is known only at deployment ({text.fix})"
    if hidden_parameters(text) or hidden_parameters(key):
        return "it has a secret value"
    if DEPLOYMENT_TEXT.search(text) or DEPLOYMENT_TEXT.search(key):
        return "a deployment would replace a part of it"
    return "AWS reserves its prefix" if key.lower().startswith("aws:") else None
