"""What a record promises of its replay here: the same bits, or scores that are close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compliance.serving.replay.grades import Grade
from ranking.serving.environment import REFERENCE, environment, only_close

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """The grade that must hold, and why it is no higher."""

    grade: Grade
    same_class: bool = True  # whether the scores were computed in this environment class
    environment_differs: tuple[str, ...] = ()
    only_close: tuple[str, ...] = ()


def promise_of(document: Document) -> Promise:
    """What a record's document promises. Raises LookupError, TypeError for a document of another form.

    The same bits (R2) are promised in the environment class of the record, if that is the reference for scores, and
    close scores (R3) elsewhere. A slate that nothing scored depends on no kernel: the same bits are promised anywhere.
    """
    differs = differing(document["environment"])
    if not document["model_sha256"]:
        return Promise(grade=Grade.R2, environment_differs=differs)
    close = only_close(document["environment"])
    grade = Grade.R3 if differs or close else Grade.R2
    return Promise(grade=grade, same_class=not differs, environment_differs=differs, only_close=close)


def differing(recorded: dict[str, str]) -> tuple[str, ...]:
    """Names in which this process's environment is not the recorded one.

    A name that releases did not record yet had its reference value then; where there is none, nothing is known of it.
    """
    here = environment()
    return tuple(name for name, value in here.items() if recorded.get(name, REFERENCE.get(name, value)) != value)
