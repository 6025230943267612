"""Programs that run in place of images."""

import pytest

from color_mesh.local.plan.programs import program_of


@pytest.mark.parametrize(
    "image",
    [
        "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.27.0.0-prod",
        "envoyproxy/envoy:v1.38.0",
        "envoyproxy/envoy-distroless@sha256:0123",
        "registry:5000/team/envoy",
        "envoy",
    ],
)
def test_image_of_envoy_runs_the_installed_envoy(image: str) -> None:
    program = program_of(image, {})
    assert program is not None
    assert (program.envoy, program.command) == (True, ("envoy",))


@pytest.mark.parametrize("image", ["envoyproxy/ratelimit", "example/envoy-exporter", "nginx", "colorapp"])
def test_other_image_has_no_program(image: str) -> None:
    assert program_of(image, {}) is None


@pytest.mark.parametrize("name", ["a/b:1", "a/b", "b"])
def test_command_is_looked_up_by_any_name_of_the_image(name: str) -> None:
    program = program_of("a/b:1", {name: ("true",)})
    assert program is not None
    assert (program.envoy, program.command) == (False, ("true",))
