"""The app's settings: read once, from the CDK's context, into one value that cannot be wrong."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args

from color_mesh.model import MeshError
from color_mesh.model.deployment import DATA_PLANES, ENVOY_IMAGES, EXPOSURES, DataPlaneName, Exposure
from color_mesh.model.errors import problem
from stacks.parsers import (
    RED_BACKENDS,
    Wrong,
    image,
    number_of,
    red_backends,
    text_like,
    weights,
    whole_number,
    word_of,
)
from stacks.planes import PLANES

NAMESPACE = "color-mesh:"
# The namespace, and what looks like a slip in it.
_OURS = re.compile(r"colou?r[-_]?mesh(?![a-z0-9])", re.IGNORECASE)
Chapter = Literal[2, 3, 4]
CHAPTERS: tuple[Chapter, ...] = get_args(Chapter)
# Amazon CloudWatch Logs API Reference, PutRetentionPolicy; the names are those of the CDK's RetentionDays.
RETENTION_DAYS = {
    1: "ONE_DAY",
    3: "THREE_DAYS",
    5: "FIVE_DAYS",
    7: "ONE_WEEK",
    14: "TWO_WEEKS",
    30: "ONE_MONTH",
    60: "TWO_MONTHS",
    90: "THREE_MONTHS",
    120: "FOUR_MONTHS",
    150: "FIVE_MONTHS",
    180: "SIX_MONTHS",
    365: "ONE_YEAR",
    400: "THIRTEEN_MONTHS",
    545: "EIGHTEEN_MONTHS",
    731: "TWO_YEARS",
    1096: "THREE_YEARS",
    1827: "FIVE_YEARS",
    2192: "SIX_YEARS",
    2557: "SEVEN_YEARS",
    2922: "EIGHT_YEARS",
    3288: "NINE_YEARS",
    3653: "TEN_YEARS",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Which state of the tutorial to synthesize, and with what. Each default is the tutorial's final state.

    Attributes:
        chapter: 2: red and blue. 3: green, yellow and the router too. 4: the gateway too.
        gateway: How chapter 4's gateway is reached: ``load-balancer`` or ``public-ip``.
        weights: The route's nodes and their weights.
        red_backends: What red may call: ``router`` from chapter 3 on, nothing in chapter 2, unless given.
        vpc_id: A VPC to use; without one, a new one.
        cluster_name: An ECS cluster to use; without one, a new one.
        app_image: The color application. Each data plane has its own, unless given.
        envoy_image: Envoy: App Mesh's, or upstream's, unless given.
        desired_count: Tasks a node.
        gateway_count: Gateway tasks: 2 behind the load balancer, 1 with public addresses, unless given.
        log_retention_days: How long CloudWatch keeps the logs.
        data_plane: What carries the mesh.
    """

    chapter: Chapter = 4
    gateway: Exposure = "load-balancer"
    weights: tuple[tuple[str, int], ...] = (("green", 4), ("yellow", 1))
    red_backends: tuple[str, ...] = ("router",)
    vpc_id: str | None = None
    cluster_name: str | None = None
    app_image: str = PLANES["app-mesh"].app_image
    envoy_image: str = ENVOY_IMAGES["app-mesh"]
    desired_count: int = 1
    gateway_count: int = 2
    log_retention_days: int = 7
    data_plane: DataPlaneName = "app-mesh"


