"""What a person's own controls, and decisions that demote an item, add to a candidate's score: whole thousandths.

Legend for shape suffixes: M candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from ranking.data.schema import Float32s
from ranking.serving.types import Adjust, Candidate

POLITICS: Final = frozenset({"politics", "news", "elections", "government"})
"""Topics, in small letters, that "less politics" is about."""
SHORT_SECONDS: Final = 600


def adjustments(candidates: Sequence[Candidate], wanted: tuple[Adjust, ...]) -> tuple[int, ...]:
    """What is added to each candidate, in thousandths; empty where nothing is added to any."""
    if not wanted and not any(one.penalty_milli for one in candidates):
        return ()
    return tuple(sum(one.milli for one in wanted if meant(one, item)) - item.penalty_milli for item in candidates)


def adjust(blended_M: Float32s, adjusted: tuple[int, ...]) -> Float32s:
    """Scores with what is added to them."""
    if not adjusted:
        return blended_M
    summed_M: Float32s = (blended_M.astype(np.float64) + np.array(adjusted, np.float64) / 1000).astype(np.float32)
    return summed_M


def meant(wish: Adjust, item: Candidate) -> bool:
    """Whether a wish is about an item."""
    if wish.kind == "topic":
        return wish.target in item.topics
    if wish.kind == "creator":
        return wish.target == str(item.creator_id)
    return _OBJECTIVES[wish.target](item)


def _political(item: Candidate) -> bool:
    return any(topic.lower() in POLITICS for topic in item.topics)


_OBJECTIVES: Final[dict[str, Callable[[Candidate], bool]]] = {
    # Less of something is more of everything else: then a wish adds to what it wants, and never takes off.
    "less_politics": lambda item: not _political(item),
    "close_friends": lambda item: item.close,
    "shorter": lambda item: 0 < item.seconds <= SHORT_SECONDS,
    "new_creators": lambda item: item.new_creator,
}
