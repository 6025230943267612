"""The app's settings, read from the CDK context into one validated value."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args

from color_mesh.model import MeshError
from color_mesh.model.deployment import DATA_PLANES, ENVOY_IMAGES, DataPlaneName
from color_mesh.model.errors import problem
from stacks.parsers import (
    RED_BACKENDS,
    InvalidSetting,
    integer_between,
    one_of_numbers,
    one_of_words,
    parse_image,
    parse_red_backends,
    parse_switch,
    parse_weights,
    text_matching,
)
from stacks.planes import PLANES, Plane

NAMESPACE = "color-mesh:"
# Settings of certificates, and their attributes.
_CERTIFICATES = {"certificateAuthorityArn": "certificate_authority_arn", "certificateArn": "certificate_arn"}
# Keys in this app's namespace, or in a misspelling of it.
_OWN_KEY = re.compile(r"colou?r[-_]?mesh(?![a-z0-9])", re.IGNORECASE)
Chapter = Literal[2, 3, 4, 5, 6]
CHAPTERS: tuple[Chapter, ...] = get_args(Chapter)
GatewayEntry = Literal["load-balancer", "public-ip"]
GATEWAY_ENTRIES: tuple[GatewayEntry, ...] = get_args(GatewayEntry)
# Amazon CloudWatch Logs API Reference, PutRetentionPolicy. Values: member names of the CDK's RetentionDays.
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
    """State of the tutorial to synthesize. The defaults are the tutorial's final state.

    Attributes:
        chapter: Tutorial chapter: 2 has red and blue, 3 adds green, yellow and the router, 4 adds the gateway, 5
            adds TLS to chapter 4, 6 adds telemetry to chapter 4.
        gateway: Entry from the internet of chapter 4's gateway: ``load-balancer`` or ``public-ip``.
        weights: Target nodes of the route and their weights.
        red_backends: Backends of red. Default: ``router``; none in chapter 2.
        vpc_id: Id of an existing VPC. Default: a new VPC.
        cluster_name: Name of an existing ECS cluster. Default: a new cluster.
        app_image: Image of the color application. Default: that of `MeshedColorNode`.
        envoy_image: Image of Envoy. Default: the data plane's.
        desired_count: Desired count of each node's service.
        gateway_count: Desired count of the gateway's service. Default: 2 with ``load-balancer``, 1 with ``public-ip``.
        log_retention_days: Retention of the CloudWatch log groups.
        container_insights: Container Insights of a new cluster.
        flow_logs: Flow logs of a new VPC.
        data_plane: Data plane of the mesh: ``app-mesh`` or ``envoy``.
        certificate_authority_arn: ARN of an existing certificate authority for chapter 5. Default: a new one.
        certificate_arn: ARN of an existing certificate for all nodes of chapter 5. Default: a new one for each.
    """

    chapter: Chapter = 4
    gateway: GatewayEntry = "load-balancer"
    weights: tuple[tuple[str, int], ...] = (("green", 4), ("yellow", 1))
    red_backends: tuple[str, ...] = ("router",)
    vpc_id: str | None = None
    cluster_name: str | None = None
    app_image: str | None = None
    envoy_image: str = ENVOY_IMAGES["app-mesh"]
    desired_count: int = 1
    gateway_count: int = 2
    log_retention_days: int = 7
    container_insights: bool = True
    flow_logs: bool = True
    data_plane: DataPlaneName = "app-mesh"
    certificate_authority_arn: str | None = None
    certificate_arn: str | None = None

    @property
    def plane(self) -> Plane:
        """Defaults that depend on the data plane."""
        return PLANES[self.data_plane]

    @property
    def log_retention(self) -> str:
        """Name of the CDK's ``RetentionDays`` member."""
        return RETENTION_DAYS[self.log_retention_days]


def read_settings(context: Mapping[str, object], *, can_look_up: bool = False) -> Settings:
    """Read the ``color-mesh:`` keys of a CDK context and ignore all others.

    Args:
        context: The CDK context.
        can_look_up: An account and a region are known, so that a VPC can be looked up.

    Raises:
        MeshError: With every problem of every setting.
    """
    own = {key: value for key, value in context.items() if _OWN_KEY.match(key)}
    values: dict[str, Any] = {}
    problems: list[str] = list(_unknown_keys(own))
    for name, (attribute, parse) in PARSERS.items():
        key = f"{NAMESPACE}{name}"
        if key in own:
            try:
                values[attribute] = parse(own[key])
            except InvalidSetting as error:
                problems += [problem(f"setting '{key}'", reason, own[key], fix) for reason, fix in error.problems]
    chapter = values.get("chapter", 4)
    if chapter == 2:
        values.setdefault("red_backends", ())
    if values.get("gateway") == "public-ip":
        values.setdefault("gateway_count", 1)
    data_plane: DataPlaneName = values.get("data_plane", "app-mesh")
    values.setdefault("envoy_image", ENVOY_IMAGES[data_plane])
    if data_plane == "envoy":
        problems += _images_for_app_mesh(values.get("app_image", ""), values["envoy_image"])
    problems += _certificates_without_use(values, chapter)
    missing = [name for name in values.get("red_backends", ()) if RED_BACKENDS[name] > chapter]
    if missing:
        fix = f"chapter {RED_BACKENDS[missing[0]]} adds it; available: 'blue', or '' for none"
        reason = f"backend does not exist in chapter {chapter}"
        problems.append(problem(f"setting '{NAMESPACE}redBackends'", reason, missing[0], fix))
    if "vpc_id" in values and not can_look_up:
        fix = "configure AWS credentials and a region for the CDK CLI"
        reason = "lookup needs an account and a region"
        problems.append(problem(f"setting '{NAMESPACE}vpcId'", reason, values["vpc_id"], fix))
    if problems:
        raise MeshError(problems)
    return Settings(**values)