def read_settings(context: Mapping[str, object], *, can_look_up: bool = False) -> Settings:
    """Read the ``color-mesh:`` keys of a CDK context; keys of others are left alone.

    ``can_look_up`` tells whether a VPC can be looked up, which takes an account and a region.

    Raises:
        MeshError: With every problem of every setting.
    """
    own = {key: value for key, value in context.items() if _OURS.match(key)}
    values: dict[str, Any] = {}
    problems: list[str] = list(_unknown_keys(own))
    for name, (attribute, parse) in PARSERS.items():
        key = f"{NAMESPACE}{name}"
        if key in own:
            try:
                values[attribute] = parse(own[key])
            except Wrong as wrong:
                problems += [problem(f"setting '{key}'", what, own[key], fix) for what, fix in wrong.problems]
    chapter = values.get("chapter", 4)
    if chapter == 2:
        values.setdefault("red_backends", ())
    if values.get("gateway") == "public-ip":
        values.setdefault("gateway_count", 1)
    data_plane: DataPlaneName = values.get("data_plane", "app-mesh")
    values.setdefault("app_image", PLANES[data_plane].app_image)
    values.setdefault("envoy_image", ENVOY_IMAGES[data_plane])
    if data_plane == "envoy":
        problems += _images_of_app_mesh(values["app_image"], values["envoy_image"])
    early = [name for name in values.get("red_backends", ()) if RED_BACKENDS[name] > chapter]
    if early:
        fix = f"it comes with chapter {RED_BACKENDS[early[0]]}; here: blue, or nothing"
        problems.append(problem(f"setting '{NAMESPACE}redBackends'", f"not in chapter {chapter}", early[0], fix))
    if "vpc_id" in values and not can_look_up:
        fix = "configure AWS credentials and a region for the CDK CLI"
        reason = "cannot be looked up without an account and a region"
        problems.append(problem(f"setting '{NAMESPACE}vpcId'", reason, values["vpc_id"], fix))
    if problems:
        raise MeshError(problems)
    return Settings(**values)


def _images_of_app_mesh(app_image: str, envoy_image: str) -> Iterator[str]:
    """Find images that are known to need App Mesh, or its way of redirecting traffic."""
    if re.search(r"(^|/)colorapp([:@]|$)", app_image):
        wrong = "listens on every address, the loopback addresses of Envoy too"
        fix = "an image whose application listens on 127.0.0.1:80; without the setting, nginx does"
        yield problem(f"setting '{NAMESPACE}appImage'", wrong, app_image, fix)
    if "appmesh-envoy" in envoy_image:
        fix = f"upstream Envoy with bash, such as '{ENVOY_IMAGES['envoy']}'"
        yield problem(f"setting '{NAMESPACE}envoyImage'", "waits for App Mesh, which has ended", envoy_image, fix)


def _unknown_keys(own: Mapping[str, object]) -> Iterator[str]:
    known = {f"{NAMESPACE}{name}".lower(): f"{NAMESPACE}{name}" for name in PARSERS}
    for key in sorted(own.keys() - known.values()):
        nearest = known[get_close_matches(key.lower(), known, n=1, cutoff=0)[0]]
        fix = f"did you mean '{nearest}'? known: {', '.join(PARSERS)}"
        yield problem(f"setting '{key}'", "unknown setting", own[key], fix)


PARSERS: Mapping[str, tuple[str, Callable[[object], object]]] = {
    "chapter": ("chapter", number_of("not a chapter", CHAPTERS)),
    "gateway": ("gateway", word_of("not a kind of gateway", EXPOSURES)),
    "weights": ("weights", weights),
    "redBackends": ("red_backends", red_backends),
    "vpcId": (
        "vpc_id",
        text_like(re.compile(r"vpc-([0-9a-f]{8}|[0-9a-f]{17})"), "not a VPC id", "'vpc-' and 8 or 17 hex digits"),
    ),
    "clusterName": (
        "cluster_name",
        text_like(re.compile(r"[A-Za-z0-9_-]{1,255}"), "not a cluster name", "1 to 255 letters, digits, '-' and '_'"),
    ),
    "appImage": ("app_image", image),
    "envoyImage": ("envoy_image", image),
    "desiredCount": ("desired_count", whole_number(0, 5000)),
    "gatewayCount": ("gateway_count", whole_number(0, 5000)),
    "logRetentionDays": (
        "log_retention_days",
        number_of("not a retention that CloudWatch Logs has", tuple(RETENTION_DAYS)),
    ),
    "dataPlane": ("data_plane", word_of("not a data plane", DATA_PLANES)),
}
