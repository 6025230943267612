"""The app's settings: defaults, valid values and error messages."""

from typing import Any

import pytest

from color_mesh.model import MeshError
from color_mesh.model.deployment import ENVOY_IMAGES
from stacks.settings import Settings, read_settings

VPC = "vpc-0123456789abcdef0"
DIGEST = f"sha256:{'0' * 64}"
KNOWN = (
    "known: chapter, gateway, weights, redBackends, vpcId, clusterName, appImage, envoyImage, desiredCount, "
    "gatewayCount, logRetentionDays, containerInsights, flowLogs, dataPlane, certificateAuthorityArn, certificateArn"
)
RETENTIONS = (
    "one of: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653"
)
NODES = "such as 'green=4'; nodes: red, blue, green, yellow"
WEIGHT = "weight of 'green' is not an integer in range"
AUTHORITY = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11223344-1234-1122-2233-112233445566"
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/11223344-1234-1122-2233-112233445566"
IMAGES = "such as 'name', 'registry/name:tag' or 'name@sha256:…'"


NO_AUTHORITY = (
    "not the ARN of a certificate authority",
    "such as 'arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/…'",
)
NO_CERTIFICATE = ("not the ARN of a certificate", "such as 'arn:aws:acm:eu-west-1:111122223333:certificate/…'")


def read(**given: object) -> Settings:
    """Read settings, given without their namespace, with an account and a region."""
    return read_settings({f"color-mesh:{key}": value for key, value in given.items()}, can_look_up=True)


def refusal(context: dict[str, object]) -> str:
    """Return the message of the error for a context."""
    with pytest.raises(MeshError) as error:
        read_settings(context)
    return str(error.value)


def test_default_settings_are_the_final_state_of_the_tutorial() -> None:
    assert read_settings({}) == Settings()
    assert Settings() == Settings(
        chapter=4,
        gateway="load-balancer",
        weights=(("green", 4), ("yellow", 1)),
        red_backends=("router",),
        vpc_id=None,
        cluster_name=None,
        app_image=None,
        envoy_image="public.ecr.aws/appmesh/aws-appmesh-envoy:v1.27.0.0-prod",
        desired_count=1,
        gateway_count=2,
        log_retention_days=7,
        container_insights=True,
        flow_logs=True,
        data_plane="app-mesh",
        certificate_authority_arn=None,
        certificate_arn=None,
    )


def test_envoy_plane_has_its_own_default_image() -> None:
    settings = read(dataPlane="envoy")
    assert settings.envoy_image == ENVOY_IMAGES["envoy"]


@pytest.mark.parametrize("image", ["forsakenidol/colorapp", "colorapp:2", "registry:5000/colorapp@" + DIGEST])
def test_envoy_plane_refuses_the_image_that_listens_on_all_addresses(image: str) -> None:
    assert refusal({"color-mesh:dataPlane": "envoy", "color-mesh:appImage": image}) == (
        "setting 'color-mesh:appImage': listens on 0.0.0.0, which includes the loopback addresses of Envoy's "
        f"listeners, got '{image}' (an image whose application listens on 127.0.0.1:80; the default is nginx)"
    )


def test_envoy_plane_refuses_the_envoy_image_of_app_mesh() -> None:
    image = "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.27.0.0-prod"
    assert refusal({"color-mesh:dataPlane": "envoy", "color-mesh:envoyImage": image}) == (
        "setting 'color-mesh:envoyImage': requires the App Mesh control plane, which has ended, "
        f"got '{image}' (upstream Envoy with bash, such as '{ENVOY_IMAGES['envoy']}')"
    )


def test_envoy_plane_accepts_other_images() -> None:
    settings = read(dataPlane="envoy", appImage="example/colorapp-2:1", envoyImage="example/envoy:1")
    assert (settings.app_image, settings.envoy_image) == ("example/colorapp-2:1", "example/envoy:1")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("@aws-cdk/core:newStyleStackSynthesis", True, id="cdk-flag"),
        pytest.param("aws:cdk:version", "2", id="cdk-version"),
        pytest.param("chapter", "9", id="without-a-namespace"),
        pytest.param("color-mesher:chapter", "9", id="longer-namespace"),
        pytest.param("color-mesh2:chapter", "9", id="numbered-namespace"),
        pytest.param("my-color-mesh:chapter", "9", id="namespace-inside"),
    ],
)
def test_keys_of_other_namespaces_are_ignored(key: str, value: object) -> None:
    assert read_settings({key: value}) == Settings()


