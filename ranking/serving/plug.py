"""An operator's own PyTorch ranker behind the door: what it must be, and the scorer made of it.

`settings.RANKER` names its class, which is made without arguments. Its address is not what it says of itself: it is
the SHA-256 over the class's module and over every file that it was loaded from, computed here and again for a replay.
Before it serves, all of them are copied beside the registered models, so that they are there when a record is verified.

Legend for shape suffixes: M candidates, T tasks (heads), D item vector.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string

from ranking.data.encoding import Encoder
from ranking.data.schema import Float32s
from ranking.data.tokens import ItemBlock, TokenBatch
from ranking.serving.environment import environment
from ranking.serving.errors import NotScored
from ranking.serving.types import Owner, Scored

FORM: Final = "clerestory plugged ranker 1"
PLUGGED: Final = "plugged"
"""The folder in the registry's that keeps what plugged rankers were made of."""
MANIFEST: Final = "manifest.json"


class Ranker(Protocol):
    """What `settings.RANKER` names. The same tokens must give the same bits, or replays will name the difference."""

    @property
    def files(self) -> Sequence[Path]:
        """Every file that the ranker was loaded from: weights, vocabularies, configuration."""

    @property
    def encoder(self) -> Encoder:
        """Turns facts into the codes that the ranker reads; `Encoder.from_json` reads one that was trained here."""

    @property
    def heads(self) -> tuple[str, ...]:
        """What is predicted, in column order."""

    def score(self, tokens: TokenBatch) -> Float32s:
        """Probabilities (M, T) of one request's candidates. Each must depend on the person and its candidate alone."""


class PlugRefused(ValueError):
    """The ranker that settings name cannot be used."""


@dataclass(frozen=True, kw_only=True)
class PlugScorer:
    """A plugged ranker as a `Scorer`. It has no item vectors: nothing is retrieved or diversified by them."""

    ranker: Ranker
    manifest: bytes
    files: tuple[Path, ...]

    @property
    def sha256(self) -> str:
        """The ranker's address."""
        return hashlib.sha256(self.manifest).hexdigest()

    @property
    def encoder(self) -> Encoder:
        """The ranker's own."""
        return self.ranker.encoder

    @property
    def heads(self) -> tuple[str, ...]:
        """The ranker's own."""
        return self.ranker.heads

    def score(self, tokens: TokenBatch, owner: Owner | None) -> Scored:
        """Score one request. Nothing is cached of anybody. Raises NotScored where no probabilities came back."""
        candidates = tokens.candidate_mask_BM.shape[1]
        try:
            probability_MT = np.asarray(self.ranker.score(tokens), np.float32)
        except (LookupError, RuntimeError, TypeError, ValueError) as error:
            raise NotScored(f"The plugged ranker did not score: {type(error).__name__} {error}") from error
        shape = (candidates, len(self.heads))
        if probability_MT.shape != shape or not ((probability_MT >= 0) & (probability_MT <= 1)).all():
            raise NotScored(
                f"The plugged ranker gave {probability_MT.shape} numbers for {shape} probabilities, or numbers outside "
                "0 to 1: correct its `score`."
            )
        return Scored(
            probability_MT=probability_MT,
            vector_MD=_no_vectors(candidates),
            cache_state="unused",
            depth=1,
            environment=environment(),
        )

    def vectors(self, items: ItemBlock) -> Float32s:
        """None that say anything: (M, 1) zeros, which are as near to one item as to any other."""
        return _no_vectors(len(items.id))


def plugged() -> PlugScorer | None:
    """The ranker that settings name, loaded once; None where they name none. Raises PlugRefused."""
    return _loaded(settings.RANKER) if settings.RANKER else None


def plugged_again(sha256: str) -> PlugScorer | None:
    """The ranker that settings name, loaded and hashed anew; None unless its address is this. Raises PlugRefused."""
    found = load(settings.RANKER) if settings.RANKER else None
    return found if found is not None and found.sha256 == sha256 else None


def load(name: str) -> PlugScorer:
    """Make a ranker by its class's dotted path, and hash what it is made of. Raises PlugRefused."""
    try:
        kind = import_string(name)
        ranker: Ranker = kind()
        files = _files(name, kind, ranker)
        return PlugScorer(ranker=ranker, manifest=_manifest(name, files, ranker), files=files)
    except (AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise PlugRefused(f"CLERESTORY_RANKER names {name!r}, which cannot be loaded: {error}") from error


@lru_cache(maxsize=1)
def _loaded(name: str) -> PlugScorer:
    found = load(name)
    try:
        _keep(found, Path(settings.MODEL_REGISTRY) / PLUGGED)
    except OSError as error:
        raise PlugRefused(
            f"What the ranker {name!r} is made of cannot be copied beside the registered models, where records of it "
            f"are verified ({error}): let this process write there, or plug it in once with one that may."
        ) from error
    return found


def _keep(scorer: PlugScorer, root: Path) -> None:
    """Copy what a ranker is made of to `root/<address>/`, whole or not at all. Raises OSError, PlugRefused."""
    if (root / scorer.sha256).is_dir():
        return
    root.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=root, prefix=".adding-"))
    try:
        for file in scorer.files:
            shutil.copyfile(file, temporary / file.name)
        if _hashes([temporary / file.name for file in scorer.files]) != json.loads(scorer.manifest)["files"]:
            raise PlugRefused("A file of the plugged ranker changed while it was loaded: start again.")
        (temporary / MANIFEST).write_bytes(scorer.manifest)
        for path in (*temporary.iterdir(), temporary):
            _sync(path)
        temporary.chmod(0o755)
        try:
            temporary.rename(root / scorer.sha256)
        except OSError:
            if not (root / scorer.sha256).is_dir():  # else another process was first, with the same bytes
                raise
        _sync(root)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(name: str, kind: Any, ranker: Ranker) -> tuple[Path, ...]:
    """The file of the class's module and the ranker's own, each of a name of its own."""
    module = getattr(sys.modules[kind.__module__], "__file__", None)
    if module is None:
        raise PlugRefused(f"The module of {name!r} has no file, so that it cannot be hashed: keep it in one.")
    files = (Path(module), *ranker.files)
    if len({MANIFEST, *(file.name for file in files)}) <= len(files):
        raise PlugRefused(f"Two files of {name!r} have the same name, or one is {MANIFEST}: name each apart.")
    return files


def _manifest(name: str, files: Sequence[Path], ranker: Ranker) -> bytes:
    """The class's name, its heads and its files, each by name and content: its SHA-256 is the address."""
    manifest = {"form": FORM, "ranker": name, "heads": list(ranker.heads), "files": _hashes(files)}
    return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()


def _hashes(files: Sequence[Path]) -> dict[str, str]:
    found = {}
    for path in files:
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _no_vectors(count: int) -> Float32s:
    return np.zeros((count, 1), np.float32)
