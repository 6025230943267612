"""The templates as they are. A change that is meant shows in the diff of ``make gold``."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.chapters import CASES, TEMPLATES
from tests.support.cloudformation import Assembly, Template
from tests.support.gold import compare_with_gold, dump_yaml

GOLD = Path(__file__).parent / "gold"


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_is_as_in_its_snapshot(
    name: str, synthesize: Callable[..., Assembly], request: pytest.FixtureRequest
) -> None:
    case, stack = TEMPLATES[name]
    compare_with_gold(GOLD / f"{name}.yaml", readable(synthesize(**CASES[case])[stack]), request)


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
    compare_with_gold(GOLD / "logical_ids.txt", "\n".join(sorted(lines)) + "\n", request)


def test_every_snapshot_is_compared() -> None:
    expected = {GOLD / f"{name}.yaml" for name in TEMPLATES} | {GOLD / "logical_ids.txt"}
    assert {path for path in GOLD.rglob("*") if path.is_file()} == expected


def test_two_syntheses_are_the_same_to_the_byte(tmp_path: Path) -> None:
    from app import build

    for out in ("first", "second"):
        build(outdir=str(tmp_path / out), validate=False).synth()
    names = [path.name for path in sorted((tmp_path / "first").glob("*.template.json"))]
    assert names == ["EcsStack.template.json", "MeshStack.template.json", "NetworkStack.template.json"]
    first, second = ([(tmp_path / out / name).read_bytes() for name in names] for out in ("first", "second"))
    assert first == second


def readable(template: Template) -> str:
    """Write what a reviewer reads of a template: not the CDK's own check of its bootstrap version."""
    parts = {key: template[key] for key in ("Resources", "Outputs") if key in template}
    return dump_yaml(parts)
