"""The rule ``weight-is-zero``."""

from color_mesh.model import WeightedTarget
from tests.support.analysis import texts
from tests.support.builders import mesh, node, route, router

ID = "weight-is-zero"


def weighted(*weights: int) -> list[str]:
    names = [f"red{index}" for index in range(len(weights))]
    targets = tuple(WeightedTarget(virtual_node=name, weight=each) for name, each in zip(names, weights, strict=True))
    nodes = tuple(node(name) for name in names)
    return texts(ID, mesh(nodes=nodes, routers=(router(routes=(route(targets=targets),)),)))


def test_target_without_a_weight_is_found() -> None:
    assert weighted(1, 0) == [
        (
            "route 'all' of virtual router 'router' Spec.HttpRoute.Action.WeightedTargets[1].Weight: virtual "
            "node 'red1' gets no request of this route"
        )
    ]


def test_targets_with_weights_are_not_found() -> None:
    assert weighted(1, 99) == []
