"""A folder with an authority and its certificates, as values of secrets in AWS Secrets Manager."""

import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from color_mesh.authority import MAX_COMMON_NAME, Authority, create_authority
from color_mesh.local.plan.certificate_names import CertificateOwner
from color_mesh.model import MeshError
from color_mesh.model.errors import problem, refuse

_AUTHORITY_DAYS = 3650
_AUTHORITY, _AUTHORITY_KEY, _TRUST = "ca.pem", "ca.key", "ca.crt.json"


class CertificateFolder:
    """Folder with an authority and its certificates.

    Args:
        path: Path of the folder. An empty one, or none, is filled; one of the same mesh is renewed.
        mesh: Name of the mesh.

    Raises:
        MeshError: If the folder is of something else, or cannot be read.
    """

    def __init__(self, path: Path, mesh: str) -> None:
        self._path = path
        self._mesh = mesh
        self._existing = frozenset(_names(path))
        self._authority = self._read() if self._existing else create_authority(mesh, timedelta(days=_AUTHORITY_DAYS))

    def write(self, owners: Sequence[CertificateOwner], days: int) -> Iterator[str]:
        """Issue certificates, and yield the commands that store them in Secrets Manager.

        Args:
            owners: Nodes and gateways.
            days: Days until the certificates expire.

        Raises:
            MeshError: If the authority expires before them, or a file cannot be written. All files are then unchanged.
        """
        refuse(self._outlived(days))
        issued = {each.name: self._authority.issue(*each.dns_names, valid=timedelta(days=days)) for each in owners}
        files = {
            f"{name}.json": _secret(
                {"tls.crt": each.certificate, "tls.key": each.private_key, "ca.crt": self._authority.certificate}
            )
            for name, each in issued.items()
        }
        if not self._existing:
            trust = _secret({"ca.crt": self._authority.certificate})
            files |= {
                _AUTHORITY: self._authority.certificate,
                _AUTHORITY_KEY: self._authority.private_key,
                _TRUST: trust,
            }
        self._write(files)
        yield f"# authority of {self._mesh}: until {self._authority.expires:%Y-%m-%d}"
        if not self._existing:
            yield self._command(f"{self._mesh}/ca", _TRUST)
        for owner in owners:
            yield f"# {owner.name}: {', '.join(owner.dns_names)}, until {issued[owner.name].expires:%Y-%m-%d}"
            yield self._command(f"{self._mesh}/{owner.name}/tls", f"{owner.name}.json")

    def _command(self, secret: str, file: str) -> str:
        action = ("put-secret-value", "--secret-id") if file in self._existing else ("create-secret", "--name")
        words = ["aws", "secretsmanager", *action, secret, "--secret-string", f"file://{self._path / file}"]
        return shlex.join(words)

    def _read(self) -> Authority:
        fix = "another folder, or the one that this command has written for the mesh"
        if not {_AUTHORITY, _AUTHORITY_KEY} <= self._existing:
            raise MeshError([problem("--out", "has files, but no authority", str(self._path), fix)])
        try:
            authority = Authority((self._path / _AUTHORITY).read_text(), (self._path / _AUTHORITY_KEY).read_text())
        except (OSError, ValueError) as error:
            raise MeshError([problem("--out", f"has no valid authority: {error}", str(self._path), fix)]) from None
        if authority.name != self._mesh[:MAX_COMMON_NAME]:
            raise MeshError([problem("--out", f"has the authority of {authority.name!r}", str(self._path), fix)])
        return authority

    def _outlived(self, days: int) -> Iterator[str]:
        left = (self._authority.expires - datetime.now(timezone.utc)).days
        if days > left:
            fix = f"at most {left}, or another folder for a new authority"
            yield problem("--days", "the authority expires before the certificates", days, fix)

    def _write(self, files: dict[str, str]) -> None:
        """Write files that only the user can read: all of them, or none."""
        others = [name for name in files if name in self._existing and not (self._path / name).is_file()]
        refuse(problem("--out", "is not a file", str(self._path / name), "remove or rename it") for name in others)
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                for name, text in files.items():
                    # A killed run may have left these.
                    self._new(name).unlink(missing_ok=True)
                    self._old(name).unlink(missing_ok=True)
                    descriptor = os.open(self._new(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                    with open(descriptor, "w", encoding="utf-8") as file:
                        file.write(text)
                self._replace(list(files))
            finally:
                for name in files:
                    self._new(name).unlink(missing_ok=True)
            for name in files:
                self._old(name).unlink(missing_ok=True)
        except OSError as error:
            subject = str(error.filename or self._path)
            raise MeshError([problem("--out", "cannot be written", subject, str(error.strerror))]) from None

    def _replace(self, names: Sequence[str]) -> None:
        """Put new files in place of the old ones, or all old ones back."""
        try:
            for name in names:
                if name in self._existing:
                    (self._path / name).replace(self._old(name))
                self._new(name).replace(self._path / name)
        except BaseException:
            for name in names:
                if self._old(name).exists():
                    self._old(name).replace(self._path / name)
                elif name not in self._existing:
                    (self._path / name).unlink(missing_ok=True)
            raise

    def _new(self, name: str) -> Path:
        return self._path / f".{name}.new"

    def _old(self, name: str) -> Path:
        return self._path / f".{name}.old"


def _names(path: Path) -> list[str]:
    """Return the names of the files in a folder, without those that a run leaves when it is killed."""
    try:
        return [name for name in os.listdir(path) if not re.fullmatch(r"\..+\.(new|old)", name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise MeshError([problem("--out", "cannot be read", str(path), str(error.strerror))]) from None


def _secret(value: dict[str, str]) -> str:
    """Render a secret, with the keys of TLS secrets of Kubernetes."""
    return f"{json.dumps(value, indent=2)}\n"
