"""The replayer: a record's bytes, then its policy, its model and its output, each against what is on record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from compliance.audit.canonical import canonical, digest
from compliance.audit.heads import LogPlace
from compliance.audit.models import ServeRecord
from compliance.audit.selectors import opened
from compliance.audit.storage.sealing import SealBroken
from compliance.policy.first.pack import PackRefused as FirstPackRefused
from compliance.policy.pack import PackRefused
from compliance.serving.replay.again import decide_again
from compliance.serving.replay.choice import in_chunks
from compliance.serving.replay.differences import Difference, compare
from compliance.serving.replay.grades import TOLERANCE, Grade, Replay
from compliance.serving.replay.integrity import Commitments, SignedTree, column_faults
from compliance.serving.replay.opening import Keys
from compliance.serving.replay.parts import NotAgain, Parts
from compliance.serving.replay.promise import Promise, promise_of
from compliance.serving.replay.scores import items_of, largest_difference, without_scores

AT_ONCE: Final = 100

_OTHER_FORM: Final = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a document of another form may raise wherever it is read. One such record is named, and stops no other."""

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Again:
    """A slate decided again, beside the one on record."""

    grade: Grade
    differences: tuple[Difference, ...]
    largest: float | None = None


class Replayer:
    """Replays records. With a `place`, every record must be under the newest signed head of the log there too."""

    def __init__(self, *, place: LogPlace | None = None) -> None:
        self._parts = Parts()
        self._tree = None if place is None else SignedTree(place)

    def replay(self, record: ServeRecord) -> Replay:
        """Replay one record. Raises VaultRefused where the folder of keys cannot be used."""
        return next(self.replay_all([record]))

    def replay_all(self, records: Iterable[ServeRecord]) -> Iterator[Replay]:
        """Replay many records, in their order; keys and commitments are looked up for a hundred at once."""
        for chunk in in_chunks(records, AT_ONCE):
            keys, commitments = Keys.of(chunk), Commitments.of(chunk)
            for record in chunk:
                yield self._replay(record, keys, commitments)

    def _replay(self, record: ServeRecord, keys: Keys, commitments: Commitments) -> Replay:
        faults = list(commitments.faults(record))
        if self._tree is not None:
            faults += self._tree.faults(record, commitments)
        if keys.is_erased(record):
            held = Grade.NONE if faults else Grade.R0
            return Replay(
                serve_id=str(record.id), grade=held, promised=Grade.R0, differences=tuple(faults), erased=True
            )
        promise = Promise(grade=Grade.R0 if record.source else Grade.R2)  # until its document says more
        try:
            document = _document(record, keys)
            faults += column_faults(record, document)
            if not record.source:  # what was decided elsewhere cannot be decided again here
                promise = promise_of(document)
            again = self._again(record, document, keys.key(record), promise)
        except NotAgain as error:
            again = _Again(grade=error.holds, differences=(error.difference,))
        except _OTHER_FORM as error:
            found = f"{type(error).__name__} {error}"
            broken = Difference(what="record document", recorded="a whole record", found=found)
            again = _Again(grade=Grade.NONE, differences=(broken,))
        return Replay(
            serve_id=str(record.id),
            grade=Grade.NONE if faults else again.grade,
            promised=promise.grade,
            differences=(*faults, *again.differences),
            largest_difference=again.largest,
            environment_differs=promise.environment_differs,
            only_close=promise.only_close,
        )

    def _again(self, record: ServeRecord, document: Document, key: bytes, promise: Promise) -> _Again:
        """Decide a slate again and grade it. Raises NotAgain."""
        if record.source:
            return _Again(grade=Grade.R0, differences=())
        policy = self._parts.policy(document["policy_sha256"])
        inputs = self._parts.inputs(record, document, key)
        scorer = self._parts.scorer(document["model_sha256"])
        try:
            again = decide_again(document, policy, inputs, scorer)
        except (PackRefused, FirstPackRefused) as error:
            refused = Difference(what="policy pack", recorded="a pack that loads", found=str(error))
            raise NotAgain(refused, holds=Grade.R0) from error
        rules = [
            *compare("plan", document["plan"], again.plan),
            *compare("depth", document.get("depth", again.depth), again.depth),
        ]
        return _graded(document, again.output, again.kept, rules, promise)


def _document(record: ServeRecord, keys: Keys) -> Document:
    problem = keys.problem(record)
    try:
        if not problem:
            return opened(record, keys.key(record))
    except SealBroken as error:
        problem = str(error)
    broken = Difference(what="record body", recorded="bytes that open", found=problem)
    raise NotAgain(broken, holds=Grade.NONE)


def _graded(document: Document, output: Document, found: Document, rules: list[Difference], promise: Promise) -> _Again:
    """What was decided against what is on record: what a record keeps of an output by its parts, all of it by hash."""
    recorded = document["output"]
    parts = [] if canonical(found) == canonical(recorded) else list(compare("output", recorded, found))
    whole = digest(canonical(output))
    if whole != document["output_sha256"]:
        parts.append(Difference(what="output hash", recorded=document["output_sha256"], found=whole))
    largest = largest_difference(recorded, found)
    if items_of(recorded) != items_of(found):
        grade = Grade.R0
    elif rules or without_scores(recorded) != without_scores(found) or not (largest or 0.0) <= TOLERANCE:
        grade = Grade.R1
    elif parts or not promise.same_class:
        grade = Grade.R3
    else:
        grade = Grade.R2
    return _Again(grade=grade, differences=(*rules, *parts), largest=largest)
