"""What the platform itself takes from minors by its labels. Pure: no database, no clock.

What a publisher says of its own item, by a certificate or a genre, is no restriction of ours (DSA Art. 17(1): those
that the provider imposes). Each rule here is measured against what would hold without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from compliance.labels.effective import Effective, Word, effective
from compliance.labels.values import STRICTNESS, Source, Verdict
from compliance.subjects.models import Tier
from ranking.catalogue.models import Audience

SEES: Final = {
    Tier.CHILD: STRICTNESS[Audience.CHILD],
    Tier.YOUNG_TEEN: STRICTNESS[Audience.YOUNG_TEEN],
    Tier.TEEN: STRICTNESS[Audience.TEEN],
    Tier.UNKNOWN: STRICTNESS[Audience.CHILD],  # unknown age is the strictest
}
"""The strictest audience that each tier of minors may be shown; adults lose nothing by a label."""
PUBLISHED: Final = (Source.CERTIFICATE, Source.GENRE)
"""Sources whose word is the publisher's own."""
PUZZLED: Final = (Verdict.SUSPECT, Verdict.UNREADABLE)
KEEPS_FROM_MINORS: Final = (Verdict.UNSAFE, *PUZZLED)


class Rule(StrEnum):
    """The rules by which labels restrict items, as decisions name them."""

    UNSAFE = "terms.unsafe-for-minors"
    HELD = "terms.not-read-yet"
    AUDIENCE = "terms.audience"


@dataclass(frozen=True, kw_only=True)
class Restriction:
    """The tiers that lose an item by a rule, in their order."""

    rule: Rule
    tiers: tuple[str, ...]


def restrictions(words: Sequence[Word], *, classifier: str) -> tuple[Restriction, ...]:
    """What our own words take from minors: a moderator's audience, then findings, then what waits for a person.

    DSA Art. 17(1)(a) (D17). An item that no classifier has read yet is under none: nothing was said of it.
    """
    if not any(_is_ours(word) for word in words):
        return ()
    published = [word for word in words if word.source in PUBLISHED]
    judged = [word for word in words if word.source == Source.MODERATOR and word.value != Verdict.UNSAFE]
    asked = classifier if _puzzles(words, classifier) else ""
    seen_by = [
        _seen_by(effective(published, classifier="")),
        _seen_by(effective(published + judged, classifier="")),
        _seen_by(effective(words, classifier="")),
        _seen_by(effective(words, classifier=asked)),
    ]
    lost = [
        (rule, seen_by[step] - seen_by[step + 1]) for step, rule in enumerate((Rule.AUDIENCE, Rule.UNSAFE, Rule.HELD))
    ]
    return tuple(
        Restriction(rule=rule, tiers=tuple(tier for tier in Tier.values if tier in tiers))
        for rule, tiers in lost
        if tiers
    )


def _is_ours(word: Word) -> bool:
    return word.source == Source.MODERATOR or (word.source == Source.CLASSIFIER and word.value != Verdict.CLEAR)


def _puzzles(words: Sequence[Word], classifier: str) -> bool:
    """Whether the classifier suspected or could not read the text, and nobody has looked at just that."""
    looked = {word.about for word in words if word.by_hand}
    return any(
        word.source == Source.CLASSIFIER
        and word.source_name == classifier
        and word.value in PUZZLED
        and word.about not in looked
        for word in words
    )


def _seen_by(label: Effective) -> frozenset[str]:
    if not label.suitable_from:
        return frozenset()
    return frozenset(str(tier) for tier, most in SEES.items() if STRICTNESS[label.suitable_from] <= most)
