"""Generated templates, changed at random: a command ends soon with an answer or the project's own error.

``make fuzz`` looks for inputs that nobody thought of. A failure prints the command and the file. A file that is moved
to ``tests/cli/found`` is a test from then on.
"""

import ast
import copy
import io
import json
import os
import shutil
import time
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.appmesh.source import read_source
from color_mesh.cli.main import main
from color_mesh.cloudformation import load
from color_mesh.envoy import configure
from color_mesh.model import MeshError
from tests.support.damage import change
from tests.support.ecs_strategies import shops, together
from tests.support.envoy import parts, validate
from tests.support.full_template import full_template
from tests.support.hostile_inputs import application
from tests.support.needs import examples

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "build" / "fuzz"
FOUND = Path(__file__).parent / "found"
MAX_SECONDS = 5
MANIFESTS = ROOT / "tests" / "manifests"
COMMANDS = (("show",), ("parity",), ("analyze", "--severity", "note"), ("up", "--plan"), ("migrate", "--out", "out"))
INTERCEPTIONS = ("transparent", "loopback")
PARTS = (
    *("--node=caller", "--node=target", "--gateway=gateway", "--node=a", "--node=shop", "--node=catalogue-v1"),
    *("--gateway=front", "--node=red"),
)
SHOP_PARTS = ("--node=website", "--gateway=door")
PIECES = st.sampled_from(
    (
        *(
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            '"',
            "'",
            "\\",
            "\n",
            "\t",
            " ",
            "#",
            "&a ",
            "*a",
            "<<: ",
            "- ",
            "? ",
            "| ",
            "> ",
        ),
        *(
            "---\n",
            "...\n",
            "%YAML 9\n",
            "!!binary ",
            "!!python/object:os.system ",
            "!Sub ",
            "!GetAtt ",
            "!Ref ",
            "!x ",
        ),
        *(
            "\x00",
            "\ufeff",
            "\ud800",
            "\x85",
            "😀",
            "1:60:60",
            "0b1",
            "0o8",
            "1_0",
            ".inf",
            "NaN",
            "2020-01-01",
            "=",
            "~",
        ),
    )
)


@cache
def seeds() -> tuple[tuple[Any, tuple[str, ...]], ...]:
    """Return documents that the commands read, and parts of their meshes."""
    template = load(ROOT / "examples" / "app_mesh" / "bookshop.yaml")
    described = json.loads((MANIFESTS / "02a-red-node.json").read_text())
    full = (full_template(), PARTS[:3])
    return (full, full, ({"Resources": application()}, PARTS[3:4]), (template, PARTS[4:7]), (described, PARTS[7:]))


@st.composite
def inputs(draw: st.DrawFn) -> tuple[tuple[str, str], tuple[str, ...]]:
    """Draw the ending and the text of a file that resembles a template or the AWS CLI's JSON, and a command for it."""
    seed, names = draw(st.sampled_from(seeds()) | shops().map(lambda shop: ({"Resources": together(shop)}, SHOP_PARTS)))
    compiling = st.tuples(
        st.just("compile"),
        st.sampled_from(names),
        st.sampled_from(INTERCEPTIONS).map("--interception={}".format),
        st.just("--sds-socket=/run/sds.sock"),
    )
    command = draw(compiling | st.sampled_from(COMMANDS))
    document = copy.deepcopy(seed)
    for _ in range(draw(st.sampled_from((1, 1, 1, 1, 2, 3)))):
        try:
            change(draw, document)
        except (KeyError, IndexError, TypeError):
            continue  # An earlier change took the place away.
    ending = draw(st.sampled_from((".json", ".json", ".yaml", ".template")))
    dump = yaml.safe_dump if ending == ".yaml" and draw(st.booleans()) else json.dumps
    try:
        text = dump(document)
    except (ValueError, yaml.YAMLError):
        text = json.dumps(document)
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 0, 0, 0, 0, 0, 1)))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.sampled_from((0, 0, 1, 20)))
        text = text[:start] + draw(PIECES) + text[end:]
    return (ending, text), command


def run(folder: Path, file: Path, command: tuple[str, ...]) -> tuple[int, str, str]:
    """Run a command in a folder, and return its status and output. It ends within the limit."""
    here = Path.cwd()
    os.chdir(folder)
    out, err = io.StringIO(), io.StringIO()
    start = time.process_time()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = main([*command, str(file)])
    finally:
        os.chdir(here)
    assert time.process_time() - start < MAX_SECONDS
    return status, out.getvalue(), err.getvalue()


def check(folder: Path, file: Path, command: tuple[str, ...]) -> None:
    """Fail unless the command ends with a complete answer, or with an error and nothing else."""
    status, out, err = run(folder, file, command)
    assert status in (0, 1), status
    assert all(line.isprintable() for line in (out + err).split("\n")), out + err
    # The status of an analysis tells about its findings.
    if status == 1 and not (command[0] == "analyze" and out):
        assert out == ""
        assert err.strip()
        assert not (folder / "out").exists()
    elif command[0] == "compile":
        json.loads(out)
    for generated in (folder / "out").rglob("*.py"):
        ast.parse(generated.read_text())


def write(folder: Path, ending: str, text: str) -> Path:
    file = folder / f"input{ending}"
    file.write_bytes(text.encode(errors="surrogatepass"))
    return file


@pytest.mark.thorough
@examples(250)
@given(drawn=inputs())
def test_any_template_is_answered_or_refused(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[tuple[str, str], tuple[str, ...]]
) -> None:
    text, command = drawn
    folder = tmp_path_factory.mktemp("fuzz")
    file = write(folder, *text)
    try:
        check(folder, file, command)
    except Exception:
        KEPT.mkdir(parents=True, exist_ok=True)
        print(f"color-mesh {' '.join(command)} {write(KEPT, *text)}")
        raise


@pytest.mark.envoy
@examples(40)
@given(drawn=inputs())
def test_what_compiles_is_accepted_by_envoy(
    tmp_path_factory: pytest.TempPathFactory, tls: Path, drawn: tuple[tuple[str, str], tuple[str, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        meshes = read_source([write(folder, *drawn[0])]).meshes
    except MeshError:
        return
    for mesh in meshes[:1]:
        for part in parts(mesh)[:1]:
            try:
                configuration = configure(mesh, part, sds_socket="/run/sds.sock")
            except MeshError:
                continue
            validate(configuration, folder, tls)


def test_found_inputs_are_answered_or_refused(tmp_path: Path) -> None:
    for file in sorted(FOUND.glob("*")):
        for command in (*COMMANDS, *(("compile", part) for part in PARTS)):
            check(tmp_path, file, command)
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
