"""The templates as they are. A change that is meant shows in the diff of ``make gold``."""

from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Assembly, Template

GOLD = Path(__file__).parent / "gold"
CHAPTERS = {
    "chapter-2": {"chapter": "2"},
    "chapter-3": {"chapter": "3"},
    "chapter-4-load-balancer": {"chapter": "4", "gateway": "load-balancer"},
    "chapter-4-public-ip": {"chapter": "4", "gateway": "public-ip"},
}
CASES = {
    f"{plane}/{chapter}": {**settings, "dataPlane": plane}
    for plane in ("app-mesh", "envoy")
    for chapter, settings in CHAPTERS.items()
}
_LONG = 20
SNAPSHOTS = {
    **{f"{plane}/network": (f"{plane}/chapter-2", "NetworkStack") for plane in ("app-mesh", "envoy")},
    **{f"{case}/{stack}": (case, stack) for case in CASES for stack in ("MeshStack", "EcsStack")},
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_template_is_as_in_its_snapshot(
    name: str, synthesize: Callable[..., Assembly], request: pytest.FixtureRequest
) -> None:
    settings, stack = settings_of(name)
    compare(GOLD / f"{name}.yaml", readable(synthesize(**settings)[stack]), request)


@pytest.mark.parametrize("case", CASES)
def test_network_is_the_same_in_every_chapter(case: str, synthesize: Callable[..., Assembly]) -> None:
    chapter_2 = {**CASES[case], "chapter": "2"}
    assert synthesize(**CASES[case])["NetworkStack"] == synthesize(**chapter_2)["NetworkStack"]


def test_logical_ids_are_stable(synthesize: Callable[..., Assembly], request: pytest.FixtureRequest) -> None:
    lines = {
        f"{settings['dataPlane']:9} {stack:13} {resource['Type']:38} {logical_id}"
        for settings in CASES.values()
        for stack, template in synthesize(**settings).items()
        for logical_id, resource in template["Resources"].items()
    }
    compare(GOLD / "logical_ids.txt", "\n".join(sorted(lines)) + "\n", request)


def test_every_snapshot_is_compared() -> None:
    expected = {GOLD / f"{name}.yaml" for name in SNAPSHOTS} | {GOLD / "logical_ids.txt"}
    assert {path for path in GOLD.rglob("*") if path.is_file()} == expected


def test_two_syntheses_are_the_same_to_the_byte(tmp_path: Path) -> None:
    from app import build

    for out in ("first", "second"):
        build(outdir=str(tmp_path / out), validate=False).synth()
    names = [path.name for path in sorted((tmp_path / "first").glob("*.template.json"))]
    assert names == ["EcsStack.template.json", "MeshStack.template.json", "NetworkStack.template.json"]
    first, second = ([(tmp_path / out / name).read_bytes() for name in names] for out in ("first", "second"))
    assert first == second


def settings_of(name: str) -> tuple[dict[str, str], str]:
    """The settings and the stack that a snapshot is of."""
    case, stack = SNAPSHOTS[name]
    return CASES[case], stack


def readable(template: Template) -> str:
    """Write what a reviewer reads of a template: not the CDK's own check of its bootstrap version."""
    parts = {key: template[key] for key in ("Resources", "Outputs") if key in template}
    return dump(parts)


def dump(value: Any) -> str:
    """Write YAML for people: in the order given, with small things on a line."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)
    return text


def compare(path: Path, text: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-gold"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    gold = path.read_text() if path.exists() else ""
    diff = unified_diff(gold.splitlines(), text.splitlines(), str(path), "synthesized", lineterm="")
    assert text == gold, "\n".join([*diff, "If this is meant: make gold"])


class _Dumper(yaml.SafeDumper):
    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        """Write what is long a line an item, such as the lines of Envoy's configuration."""
        return super().represent_sequence(tag, sequence, False if len(sequence) > _LONG else flow_style)

    def ignore_aliases(self, data: object) -> bool:
        """Write a value out wherever it stands."""
        return True
