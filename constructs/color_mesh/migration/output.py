"""Writing the generated files to a folder."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from color_mesh.model import MeshError
from color_mesh.model.errors import problem


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files to a new or empty folder: all of them, or none.

    Raises:
        MeshError: When the folder has contents, or cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise MeshError([problem("--out", "already exists", str(folder), "name a new or an empty folder")])
    # A symbolic link stays, and its target is replaced.
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            for name, text in files.items():
                (temporary / name).write_text(text, encoding="utf-8", newline="\n")
            temporary.chmod(0o755)
            os.replace(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        fix = "name a folder that you may write to"
        raise MeshError([problem("--out", f"cannot be written: {error.strerror}", str(folder), fix)]) from None
