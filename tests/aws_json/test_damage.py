"""Documents of the AWS CLI and of Terraform that are damaged in one place."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from color_mesh.analysis.reading import read_facts
from color_mesh.appmesh.source import read_source
from color_mesh.model import MeshError
from tests.support.aws_forms import answers, create_inputs, shown, state, terraform_resources, terraform_values
from tests.support.full_mesh import full_mesh

PARTS = [(*terraform_values(each), number) for number, each in enumerate(create_inputs(full_mesh()))]
DOCUMENTS = {
    "answers": list(answers().values()),
    "state": state(*terraform_resources()),
    "show": shown(*terraform_resources(), stock={"container_definitions": True}),
    "inputs": create_inputs(full_mesh()),
    "mesh": state(*((kind, f"part{number}", values) for kind, values, number in PARTS)),
}
DAMAGES: tuple[Any, ...] = ([], {}, 1, None, "x", {"Ref": 1}, [None], {"a": {"b": [1]}}, 1e300, "arn:aws:x")
COUNT = 15  # Places of a document that are damaged, each in another way.


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each object or list in a value, with each of its keys or indices."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_damaged_document_is_read_or_refused(name: str, tmp_path: Path) -> None:
    document = json.loads(json.dumps(DOCUMENTS[name]))
    file = tmp_path / "source.json"
    all_places = list(places(document))
    for number, (container, key) in enumerate(all_places[:: len(all_places) // COUNT + 1]):
        original, container[key] = container[key], DAMAGES[number % len(DAMAGES)]
        file.write_text(json.dumps(document))
        container[key] = original
        try:
            source = read_source([file])
            read_facts(source.meshes, source.resources, source.templates, source.left_out)
        except MeshError:
            continue
