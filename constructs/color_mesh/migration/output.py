"""Writing the generated files to a folder."""

import os
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
        if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
            raise MeshError([problem("--out", "already exists", str(folder), "name a new or an empty folder")])
        target = folder.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        exists = target.exists()
        # Renaming, which does all or nothing, needs the same file system.
        with TemporaryDirectory(prefix=".color-mesh-", dir=target if exists else target.parent) as temporary:
            written = Path(temporary, "app")
            written.mkdir()
            for name, text in files.items():
                (written / name).write_text(text, encoding="utf-8", newline="\n")
            if not exists:
                os.replace(written, target)
                return
            # The folder stays: it may be the working folder of a shell, and its permissions are the user's.
            for name in files:
                os.replace(written / name, target / name)
    except OSError as error:
        fix = "name a folder that you may write to"
        raise MeshError([problem("--out", f"cannot be written: {error.strerror}", str(folder), fix)]) from None
