"""The rule ``circular-dependency``."""

from tests.support.analysis import routed, texts

ID = "circular-dependency"


def found(**references: dict[str, str]) -> list[str]:
    return texts(ID, routed(), references={f"a.yaml: {place}": _places(others) for place, others in references.items()})


def _places(others: dict[str, str]) -> dict[str, str]:
    return {f"a.yaml: {place}": path for place, path in others.items()}


def test_circle_is_found_with_its_path() -> None:
    circle: dict[str, dict[str, str]] = {
        "Role": {},
        "Node": {"Service": "Spec.Backends", "Role": "X"},
        "Service": {"Router": "Y"},
        "Router": {"Node": "DependsOn"},
    }
    path = "Node -> Service -> Router -> Node"
    assert found(**circle) == [
        f"a.yaml: Node Spec.Backends: it cannot be deployed, because it depends on itself: {path}"
    ]


def test_resource_that_depends_on_itself_is_found() -> None:
    assert found(Node={"Node": "Spec"}) == [
        "a.yaml: Node Spec: it cannot be deployed, because it depends on itself: Node -> Node"
    ]


def test_two_circles_are_found_once_each() -> None:
    assert len(found(A={"B": ""}, B={"A": ""}, C={"D": "", "A": ""}, D={"C": ""})) == 2


def test_references_without_a_circle_are_not_found() -> None:
    assert found(A={"B": "", "C": ""}, B={"C": ""}, C={}, D={"A": ""}) == []
    assert found(A={"B": ""}, B={"B": ""}, C={"A": ""})[0].endswith("B -> B")
