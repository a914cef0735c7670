"""The seam to scoring: what a scorer is, where it runs (`settings.SCORER`), and which model is live.

Legend for shape suffixes: M candidates, D item vector.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from django.conf import settings

from ranking.data.encoding import Encoder
from ranking.data.schema import Float32s
from ranking.data.tokens import ItemBlock, TokenBatch
from ranking.serving.local import LocalScoring, registry
from ranking.serving.plug import PlugRefused, plugged
from ranking.serving.process.remote import RemoteScoring
from ranking.serving.types import Owner, Scored

__all__ = ["Scorer", "Scoring", "live_model", "live_scorer", "registry", "scoring"]

LOCAL: Final = "local"
UNIX: Final = "unix:"

_unusable: dict[tuple[str, int], str] = {}  # (model, newest change of its files) -> why
logger = logging.getLogger(__name__)


class Scorer(Protocol):
    """One registered model that scores requests, wherever it runs: the same bits everywhere.

    Where it runs in a process of its own, both methods raise ScorerUnavailable, NoModel or NotScored when that does not
    score; there is never half an answer.
    """

    @property
    def sha256(self) -> str:
        """The model's address."""

    @property
    def encoder(self) -> Encoder:
        """Turns facts into this model's codes."""

    @property
    def heads(self) -> tuple[str, ...]:
        """The tasks this model predicts, in column order."""

    def score(self, tokens: TokenBatch, owner: Owner | None) -> Scored:
        """Score one request. Without an owner nothing cached is used and nothing is left in a cache."""

    def vectors(self, items: ItemBlock) -> Float32s:
        """Item vectors (M, D) of a one-dimensional block."""


class Scoring(Protocol):
    """Where scores are computed: in this process, or in one that serves many."""

    def scorer(self, sha256: str) -> Scorer:
        """The scorer of a registered model. Raises LookupError, ValueError or OSError when its files are not whole."""

    def prepare(self, sha256: str) -> None:
        """Have a model loaded before it goes live. Raises ScorerUnavailable or NoModel."""

    def forget(self, *, service: str, pseudonym: UUID) -> int:
        """Forget a person's encoded states, of all epochs and models; return how many. Raises ScorerUnavailable."""

    def counts(self) -> dict[str, int]:
        """What was done, shed and cached since the start, and what waits now. Raises ScorerUnavailable."""

    def problem(self) -> str:
        """Why nothing can be scored here, in one sentence; empty when something can."""


def scoring() -> Scoring:
    """Where this deployment scores."""
    if settings.SCORER == LOCAL:
        return LocalScoring()
    return _remote(settings.SCORER.removeprefix(UNIX), settings.SCORER_PATIENCE_MS)


@lru_cache(maxsize=4)
def _remote(address: str, patience_ms: int) -> RemoteScoring:
    return RemoteScoring(address=Path(address), patience_ms=patience_ms, unusable=_note_unusable)


def live_scorer() -> Scorer | None:
    """The scorer of the model that is live now; None when there is none that can be used, and the log says why.

    A newer live model is picked up at once.
    """
    scorer, problem = live_model()
    if problem:
        logger.error(problem)
    return scorer


def live_model() -> tuple[Scorer | None, str]:
    """The live model's scorer, or None and, if a model is live but cannot be used, one sentence why.

    A ranker that settings plug in stands before every registered one.
    """
    try:
        plug = plugged()
    except PlugRefused as error:
        return None, str(error)
    if plug is not None:
        return plug, ""
    sha256 = registry().live()
    if sha256 is None:
        return None, ""
    if _unusable and (known := _unusable.get((sha256, _changed_at(sha256)))):
        return None, known
    scorer, problem = _try(sha256)
    _unusable.clear()  # only the newest failure matters; files that change are tried again
    if problem:
        _note_unusable(sha256, problem)
    return scorer, problem


def _note_unusable(sha256: str, problem: str) -> None:
    _unusable[sha256, _changed_at(sha256)] = problem


def _try(sha256: str) -> tuple[Scorer | None, str]:
    try:
        return scoring().scorer(sha256), ""
    except (LookupError, ValueError, OSError) as error:  # missing, changed or unreadable files
        return None, str(error)
    except RuntimeError:  # torch's way of saying that weights and code do not fit
        return None, f"Model {sha256[:12]} does not fit this version of the code: let one trained with it go live."


def _changed_at(sha256: str) -> int:
    """When a model's files last changed, so that a repaired one is tried again at once."""
    folder = registry().root / sha256
    return max((path.stat().st_mtime_ns for path in folder.glob("*")), default=0)
