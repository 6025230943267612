"""``color-mesh migrate``: what it writes and says, and what it leaves alone when something is wrong."""

from pathlib import Path

import pytest

from color_mesh.cli.main import main

BOOKSHOP = str(Path(__file__).parent.parent.parent / "examples" / "app_mesh" / "bookshop.yaml")
MANIFESTS = str(Path(__file__).parent.parent / "manifests")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["migrate", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    return err.removesuffix("\n")


def test_the_app_is_named_after_the_mesh(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", BOOKSHOP]) == 0
    assert [path.name for path in here.iterdir()] == ["bookshop-prod"]
    assert sorted(path.name for path in (here / "bookshop-prod").iterdir()) == [
        "MIGRATION.md",
        "app.py",
        "cdk.json",
        "mesh_stack.py",
        "network_stack.py",
        "services_stack.py",
    ]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        "bookshop-prod: a CDK app with 6 virtual nodes, 5 virtual services, 1 virtual router, 2 routes, "
        "1 virtual gateway, 1 gateway route, 4 services of ECS"
    )
    assert said[-1] == "Details: bookshop-prod/MIGRATION.md. Next: cd bookshop-prod && cdk synth"


def test_what_is_lost_and_to_be_done_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", BOOKSHOP]) == 0
    said = capsys.readouterr().out
    assert "What could not be carried over:\n" in said
    assert "  virtual node 'shop' listener 8080: TLS (STRICT): it takes plaintext now" in said
    assert "What is to be done by hand:\n" in said


def test_it_may_be_somewhere_else(here: Path) -> None:
    assert main(["migrate", BOOKSHOP, "--out", "deep/er/shop"]) == 0
    assert (here / "deep" / "er" / "shop" / "app.py").exists()


def test_an_empty_folder_is_taken(here: Path) -> None:
    (here / "shop").mkdir()
    assert main(["migrate", BOOKSHOP, "--out", "shop"]) == 0
    assert (here / "shop" / "app.py").exists()


def test_what_a_link_leads_to_is_taken(here: Path) -> None:
    (here / "real").mkdir()
    (here / "link").symlink_to("real")
    assert main(["migrate", BOOKSHOP, "--out", "link"]) == 0
    assert (here / "link").is_symlink()
    assert (here / "real" / "app.py").exists()


def test_what_was_read_with_what_is_in_the_report(here: Path) -> None:
    assert main(["migrate", BOOKSHOP, "--set", "Tag=2 beta"]) == 0
    assert f"Made by `color-mesh migrate {BOOKSHOP} --set 'Tag=2 beta'`." in (
        (here / "bookshop-prod" / "MIGRATION.md").read_text()
    )


def test_values_are_given_as_to_other_commands(here: Path) -> None:
    assert main(["migrate", BOOKSHOP, "--set", "Environment=test", "--set", "Table.Ref=books"]) == 0
    assert '"TABLE": "books"' in (here / "bookshop-test" / "services_stack.py").read_text()


# What is wrong changes nothing


def test_a_folder_with_something_in_it_is_left_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "shop").mkdir()
    (here / "shop" / "app.py").write_text("mine")
    assert refusal(capsys, BOOKSHOP, "--out", "shop") == (
        "--out: is there already, got 'shop' (name a folder that is new, or empty)"
    )
    assert (here / "shop" / "app.py").read_text() == "mine"
    assert [path.name for path in (here / "shop").iterdir()] == ["app.py"]


def test_a_file_is_left_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "shop").write_text("mine")
    assert refusal(capsys, BOOKSHOP, "--out", "shop") == (
        "--out: is there already, got 'shop' (name a folder that is new, or empty)"
    )
    assert (here / "shop").read_text() == "mine"


def test_a_folder_below_a_file_cannot_be(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "file").write_text("mine")
    said = refusal(capsys, BOOKSHOP, "--out", "file/shop")
    assert said == "--out: cannot be written: File exists, got 'file/shop' (name a folder that you may write)"


def test_one_of_several_meshes_is_to_be_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, BOOKSHOP, MANIFESTS).splitlines()[-1] == (
        "--mesh: the source has several meshes, got None (one of: color-mesh, bookshop-prod)"
    )
    assert main(["migrate", BOOKSHOP, MANIFESTS, "--mesh", "color-mesh"]) == 0
    assert [path.name for path in here.iterdir()] == ["color-mesh"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            [BOOKSHOP, "--mesh", "shop"], "--mesh: unknown mesh, got 'shop' (known: bookshop-prod)", id="unknown-mesh"
        ),
        pytest.param([BOOKSHOP, "--set", "Tag"], "--set: not NAME=VALUE, got 'Tag' (such as ", id="no-value"),
        pytest.param(["nowhere.yaml"], "nowhere.yaml: cannot be read", id="no-file"),
        pytest.param(
            [BOOKSHOP, "--set", "CatalogueRegistry.Arn=x", "--set", "Tags=2"],
            "value of 'Tags': matches nothing in the templates, got 'Tags' (parameters: ",
            id="no-parameter",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    arguments: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, *arguments).startswith(said)
    assert list(here.iterdir()) == []