@pytest.mark.parametrize(
    ("key", "value", "attribute", "expected"),
    [
        pytest.param("chapter", "3", "chapter", 3, id="chapter"),
        pytest.param("chapter", 3, "chapter", 3, id="chapter-json"),
        pytest.param("gateway", "public-ip", "gateway", "public-ip", id="gateway-public-ip"),
        pytest.param("gateway", "load-balancer", "gateway", "load-balancer", id="gateway-load-balancer"),
        pytest.param("weights", "green=1", "weights", (("green", 1),), id="weights-one"),
        pytest.param("weights", "green=0,yellow=1", "weights", (("green", 0), ("yellow", 1)), id="weights-low"),
        pytest.param("weights", "green=100", "weights", (("green", 100),), id="weights-high"),
        pytest.param("weights", " blue = 2 , red = 1 ", "weights", (("blue", 2), ("red", 1)), id="weights-in-order"),
        pytest.param("redBackends", "blue", "red_backends", ("blue",), id="backends-one"),
        pytest.param("redBackends", "router, blue", "red_backends", ("router", "blue"), id="backends-in-order"),
        pytest.param("redBackends", "", "red_backends", (), id="backends-none"),
        pytest.param("vpcId", VPC, "vpc_id", VPC, id="vpc-long"),
        pytest.param("vpcId", "vpc-12345678", "vpc_id", "vpc-12345678", id="vpc-short"),
        pytest.param("clusterName", "Colors_1-a", "cluster_name", "Colors_1-a", id="cluster"),
        pytest.param("clusterName", "a", "cluster_name", "a", id="cluster-low"),
        pytest.param("clusterName", "a" * 255, "cluster_name", "a" * 255, id="cluster-high"),
        pytest.param("appImage", "colorapp", "app_image", "colorapp", id="image-name"),
        pytest.param("appImage", "localhost:5000/a/b:V1", "app_image", "localhost:5000/a/b:V1", id="image-tag"),
        pytest.param("appImage", "a:b", "app_image", "a:b", id="image-tag-low"),
        pytest.param("appImage", f"a:{'b' * 128}", "app_image", f"a:{'b' * 128}", id="image-tag-high"),
        pytest.param("appImage", f"a@{DIGEST}", "app_image", f"a@{DIGEST}", id="image-digest"),
        pytest.param("envoyImage", "envoyproxy/envoy", "envoy_image", "envoyproxy/envoy", id="envoy-image"),
        pytest.param("desiredCount", "0", "desired_count", 0, id="count-low"),
        pytest.param("desiredCount", "5000", "desired_count", 5000, id="count-high"),
        pytest.param("desiredCount", 3, "desired_count", 3, id="count-json"),
        pytest.param("gatewayCount", "0", "gateway_count", 0, id="gateway-count-low"),
        pytest.param("gatewayCount", "5000", "gateway_count", 5000, id="gateway-count-high"),
        pytest.param("gatewayCount", 3, "gateway_count", 3, id="gateway-count-json"),
        pytest.param("logRetentionDays", "1", "log_retention_days", 1, id="retention-low"),
        pytest.param("containerInsights", "false", "container_insights", False, id="insights-off"),
        pytest.param("flowLogs", False, "flow_logs", False, id="flow-logs-off-json"),
        pytest.param("flowLogs", "true", "flow_logs", True, id="flow-logs-on"),
        pytest.param("logRetentionDays", 3653, "log_retention_days", 3653, id="retention-high-json"),
        pytest.param("dataPlane", "app-mesh", "data_plane", "app-mesh", id="data-plane"),
    ],
)
def test_setting_is_read_from_text_or_json(key: str, value: object, attribute: str, expected: object) -> None:
    assert getattr(read(**{key: value}), attribute) == expected


