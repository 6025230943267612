"""Rules of the layout that break silently."""

from pathlib import Path

import constructs


def test_source_root_is_no_package(root: Path) -> None:
    assert not (root / "constructs" / "__init__.py").exists()


def test_constructs_is_the_library_of_that_name(root: Path) -> None:
    assert constructs.__file__ is not None
    assert not Path(constructs.__file__).is_relative_to(root / "constructs")


def test_model_loads_only_the_standard_library(root: Path) -> None:
    imports = {
        line.split()[1].split(".")[0]
        for path in (root / "constructs" / "color_mesh" / "model").glob("*.py")
        for line in path.read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imports == {"collections", "color_mesh", "contextlib", "dataclasses", "itertools", "re", "typing"}
