"""Fixtures of all tests: cloud assemblies of the app, each synthesized once, and certificates."""

import json
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import trustme

from tests.support.cloudformation import Assembly


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-gold", action="store_true", help="rewrite the snapshots instead of comparing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of local meshes and of Envoys first: they wait, and each of their modules runs in one process."""
    first = ("tests/up/", "tests/traffic/")
    items.sort(key=lambda item: next((place for place, name in enumerate(first) if name in item.nodeid), len(first)))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let programs that a test starts receive SIGINT: a shell starts jobs in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def cloud_assembly(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Synthesize the app with the settings in keyword arguments, once for each combination."""
    from app import build

    @cache
    def synthesize(**settings: str) -> Path:
        out = tmp_path_factory.mktemp("cdk.out")
        # Warnings are for people; test_validation.py has the test of them.
        context: dict[str, object] = {"@aws-cdk/core:annotationsInValidationReport": False}
        context |= {f"color-mesh:{key}": value for key, value in settings.items()}
        build(context=context, outdir=str(out), validate=False).synth()
        return out

    return synthesize


@pytest.fixture(scope="session")
def synthesize(cloud_assembly: Callable[..., Path]) -> Callable[..., Assembly]:
    """Return the templates of the app with the settings in keyword arguments."""

    @cache
    def templates(**settings: str) -> Assembly:
        files = sorted(cloud_assembly(**settings).glob("*.template.json"))
        return {path.name.split(".")[0]: json.loads(path.read_text()) for path in files}

    return templates


@pytest.fixture(scope="session")
def assembly(synthesize: Callable[..., Assembly]) -> Assembly:
    """Templates of the app with its default settings: the last chapter of the tutorial."""
    return synthesize()


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a certificate, its key, and the certificate of the authority that signed it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = authority.issue_cert("red.colors.local")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "chain.pem"))
    return folder


@pytest.fixture
def root() -> Path:
    return Path(__file__).parent.parent