def test_certificates_are_given_to_chapter_5() -> None:
    settings = read(chapter="5", certificateAuthorityArn=AUTHORITY, certificateArn=CERTIFICATE)
    assert (settings.certificate_authority_arn, settings.certificate_arn) == (AUTHORITY, CERTIFICATE)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"chapter": "4", "certificateAuthorityArn": AUTHORITY},
            (
                f"setting 'color-mesh:certificateAuthorityArn': chapter 4 has no TLS, got '{AUTHORITY}' "
                "(chapter 5, or leave it out)"
            ),
        ),
        (
            {"chapter": "5", "certificateArn": CERTIFICATE},
            (
                "setting 'color-mesh:certificateArn': the authority that issued the certificate is not known, "
                f"got '{CERTIFICATE}' (give 'color-mesh:certificateAuthorityArn', too)"
            ),
        ),
    ],
)
def test_certificate_without_use_is_refused(given: dict[str, object], message: str) -> None:
    assert refusal({f"color-mesh:{key}": value for key, value in given.items()}) == message


def test_settings_do_not_change_each_other() -> None:
    assert read(chapter="3", vpcId=VPC, desiredCount="2") == Settings(chapter=3, vpc_id=VPC, desired_count=2)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"chapter": "2"}, (), id="chapter-2"),
        pytest.param({"chapter": "2", "redBackends": "blue"}, ("blue",), id="chapter-2-given"),
        pytest.param({"chapter": "2", "redBackends": ""}, (), id="chapter-2-given-none"),
        pytest.param({"chapter": "3"}, ("router",), id="chapter-3"),
        pytest.param({"chapter": "4"}, ("router",), id="chapter-4"),
    ],
)
def test_default_backends_of_red_depend_on_the_chapter(given: dict[str, str], expected: tuple[str, ...]) -> None:
    assert read(**given).red_backends == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"gateway": "load-balancer"}, 2, id="load-balancer"),
        pytest.param({"gateway": "public-ip"}, 1, id="public-ip"),
        pytest.param({"gateway": "public-ip", "gatewayCount": "3"}, 3, id="public-ip-given"),
    ],
)
def test_default_gateway_count_depends_on_the_exposure(given: dict[str, str], expected: int) -> None:
    assert read(**given).gateway_count == expected


