"""Where the cold tier lies: a folder of this machine, or a bucket of anything that speaks S3."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from pyarrow import fs

from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.parquet import synced_hash
from compliance.audit.log.files import sync_folder

WRITING: Final = ".writing"
"""Where files are written before they are moved to their place. What a crash left there may be deleted."""

_NAME: Final = re.compile(r"(?P<table>[a-z]+)/(?P<period>\d{4}-\d{2})/(?P<retention>[a-z_]+)-\d{4,}\.parquet")


def name_of(table: str, period: date, retention: str, number: int) -> str:
    """What a file of the cold tier is called."""
    return f"{table}/{period:%Y-%m}/{retention}-{number:04d}.parquet"


def is_name(name: str, table: str, period: date, retention: str) -> bool:
    """Whether a file of that month is called so."""
    found = _NAME.fullmatch(name)
    return found is not None and found.group("table", "period", "retention") == (table, f"{period:%Y-%m}", retention)


@dataclass(frozen=True, kw_only=True)
class ColdStore:
    """Files by name. `beside` is a folder of this machine for the catalogue and for copies of a bucket's files."""

    uri: str
    beside: Path

    @property
    def folder(self) -> Path | None:
        """The folder, where it is one."""
        return None if "://" in self.uri else Path(self.uri)

    @property
    def home(self) -> Path:
        """The folder of this machine that queries may read from."""
        return self.folder or self.beside

    @property
    def catalogue(self) -> Path:
        """The Iceberg catalogue's file. It can be made anew from what the database knows of the files."""
        return self.home / "catalog.db"

    def address(self, name: str) -> str:
        """A file's URI, as Iceberg's metadata has it."""
        folder = self.folder
        return f"{self.uri.rstrip('/')}/{name}" if folder is None else f"file://{(folder / name).absolute()}"

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """A folder of this machine to write files in, on the same disk as the store where that is a folder."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = self.home / WRITING
        place.mkdir(exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=place) as scratch:
            yield Path(scratch)

    def put(self, source: Path, name: str) -> None:
        """Move a synced file to its place: all of it or nothing, and durable when this returns. Raises OSError."""
        folder = self.folder
        if folder is None:
            files, root = self._bucket()
            with files.open_output_stream(f"{root}/{name}") as target:  # an object is there when its upload ended
                target.write(source.read_bytes())
            return
        target = folder / name
        made = [each for each in [target.parent, *target.parent.parents] if folder in [each, *each.parents]]
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        source.replace(target)
        for each in made:
            sync_folder(each)

    def local(self, name: str, sha256: str) -> Path:
        """A file of this machine with these bytes: the store's own, or a copy of the bucket's, hashed as it comes.

        Hashed once by each process, and again when it was changed since; `holds` always does. Raises ColdDamaged.
        """
        folder = self.folder
        if folder is not None:
            found = _hash_once(self._there(folder, name))
            if found != sha256:
                raise self._altered(name, found, sha256)
            return folder / name
        copy = self._copy(sha256)
        if not copy.is_file() or _hash_once(copy) != sha256:
            self._fetch(name, sha256, copy)
        return copy

    def holds(self, name: str, sha256: str) -> None:
        """Refuse (ColdDamaged) a file that is missing or has other bytes."""
        folder = self.folder
        found = self._bucket_hash(name) if folder is None else synced_hash(self._there(folder, name))
        if found != sha256:
            raise self._altered(name, found, sha256)

    def remove(self, name: str, sha256: str) -> bool:
        """Delete a file, and its copy here where the store is a bucket; whether there was one."""
        folder = self.folder
        if folder is not None:
            there = (folder / name).is_file()
            (folder / name).unlink(missing_ok=True)
            return there
        self._copy(sha256).unlink(missing_ok=True)
        files, root = self._bucket()
        there = bool(files.get_file_info(f"{root}/{name}").type == fs.FileType.File)
        if there:
            files.delete_file(f"{root}/{name}")
        return there

    def _there(self, folder: Path, name: str) -> Path:
        if not (folder / name).is_file():
            raise ColdDamaged(f"{folder / name} is missing from the cold tier: restore it from a backup.")
        return folder / name

    def _altered(self, name: str, found: str, sha256: str) -> ColdDamaged:
        return ColdDamaged(
            f"{self.address(name)} does not have the bytes that were exported (SHA-256 {found}, recorded "
            f"{sha256}): it was altered; restore it from a backup."
        )

    def _copy(self, sha256: str) -> Path:
        return self.beside / "copies" / f"{sha256}.parquet"

    def _bucket(self) -> tuple[fs.FileSystem, str]:
        files, root = fs.FileSystem.from_uri(self.uri)
        return files, str(root).rstrip("/")

    def _bucket_hash(self, name: str) -> str:
        files, root = self._bucket()
        seen = hashlib.sha256()
        try:
            with files.open_input_stream(f"{root}/{name}") as stream:
                while part := stream.read(1 << 20):
                    seen.update(part)
        except OSError as error:
            raise ColdDamaged(f"{self.address(name)} cannot be read ({error}): restore it from a backup.") from error
        return seen.hexdigest()

    def _fetch(self, name: str, sha256: str, copy: Path) -> None:
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files, root = self._bucket()
        handle, written = tempfile.mkstemp(dir=copy.parent)
        try:
            with os.fdopen(handle, "wb") as target, files.open_input_stream(f"{root}/{name}") as stream:
                while part := stream.read(1 << 20):
                    target.write(part)
            if synced_hash(Path(written)) != sha256:
                raise ColdDamaged(f"{self.address(name)} was altered: restore it from a backup.")
            Path(written).replace(copy)
        except OSError as error:
            raise ColdDamaged(f"{self.address(name)} cannot be read ({error}): restore it from a backup.") from error
        finally:
            Path(written).unlink(missing_ok=True)


def _hash_once(path: Path) -> str:
    """SHA-256 of a file's bytes: read again only when the file is another, or was written to."""
    try:
        there = path.stat()
        return _hash(path, there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns)
    except OSError as error:
        raise ColdDamaged(f"{path} cannot be read ({error}): restore it from a backup.") from error


@lru_cache(maxsize=65_536)
def _hash(path: Path, *as_it_was: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
