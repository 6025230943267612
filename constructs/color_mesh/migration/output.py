"""Writing the generated files to a folder."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from color_mesh.model import MeshError
from color_mesh.model.errors import problem


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files to a new or empty folder: all of them, or none.

    Raises:
        MeshError: When the folder has contents, or cannot be written.
    """
    try:
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise MeshError([problem("--out", "already exists", str(folder), "name a new or an empty folder")])
        # A symbolic link stays, and its target is replaced.
        target = folder.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, because a folder cannot be moved to another file system at once.
        with TemporaryDirectory(prefix=".color-mesh-", dir=target.parent) as temporary:
            written = Path(temporary, "app")
            written.mkdir()
            if target.exists():
                shutil.copymode(target, written)
            for name, text in files.items():
                (written / name).write_text(text, encoding="utf-8", newline="\n")
            os.replace(written, target)
    except OSError as error:
        fix = "name a folder that you may write to"
        raise MeshError([problem("--out", f"cannot be written: {error.strerror}", str(folder), fix)]) from None
