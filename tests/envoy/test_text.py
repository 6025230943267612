"""Text and numbers that the model accepts are accepted by Envoy too."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.envoy import Loopback, Transparent, configure
from color_mesh.envoy.placement import Interception
from color_mesh.model import AccessLog, HeaderMatch, Mesh, MeshError, RouteMatch
from color_mesh.model.log_format import ARGUMENTS, check_log_format
from color_mesh.model.regex import check_regex
from tests.support.builders import mesh, node, route, router, service, to
from tests.support.envoy import parts, validate
from tests.support.hostile_text import EXPRESSIONS, FORMATS, replaced, replacements
from tests.support.mesh_strategies import meshes
from tests.support.needs import examples

INTERCEPTIONS: tuple[Interception, ...] = (Transparent(), Loopback())
ARGUMENTS_OF_OPERATORS = {
    "REQ": ":path?x):9",
    "START_TIME": "%s.%3f)",
    "DYNAMIC_METADATA": "a:b):9",
    "CLUSTER_METADATA": "a:b)",
    "FILTER_STATE": "a:FIELD:b):9",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": "MASK_PREFIX_LEN=24)",
    "METADATA": "LISTENER_FILTER_CHAIN:a:b):9",
    "GRPC_STATUS": "SNAKE_STRING)",
    "RESPONSE_CODE_DETAILS": "ALLOW_WHITESPACES)",
    "QUERY_PARAMS": "DECODED):9",
    "PATH": "NQ:ORIG_OR_PATH):9",
    "COMMON_DURATION": "US_CX_BEG:US_CX_END:ns)",
    "PROTOCOL": ")",
}


def accept(described: Mesh, name: str, tls: Path) -> None:
    """Fail unless Envoy accepts the configuration of a node."""
    with tempfile.TemporaryDirectory() as folder:
        validate(configure(described, described.node(name)), Path(folder), tls)


def accept_formats(formats: Sequence[str], tls: Path) -> None:
    """Fail unless Envoy accepts these format strings."""
    log = AccessLog(json=tuple((str(number), each) for number, each in enumerate(formats)))
    accept(mesh(nodes=(node(access_log=log),)), "red", tls)


def caller_with(expressions: Sequence[str]) -> Mesh:
    """Return a mesh with a route for each expression."""
    routes = tuple(
        route(f"r{number}", match=RouteMatch(path_regex=each, headers=(HeaderMatch(name="x", exact=str(number)),)))
        for number, each in enumerate(expressions)
    )
    backend = service("red.colors.local", virtual_router="router")
    nodes = (node(), node("caller", backends=(to(backend.name),)))
    return mesh(nodes=nodes, services=(backend,), routers=(router(routes=routes),))


@pytest.mark.envoy
@examples(6)
@given(drawn=st.lists(EXPRESSIONS, min_size=60, max_size=150))
def test_envoy_accepts_every_regular_expression_that_the_model_accepts(tls: Path, drawn: list[str]) -> None:
    accepted = [each for each in dict.fromkeys(drawn) if len(each) <= 255 and not [*check_regex("", "", each)]]
    accept(caller_with(accepted), "caller", tls)


@pytest.mark.envoy
@pytest.mark.parametrize("regex", ["(?=a)", r"(a)\1", "a{1001}", "a{997}", "(a{11}){100}", "a**", "[z-a]", r"\x{100}"])
def test_envoy_refuses_what_the_model_refuses(monkeypatch: pytest.MonkeyPatch, tls: Path, regex: str) -> None:
    with pytest.raises(MeshError):
        caller_with([regex])
    monkeypatch.setattr("color_mesh.model.match.check_regex", lambda *_: ())
    with pytest.raises(AssertionError, match="error initializing configuration"):
        accept(caller_with([regex]), "caller", tls)


@pytest.mark.envoy
@examples(6)
@given(drawn=st.lists(FORMATS, min_size=60, max_size=150))
def test_envoy_accepts_every_format_that_the_model_accepts(tls: Path, drawn: list[str]) -> None:
    accept_formats([each for each in drawn if len(each) <= 100 and not [*check_log_format("", "", each)]] or ["a"], tls)


@pytest.mark.envoy
def test_envoy_has_every_operator(tls: Path) -> None:
    of_patterns = {ARGUMENTS[name]: arguments for name, arguments in ARGUMENTS_OF_OPERATORS.items()}
    accept_formats([f"%{name}({of_patterns[pattern]}%" for name, pattern in ARGUMENTS.items()], tls)


@pytest.mark.envoy
@pytest.mark.parametrize(
    "text", ["%FOO%", "%", "%REQ(", "%REQ(a?b?c)%", "%REQ(ä)%", "%START_TIME(%n)%", "%PROTOCOL(a)%"]
)
def test_envoy_refuses_formats_that_the_model_refuses(monkeypatch: pytest.MonkeyPatch, tls: Path, text: str) -> None:
    with pytest.raises(MeshError):
        accept_formats([text], tls)
    monkeypatch.setattr("color_mesh.model.access_log.check_log_format", lambda *_: ())
    with pytest.raises(AssertionError, match="error initializing configuration"):
        accept_formats([text], tls)


@pytest.mark.envoy
@examples(25)
@given(data=st.data(), valid=meshes(compilable=True))
def test_mesh_with_any_text_is_refused_or_accepted_by_envoy(tls: Path, data: st.DataObject, valid: Mesh) -> None:
    described = valid
    for _ in range(data.draw(st.integers(1, 4))):
        path, new = data.draw(replacements(described))
        try:
            described = replaced(described, path, new)
        except MeshError:
            continue
    for part in parts(described)[: 2 if described is not valid else 0]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                interception = data.draw(st.sampled_from(INTERCEPTIONS))
                configuration = configure(described, part, interception=interception, sds_socket="/run/sds.sock")
            except MeshError:
                continue
            validate(configuration, Path(folder), tls)
