"""Files that a command reads, and those of a folder."""

import os
from pathlib import Path
from typing import Any

from color_mesh.cloudformation.load import MAX_BYTES, Document, Parsed, parse
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

MAX_FILES = 5000  # Of a folder.
# In all files of a command.
MAX_TOTAL_BYTES = 50_000_000
MAX_TOTAL_VALUES = 1_000_000
_TOGETHER = "and the files before it are too large"


class Files:
    """Files that a command reads, each of them once, within limits for all of them.

    Attributes:
        notes: Notes for the user about files of folders that are not understood.
        left_out: Messages about keys that occur twice, and about resources that are left out.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.left_out: list[str] = []
        self._parsed: dict[Path, Parsed] = {}
        self._bytes = 0
        self._values = 0

    def load(self, path: Path, max_bytes: int = MAX_BYTES) -> Document:
        """Parse a file with an object, or return what it had when it was read first.

        Raises:
            MeshError: As `parse`, if the file has no object, and if this file and those read before are too large
                together.
        """
        return self._parse(path, max_bytes).object(path)

    def document(self, path: Path, max_bytes: int = MAX_BYTES) -> Any:
        """Parse a file of any content, as `load` does.

        Raises:
            MeshError: As `load`.
        """
        return self._parse(path, max_bytes).document

    def documents(self, folder: Path) -> list[tuple[Path, Any]]:
        """Parse the files of a folder and its subfolders; those that cannot be parsed are noted and left out.

        Raises:
            MeshError: If there are too many files, or they are too large together.
        """
        documents = []
        for file in files_of(folder):
            try:
                documents.append((file, self.document(file)))
            except MeshError as error:
                if _TOGETHER in str(error):
                    raise
                note = f"not understood: {error}"
                self.notes += [note] if note not in self.notes else []
        return documents

    def _parse(self, path: Path, max_bytes: int) -> Parsed:
        # A path with a null character cannot be resolved, nor read.
        # `Path.resolve` raises an error for links that lead to each other; reading the file does so too, as OSError.
        resolved = path if "\0" in str(path) else Path(os.path.realpath(path))
        if resolved not in self._parsed:
            parsed = parse(path, max_bytes)
            self.left_out += (
                problem(f"{path.name}: key {key!r}", "occurs twice", key, "the last one counts: remove one")
                for key in parsed.duplicate_keys
            )
            self._bytes += parsed.size
            self._values += parsed.count
            if self._bytes > MAX_TOTAL_BYTES:
                raise _too_large(path, f"more than {MAX_TOTAL_BYTES} bytes")
            if self._values > MAX_TOTAL_VALUES:
                raise _too_large(path, f"more than {MAX_TOTAL_VALUES} values")
            self._parsed[resolved] = parsed
        return self._parsed[resolved]


def files_of(folder: Path) -> list[Path]:
    """Return the files of a folder and its subfolders with the file name extensions of templates.

    Hidden folders and those of Node packages are left out.

    Raises:
        MeshError: If there are too many.
    """
    suffixes = (".json", ".tfstate", ".yaml", ".yml", ".template")
    files: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        paths = (Path(parent, name) for name in sorted(names))
        files += (path for path in paths if path.suffix in suffixes and path.is_file())
        if len(files) > MAX_FILES:
            raise MeshError([problem(str(folder), "has too many files", len(files), f"at most {MAX_FILES}")])
    return files


def _too_large(path: Path, got: str) -> MeshError:
    return MeshError([problem(str(path), _TOGETHER, got, "give fewer files")])
