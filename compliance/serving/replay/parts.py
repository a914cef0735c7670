"""What many records share and a replayer looks at once: policy packs, models, how items look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from compliance.audit import selectors
from compliance.audit.canonical import digest
from compliance.audit.models import ServeRecord
from compliance.audit.storage.inputs import InputsBroken
from compliance.audit.storage.items import ItemsBroken, Looks
from compliance.audit.storage.sealing import SealBroken
from compliance.serving.replay.differences import Difference
from compliance.serving.replay.grades import Grade
from ranking.serving.local import load_again
from ranking.serving.plug import plugged_again
from ranking.serving.scorer import Scorer
from ranking.serving.types import RankInputs

Document = dict[str, Any]
T = TypeVar("T")


class NotAgain(Exception):
    """A slate cannot be decided again: what is in the way, and which grade still holds."""

    def __init__(self, difference: Difference, *, holds: Grade) -> None:
        super().__init__(str(difference))
        self.difference = difference
        self.holds = holds


class Parts:
    """Verified parts, each read once per replayer, and never taken from the process that served."""

    def __init__(self) -> None:
        self._policies: dict[str, bytes | NotAgain] = {}
        self._scorers: dict[str, Scorer | NotAgain] = {}
        self._looks = Looks()

    def policy(self, sha256: str) -> bytes:
        """What a policy pack or set says, by its address. Raises NotAgain."""
        return _once(self._policies, sha256, _verified_policy)

    def scorer(self, sha256: str) -> Scorer | None:
        """A registered or plugged ranker, every file verified; None where nothing was scored. Raises NotAgain."""
        return _once(self._scorers, sha256, _verified_scorer) if sha256 else None

    def inputs(self, record: ServeRecord, document: Document, key: bytes) -> RankInputs:
        """What a slate was decided from. Raises NotAgain."""
        try:
            return selectors.inputs_of(record, document, key, looks=self._looks)
        except (InputsBroken, ItemsBroken, SealBroken) as error:
            broken = Difference(what="feature snapshot", recorded="whole inputs", found=str(error))
            raise NotAgain(broken, holds=Grade.NONE) from error


def _once(known: dict[str, T | NotAgain], sha256: str, find: Callable[[str], T]) -> T:
    """What was found before, or why it was not; looked for when it is asked for first."""
    if sha256 not in known:
        try:
            known[sha256] = find(sha256)
        except NotAgain as error:
            known[sha256] = error
    found = known[sha256]
    if isinstance(found, NotAgain):
        raise found
    return found


def _verified_policy(sha256: str) -> bytes:
    content = selectors.blob(sha256)
    found = "nothing: it is missing" if content is None else digest(content)
    if content is None or found != sha256:
        raise NotAgain(Difference(what="policy pack", recorded=sha256, found=found), holds=Grade.NONE)
    return content


def _verified_scorer(sha256: str) -> Scorer:
    from ranking.training.registry import ModelFileChangedError, ModelNotFoundError

    try:
        return plugged_again(sha256) or load_again(sha256)
    except (ModelFileChangedError, ModelNotFoundError) as error:
        raise NotAgain(Difference(what="model file", recorded=sha256, found=str(error)), holds=Grade.NONE) from error
    except OSError as error:
        found = f"unreadable: {error.strerror}"
        raise NotAgain(Difference(what="model file", recorded=sha256, found=found), holds=Grade.NONE) from error
    except (RuntimeError, ValueError) as error:  # whole, but of other code, or for a device that is not here
        raise NotAgain(Difference(what="model", recorded=sha256, found=str(error)), holds=Grade.R0) from error
