"""What an item is worth to the exact repair: whole numbers that fall strictly along the ranker's order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from ranking.serving.rerank import QUANTUM

FIRST_PLACE: Final = 1_000_000
"""What the first item of an unscored list is worth; the n-th is worth the n-th part of it."""


def worth_of(count: int, scores: Sequence[float | None] | None) -> tuple[int, ...]:
    """The worth of each of `count` items in the ranker's order, in millionths. Raises ValueError.

    An item is worth its score, and at least a millionth more than the item after it: so what the ranker put first for
    another reason than its score (diversity, a notice) keeps its place, and the list as the ranker made it is the best
    list wherever it is lawful. Where nothing is scored, the n-th item is worth a n-th part.
    """
    if scores is None:
        own: list[int | None] = [FIRST_PLACE // (place + 1) for place in range(count)]
    elif len(scores) != count or not all(score is None or math.isfinite(score) for score in scores):
        raise ValueError(f"{count} items need {count} finite scores, or None where an item was not scored.")
    else:
        own = [None if score is None else round(score / QUANTUM) for score in scores]
    worth: list[int] = []
    least = min((one for one in own if one is not None), default=0)
    for one in reversed(own):
        worth.append(least if one is None else max(one, least))
        least = worth[-1] + 1
    return tuple(reversed(worth))