@pytest.mark.parametrize(
    ("key", "value", "wrong", "fix"),
    [
        pytest.param("chapter", 7, "unknown chapter", "one of: 2, 3, 4, 5, 6", id="chapter-high"),
        pytest.param("chapter", "1", "unknown chapter", "one of: 2, 3, 4, 5, 6", id="chapter-low"),
        pytest.param("chapter", "four", "unknown chapter", "one of: 2, 3, 4, 5, 6", id="chapter-word"),
        pytest.param("chapter", True, "unknown chapter", "one of: 2, 3, 4, 5, 6", id="chapter-true"),
        pytest.param("chapter", 4.0, "unknown chapter", "one of: 2, 3, 4, 5, 6", id="chapter-float"),
        pytest.param("chapter", None, "unknown chapter", "one of: 2, 3, 4, 5, 6", id="chapter-null"),
        pytest.param("certificateAuthorityArn", CERTIFICATE, *NO_AUTHORITY, id="authority-is-a-certificate"),
        pytest.param("certificateAuthorityArn", AUTHORITY + "*", *NO_AUTHORITY, id="authority-wildcard"),
        pytest.param("certificateAuthorityArn", "", *NO_AUTHORITY, id="authority-empty"),
        pytest.param("certificateArn", AUTHORITY, *NO_CERTIFICATE, id="certificate-is-an-authority"),
        pytest.param("certificateArn", "red", *NO_CERTIFICATE, id="certificate-name"),
        pytest.param("certificateArn", ["a"], *NO_CERTIFICATE, id="certificate-list"),
        pytest.param("gateway", "nlb", "unknown exposure", "one of: load-balancer, public-ip", id="gateway"),
        pytest.param("gateway", [], "unknown exposure", "one of: load-balancer, public-ip", id="gateway-list"),
        pytest.param("weights", "", "'' is not NODE=WEIGHT", NODES, id="weights-empty"),
        pytest.param("weights", "green", "'green' is not NODE=WEIGHT", NODES, id="weights-without-weight"),
        pytest.param("weights", "purple=1", "'purple=1' is not NODE=WEIGHT", NODES, id="weights-unknown"),
        pytest.param("weights", "green=1,", "'' is not NODE=WEIGHT", NODES, id="weights-comma-last"),
        pytest.param("weights", "green=101", WEIGHT, "0 to 100", id="weights-high"),
        pytest.param("weights", "green=-1", WEIGHT, "0 to 100", id="weights-low"),
        pytest.param("weights", "green=1.5", WEIGHT, "0 to 100", id="weights-fraction"),
        pytest.param(
            "weights", "green=0,yellow=0", "every weight is 0", "at least one of 1 to 100", id="weights-all-0"
        ),
        pytest.param("weights", "green=1,green=2", "duplicate node 'green'", "name each node once", id="weights-twice"),
        pytest.param("weights", 4, "not text", "such as 'green=4,yellow=1'", id="weights-number"),
        pytest.param("redBackends", "green", "unknown backend 'green'", "known: blue, router", id="backends-unknown"),
        pytest.param(
            "redBackends", "blue,blue", "duplicate backend 'blue'", "name each backend once", id="backends-twice"
        ),
        pytest.param(
            "redBackends",
            ["blue"],
            "not text",
            "such as 'router' or 'router,blue', or '' for none",
            id="backends-list",
        ),
        pytest.param("vpcId", "vpc-1", "not a VPC id", "'vpc-' and 8 or 17 hex digits", id="vpc-short"),
        pytest.param("vpcId", f"{VPC}0", "not a VPC id", "'vpc-' and 8 or 17 hex digits", id="vpc-long"),
        pytest.param("vpcId", "", "not a VPC id", "'vpc-' and 8 or 17 hex digits", id="vpc-empty"),
        pytest.param(
            "vpcId",
            VPC,
            "lookup needs an account and a region",
            "configure AWS credentials and a region for the CDK CLI",
            id="vpc-without-account",
        ),
        pytest.param(
            "clusterName", "a b", "not a cluster name", "1 to 255 letters, digits, '-' and '_'", id="cluster-space"
        ),
        pytest.param(
            "clusterName", "", "not a cluster name", "1 to 255 letters, digits, '-' and '_'", id="cluster-empty"
        ),
        pytest.param(
            "clusterName", "a" * 256, "not a cluster name", "1 to 255 letters, digits, '-' and '_'", id="cluster-long"
        ),
        pytest.param("appImage", "", "not an image name", IMAGES, id="image-empty"),
        pytest.param("appImage", "Color/App", "not an image name", IMAGES, id="image-capitals"),
        pytest.param("appImage", "colorapp:", "not an image name", IMAGES, id="image-tag-empty"),
        pytest.param("appImage", f"a:{'b' * 129}", "not an image name", IMAGES, id="image-tag-long"),
        pytest.param("appImage", "colorapp@sha256:12", "not an image name", IMAGES, id="image-digest-short"),
        pytest.param("envoyImage", "my envoy", "not an image name", IMAGES, id="envoy-image"),
        pytest.param("desiredCount", -1, "not an integer in range", "0 to 5000", id="count-low"),
        pytest.param("desiredCount", 5001, "not an integer in range", "0 to 5000", id="count-high"),
        pytest.param("desiredCount", "1.5", "not an integer in range", "0 to 5000", id="count-fraction"),
        pytest.param("desiredCount", True, "not an integer in range", "0 to 5000", id="count-true"),
        pytest.param("gatewayCount", "-1", "not an integer in range", "0 to 5000", id="gateway-count-low"),
        pytest.param("gatewayCount", "5001", "not an integer in range", "0 to 5000", id="gateway-count-high"),
        pytest.param(
            "logRetentionDays", 8, "not a retention period of CloudWatch Logs", RETENTIONS, id="retention-number"
        ),
        pytest.param("flowLogs", "maybe", "neither true nor false", "one of: true, false", id="switch-word"),
        pytest.param("containerInsights", 1, "neither true nor false", "one of: true, false", id="switch-number"),
        pytest.param("flowLogs", ["true"], "neither true nor false", "one of: true, false", id="switch-list"),
        pytest.param("dataPlane", "istio", "unknown data plane", "one of: app-mesh, envoy", id="data-plane"),
    ],
)
def test_invalid_value_is_refused(key: str, value: object, wrong: str, fix: str) -> None:
    assert refusal({f"color-mesh:{key}": value}) == f"setting 'color-mesh:{key}': {wrong}, got {value!r} ({fix})"


