"""The least repair: the best lawful list that the candidates allow, with what was kept out of it, and by what.

A list as the ranker made it is served where it is lawful. Else the best lawful one of its length is, else the best of
the greatest length at which there is one, with the reason named; never a list that breaks a principle. Where that is
not proved within its budget, a lawful list is served that is found without a solver, and the certificate says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from compliance.policy.constitution.binding import kept_out, reason_of_length
from compliance.policy.constitution.bounds import Bounds, Offer, Placeable
from compliance.policy.constitution.budget import MOST_NODES, Spent, budget
from compliance.policy.constitution.highs import SolverFailed
from compliance.policy.constitution.lawful import first_lawful
from compliance.policy.constitution.rows import problem
from compliance.policy.constitution.solve import Choice, best
from compliance.policy.constitution.verifier import Violation, offer_of, violations
from compliance.policy.constitution.worth import worth_of

Item = TypeVar("Item", bound=Placeable)

UNCHANGED: Final = "unchanged"
REPAIRED: Final = "repaired"
SHORTENED: Final = "shortened"
UNPROVED: Final = "unproved"


class Unlawful(RuntimeError):
    """A list breaks a principle: it is not served."""

    def __init__(self, found: Sequence[Violation]) -> None:
        self.violations = tuple(found)
        said = " ".join(f"{one.words} ({one.principle})" for one in found)
        super().__init__(f"The list breaks what every list keeps, and is not served: {said}")


@dataclass(frozen=True, kw_only=True)
class Repair:
    """One item that the ranker put before something served, and the principles that kept it out."""

    item_id: int
    principles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What makes the slate the best one: whole numbers only, the same on every machine.

    No lawful list of `size` places that keeps as many of the notices is worth more than `worth`, except where the kind
    is `unproved`: there may be a better or a longer one. `wanted` is what the ranker's own list is worth. Worths are in
    millionths of a score (of the first place's worth where nothing is scored). A list owes no more topics and no more
    items of new creators than the candidates offer.
    """

    kind: str  # unchanged | repaired | shortened | unproved
    size: int
    wanted: int
    worth: int
    topics_offered: int
    new_creator_items_offered: int
    broken: tuple[str, ...]  # what the ranker's own list breaks


@dataclass(frozen=True, kw_only=True)
class Repaired(Generic[Item]):
    """A lawful slate, how it came about, and why it is short if it is."""

    slate: tuple[Item, ...]
    repairs: tuple[Repair, ...]
    cost: int  # worth lost to the principles, in millionths
    certificate: Certificate
    short: str  # a sentence that names the principles; empty where they left the list its length

    @property
    def offer(self) -> Offer:
        """What the candidates had to give: the verifier asks for no more."""
        return Offer(
            topics=self.certificate.topics_offered, new_creator_items=self.certificate.new_creator_items_offered
        )


def repair(
    bounds: Bounds,
    ordered: Sequence[Item],
    scores: Sequence[float | None] | None,
    pinned: Sequence[int] = (),
) -> Repaired[Item]:
    """The best lawful slate of the candidates, which come in the ranker's order with their scores (None: unscored).

    Items at the `pinned` places stay, and keep their places, wherever a lawful list has room for them: they matter
    more than the list's length. Raises Unlawful, and then nothing is served.
    """
    worth = worth_of(len(ordered), scores)
    offer = offer_of(bounds, ordered)
    length = min(bounds.slate_size, len(ordered))
    wanted = tuple(range(length))
    found = violations(bounds, ordered[:length], offer)
    if not found:
        return _finished(bounds, ordered, worth, offer, Choice(places=wanted), wanted, (), pinned, True)
    choice, kept, proved = _longest(bounds, ordered, worth, length, [place for place in pinned if place < length])
    broken = tuple(one.principle for one in found)
    return _finished(bounds, ordered, worth, offer, choice, wanted, broken, kept, proved)


def price_of(bounds: Bounds, ordered: Sequence[Item], scores: Sequence[float | None] | None, principle: str) -> int:
    """What one principle costs this list: how much more its places could be worth without it, in millionths."""
    worth = worth_of(len(ordered), scores)
    length = min(bounds.slate_size, len(ordered))
    held, *_ = _longest(bounds, ordered, worth, length, [])
    free, *_ = _longest(bounds, ordered, worth, length, [], without=principle)
    return sum(worth[place] for place in free.places) - sum(worth[place] for place in held.places)


def _longest(
    bounds: Bounds,
    ordered: Sequence[Item],
    worth: Sequence[int],
    length: int,
    pinned: Sequence[int],
    without: str = "",
) -> tuple[Choice, list[int], bool]:
    """The best choice of the greatest length at which there is one, which pinned places it could keep, and whether
    that is proved.
    """
    kept, within, proved = list(pinned), budget(), True
    while True:
        for size in range(length, 0, -1):
            held = problem(bounds, ordered, size, without=without)
            try:
                choice = best(held, worth, kept, within)
            except (SolverFailed, Spent):
                proved = False
                within.nodes = MOST_NODES
                found = first_lawful(held, kept, within)
                choice = None if found is None else Choice(places=found)
            if choice is not None:
                return choice, kept, proved
        if not kept:
            return Choice(places=()), kept, proved
        kept.pop()


def _finished(
    bounds: Bounds,
    ordered: Sequence[Item],
    worth: Sequence[int],
    offer: Offer,
    choice: Choice,
    wanted: Sequence[int],
    broken: tuple[str, ...],
    pinned: Sequence[int],
    proved: bool,
) -> Repaired[Item]:
    slate = tuple(ordered[place] for place in _arranged(choice.places, pinned))
    if wrong := violations(bounds, slate, offer):
        raise Unlawful(wrong)
    before, after = (sum(worth[place] for place in places) for places in (wanted, choice.places))
    size = len(choice.places)
    return Repaired(
        slate=slate,
        repairs=tuple(
            Repair(item_id=ordered[place].item_id, principles=principles)
            for place, principles in kept_out(bounds, ordered, choice.places, len(wanted), broken)
        )
        if broken
        else (),
        cost=before - after,
        certificate=Certificate(
            kind=_kind(broken, proved, shortened=size < len(wanted)),
            size=size,
            wanted=before,
            worth=after,
            topics_offered=offer.topics,
            new_creator_items_offered=offer.new_creator_items,
            broken=broken,
        ),
        short=reason_of_length(bounds, ordered, worth, size, pinned, proved) if size < len(wanted) else "",
    )


def _kind(broken: tuple[str, ...], proved: bool, *, shortened: bool) -> str:
    if not broken:
        return UNCHANGED
    if not proved:
        return UNPROVED
    return SHORTENED if shortened else REPAIRED


def _arranged(places: Sequence[int], pinned: Sequence[int]) -> list[int]:
    """Places in the ranker's order, pinned ones at the very places they were pinned to."""
    fixed = sorted(set(pinned).intersection(places))
    found = [place for place in places if place not in fixed]
    for place in fixed:
        found.insert(place, place)
    return found