def _certificates_without_use(values: Mapping[str, Any], chapter: int) -> Iterator[str]:
    """Validate that certificates are given to chapter 5, and a certificate with its authority."""
    given = {name: values[attribute] for name, attribute in _CERTIFICATES.items() if attribute in values}
    if chapter != 5:
        for name, arn in given.items():
            yield problem(
                f"setting '{NAMESPACE}{name}'", f"chapter {chapter} has no TLS", arn, "chapter 5, or leave it out"
            )
    elif "certificateArn" in given and "certificateAuthorityArn" not in given:
        fix = f"give '{NAMESPACE}certificateAuthorityArn', too"
        reason = "the authority that issued the certificate is not known"
        yield problem(f"setting '{NAMESPACE}certificateArn'", reason, given["certificateArn"], fix)


def _images_for_app_mesh(app_image: str, envoy_image: str) -> Iterator[str]:
    """Validate that no image is known to work with App Mesh only."""
    if re.search(r"(^|/)colorapp([:@]|$)", app_image):
        reason = "listens on 0.0.0.0, which includes the loopback addresses of Envoy's listeners"
        fix = "an image whose application listens on 127.0.0.1:80; the default is nginx"
        yield problem(f"setting '{NAMESPACE}appImage'", reason, app_image, fix)
    if "appmesh-envoy" in envoy_image:
        fix = f"upstream Envoy with bash, such as '{ENVOY_IMAGES['envoy']}'"
        reason = "requires the App Mesh control plane, which has ended"
        yield problem(f"setting '{NAMESPACE}envoyImage'", reason, envoy_image, fix)


def _unknown_keys(own: Mapping[str, object]) -> Iterator[str]:
    """Validate the names of the settings; the fix names the most similar one."""
    known = {f"{NAMESPACE}{name}".lower(): f"{NAMESPACE}{name}" for name in PARSERS}
    for key in sorted(own.keys() - known.values()):
        nearest = known[get_close_matches(key.lower(), known, n=1, cutoff=0)[0]]
        fix = f"did you mean '{nearest}'? known: {', '.join(PARSERS)}"
        yield problem(f"setting '{key}'", "unknown setting", own[key], fix)


PARSERS: Mapping[str, tuple[str, Callable[[object], object]]] = {
    "chapter": ("chapter", one_of_numbers("unknown chapter", CHAPTERS)),
    "gateway": ("gateway", one_of_words("unknown exposure", GATEWAY_ENTRIES)),
    "weights": ("weights", parse_weights),
    "redBackends": ("red_backends", parse_red_backends),
    "vpcId": (
        "vpc_id",
        text_matching(re.compile(r"vpc-([0-9a-f]{8}|[0-9a-f]{17})"), "not a VPC id", "'vpc-' and 8 or 17 hex digits"),
    ),
    "clusterName": (
        "cluster_name",
        text_matching(
            re.compile(r"[A-Za-z0-9_-]{1,255}"), "not a cluster name", "1 to 255 letters, digits, '-' and '_'"
        ),
    ),
    "appImage": ("app_image", parse_image),
    "envoyImage": ("envoy_image", parse_image),
    "desiredCount": ("desired_count", integer_between(0, 5000)),
    "gatewayCount": ("gateway_count", integer_between(0, 5000)),
    "logRetentionDays": (
        "log_retention_days",
        one_of_numbers("not a retention period of CloudWatch Logs", tuple(RETENTION_DAYS)),
    ),
    "containerInsights": ("container_insights", parse_switch),
    "flowLogs": ("flow_logs", parse_switch),
    "dataPlane": ("data_plane", one_of_words("unknown data plane", DATA_PLANES)),
    "certificateAuthorityArn": (
        "certificate_authority_arn",
        text_matching(
            re.compile(r"arn:[a-z-]+:acm-pca:[a-z0-9-]+:\d{12}:certificate-authority/[A-Za-z0-9-]+"),
            "not the ARN of a certificate authority",
            "such as 'arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/…'",
        ),
    ),
    "certificateArn": (
        "certificate_arn",
        text_matching(
            re.compile(r"arn:[a-z-]+:acm:[a-z0-9-]+:\d{12}:certificate/[A-Za-z0-9-]+"),
            "not the ARN of a certificate",
            "such as 'arn:aws:acm:eu-west-1:111122223333:certificate/…'",
        ),
    ),
}
