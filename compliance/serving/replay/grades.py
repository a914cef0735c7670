"""The grades of a replay: what held, what was promised, and what differed (reliability.md §5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from compliance.serving.replay.differences import Difference

TOLERANCE: Final = 1e-5
"""How far a score may be off in another environment: absolutely up to 1, relative to its size beyond (seconds)."""


class Grade(Enum):
    """What held. A grade includes all before it, in the order below: from nothing to the same bits."""

    NONE = "none"  # stored bytes are not what the log committed to, or something that they name is broken or missing
    R0 = "R0"  # integrity: record, inputs, policy and model are, byte for byte, what was committed to
    R1 = "R1"  # the same items in the same order
    R3 = "R3"  # and the same reasons for them, with every score within TOLERANCE
    R2 = "R2"  # and the whole output the same, bit for bit, in the environment class that was recorded

    @property
    def strength(self) -> int:
        """Its place among the grades, 0 for none."""
        return list(Grade).index(self)

    def reaches(self, other: Grade) -> bool:
        """Whether this grade includes the other."""
        return self.strength >= other.strength


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The outcome of one replay: the highest `grade` that held, against what was `promised`.

    `largest_difference` is that of any score, as TOLERANCE measures it; None where no scores were compared.
    `environment_differs` names what of this environment is not as recorded; `only_close` what of the recorded one
    promised close scores instead of the same bits; empty where bits were promised.
    `erased`: the person's key was destroyed, so that integrity is all that can hold, and all that is promised.
    """

    serve_id: str
    grade: Grade
    promised: Grade
    differences: tuple[Difference, ...] = ()
    largest_difference: float | None = None
    environment_differs: tuple[str, ...] = ()
    only_close: tuple[str, ...] = ()
    erased: bool = False

    @property
    def kept(self) -> bool:
        """Whether what was promised holds."""
        return self.grade.reaches(self.promised)

    @property
    def identical(self) -> bool:
        """Whether it was decided again and nothing differs, whatever was promised."""
        return self.grade is not Grade.NONE and not self.differences and not self.erased

    def __str__(self) -> str:
        if self.erased and self.kept:
            return "R0 held: erased, commitment verified"
        largest = "" if self.largest_difference is None else f", scores within {self.largest_difference:.2g}"
        held = "no grade held" if self.grade is Grade.NONE else f"{self.grade.value} held"
        return f"{held}, {self.promised.value} promised{largest}"
