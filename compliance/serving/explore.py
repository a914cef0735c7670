"""The exploration draw: last of all, from the replacements that keep every principle, with set and odds recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from ranking.serving.types import Candidate


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What could be drawn and what was. One slot, all equally likely, is drawn for a slate; if it is open it goes,
    with probability `probability`, to one item of `feasible`, all equally likely.

    `open_slots` says for each slot whether any item of the pool may take it; `place` is the slot that was given away.
    """

    probability: float
    open_slots: tuple[bool, ...]
    slot: int | None
    feasible: tuple[int, ...]
    place: int | None

    def propensity(self, place: int) -> float:
        """The logging policy's probability of the item that stands in `place`, given the recorded exploration pool."""
        share = self.probability / len(self.open_slots) if self.open_slots and self.open_slots[place] else 0.0
        return share / len(self.feasible) if self.place == place else 1.0 - share


def uniform(seed: int, purpose: str) -> float:
    """A number in [0, 1) that depends on the seed and the purpose only, on every machine and version."""
    return int.from_bytes(hashlib.sha256(f"{purpose} {seed}".encode()).digest()[:6]) / 2**48


Room = Callable[[list[Candidate]], Callable[[Candidate], bool]]
"""Given the other items of a slate, says of an item whether it may join them."""


def draw(
    probability: float, slate: list[Candidate], pool: tuple[Candidate, ...], seed: int, room: Room
) -> tuple[list[Candidate], Draw]:
    """Perhaps give one slot of the slate to an item of the pool that there is room for."""
    if not slate or not pool or probability == 0:
        return slate, Draw(probability=0.0, open_slots=(), slot=None, feasible=(), place=None)
    open_slots = tuple(any(map(room(_without(slate, slot)), pool)) for slot in range(len(slate)))
    slot = int(uniform(seed, "explore slot") * len(slate))
    feasible = list(filter(room(_without(slate, slot)), pool))
    hit = bool(feasible) and uniform(seed, "explore or not") < probability
    made = Draw(
        probability=probability,
        open_slots=open_slots,
        slot=slot,
        feasible=tuple(item.item_id for item in feasible),
        place=slot if hit else None,
    )
    if not hit:
        return slate, made
    chosen = feasible[int(uniform(seed, "explore item") * len(feasible))]
    return [*slate[:slot], chosen, *slate[slot + 1 :]], made


def _without(slate: list[Candidate], slot: int) -> list[Candidate]:
    return slate[:slot] + slate[slot + 1 :]