@pytest.mark.parametrize("backends", ["router", "blue,router"])
def test_chapter_2_refuses_the_router_as_a_backend(backends: str) -> None:
    assert refusal({"color-mesh:chapter": "2", "color-mesh:redBackends": backends}) == (
        "setting 'color-mesh:redBackends': backend does not exist in chapter 2, got 'router' "
        "(chapter 3 adds it; available: 'blue', or '' for none)"
    )


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        pytest.param("chaptr", "chapter", id="letter-missing"),
        pytest.param("weight", "weights", id="singular"),
        pytest.param("vpc-id", "vpcId", id="dashed"),
        pytest.param("desired_count", "desiredCount", id="underscored"),
        pytest.param("image", "appImage", id="part"),
    ],
)
def test_unknown_setting_is_refused_with_the_most_similar_name(key: str, nearest: str) -> None:
    assert refusal({f"color-mesh:{key}": "2"}) == (
        f"setting 'color-mesh:{key}': unknown setting, got '2' (did you mean 'color-mesh:{nearest}'? {KNOWN})"
    )


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        pytest.param("color-mesh", "vpcId", id="namespace-only"),
        pytest.param("color-mesh:", "vpcId", id="namespace-and-colon"),
        pytest.param("color-mesh-chapter", "chapter", id="dash-for-colon"),
        pytest.param("color-mesh_chapter", "chapter", id="underscore-for-colon"),
        pytest.param("color-mesh:CHAPTER", "chapter", id="setting-in-capitals"),
        pytest.param("color-mesh:vpcid", "vpcId", id="setting-in-small-letters"),
        pytest.param("COLOR-MESH:chapter", "chapter", id="namespace-in-capitals"),
        pytest.param("colormesh:chapter", "chapter", id="namespace-without-dash"),
        pytest.param("color_mesh:chapter", "chapter", id="namespace-with-underscore"),
        pytest.param("colour-mesh:chapter", "chapter", id="namespace-in-british-spelling"),
    ],
)
def test_key_in_a_misspelled_namespace_is_refused(key: str, nearest: str) -> None:
    assert refusal({key: "2"}) == (
        f"setting '{key}': unknown setting, got '2' (did you mean 'color-mesh:{nearest}'? {KNOWN})"
    )


def test_every_problem_of_the_weights_comes_in_one_error() -> None:
    given = "green,purple=1,green=101,blue=1,blue=2"
    assert refusal({"color-mesh:weights": given}).splitlines() == [
        f"setting 'color-mesh:weights': 'green' is not NODE=WEIGHT, got '{given}' ({NODES})",
        f"setting 'color-mesh:weights': 'purple=1' is not NODE=WEIGHT, got '{given}' ({NODES})",
        f"setting 'color-mesh:weights': {WEIGHT}, got '{given}' (0 to 100)",
        f"setting 'color-mesh:weights': duplicate node 'blue', got '{given}' (name each node once)",
    ]


def test_every_problem_of_the_red_backends_comes_in_one_error() -> None:
    given = "green,blue,purple,blue"
    assert refusal({"color-mesh:redBackends": given}).splitlines() == [
        f"setting 'color-mesh:redBackends': unknown backend 'green', got '{given}' (known: blue, router)",
        f"setting 'color-mesh:redBackends': unknown backend 'purple', got '{given}' (known: blue, router)",
        f"setting 'color-mesh:redBackends': duplicate backend 'blue', got '{given}' (name each backend once)",
    ]


def test_problems_of_several_settings_come_in_one_error() -> None:
    given: dict[str, Any] = {
        "color-mesh:vpcId": VPC,
        "color-mesh:weights": "green",
        "color-mesh:chapter": "five",
        "color-mesh:dataPlan": "app-mesh",
        "color-mesh:chaptr": "2",
    }
    with pytest.raises(MeshError) as error:
        read_settings(given)
    assert error.value.problems == (
        f"setting 'color-mesh:chaptr': unknown setting, got '2' (did you mean 'color-mesh:chapter'? {KNOWN})",
        (
            "setting 'color-mesh:dataPlan': unknown setting, got 'app-mesh' "
            f"(did you mean 'color-mesh:dataPlane'? {KNOWN})"
        ),
        "setting 'color-mesh:chapter': unknown chapter, got 'five' (one of: 2, 3, 4, 5, 6)",
        f"setting 'color-mesh:weights': 'green' is not NODE=WEIGHT, got 'green' ({NODES})",
        (
            f"setting 'color-mesh:vpcId': lookup needs an account and a region, got '{VPC}' "
            "(configure AWS credentials and a region for the CDK CLI)"
        ),
    )
    assert str(error.value) == "\n".join(error.value.problems)
