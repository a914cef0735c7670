"""From everything that was said of an item to the one label that counts. Pure: no database, no clock.

- A moderator's word on what they looked at decides that question, up or down. Once the text has changed it is one
  word among others, and can no longer make anything milder.
- Otherwise the strictest audience counts. Everybody who named a younger audience vouches for it too, so it is held
  with the best confidence among them.
- A category applies as soon as anybody found it; an item with one is for adults, whatever its certificate says.
- Where a classifier is part of the house, an item whose text it has not read, or which it suspects, and that is not for
  adults anyway, is unlabelled until a person has looked: fail closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from compliance.labels.values import AUDIENCE, STRICTNESS, SURENESS, Category, Confidence, Source, Verdict
from ranking.catalogue.models import Audience


@dataclass(frozen=True, kw_only=True)
class Word:
    """A current label, as far as it counts. `fresh`: it is about the text that the item has now."""

    about: str
    value: str
    confidence: str
    source: str
    source_name: str = ""
    fresh: bool = True

    @property
    def by_hand(self) -> bool:
        """Whether a person looked at just this and decided."""
        return self.source == Source.MODERATOR and self.fresh

    @property
    def who(self) -> str:
        """The source in words."""
        return f"{Source(self.source).label} {self.source_name}".strip()


@dataclass(frozen=True, kw_only=True)
class Effective:
    """What an item is labelled, by whom, how surely; empty strings: unlabelled, so not eligible for minors."""

    suitable_from: str
    source: str
    confidence: str
    unsafe: tuple[str, ...]


UNLABELLED = Effective(suitable_from="", source="", confidence="", unsafe=())


def effective(words: Iterable[Word], *, classifier: str) -> Effective:
    """The label that counts. `classifier` names the one that must have cleared the text; empty: none is asked.

    DSA Art. 28(1); Commission guidelines on minors of 14 July 2025 (law table M5); Ofcom's codes (1E).
    """
    said = list(words)
    audience = _audience([word for word in said if word.about == AUDIENCE])
    found = {category: word for category in Category.values if (word := _finding(said, category)) is not None}
    if found:
        audience = _at_least_adult(audience, found.values())
    if audience is None or not (found or _may_count(audience, said, classifier)):
        return UNLABELLED
    return Effective(
        suitable_from=audience.value,
        source=audience.who,
        confidence=audience.confidence,
        unsafe=tuple(sorted(found)),
    )


def _audience(words: Sequence[Word]) -> Word | None:
    if not words:
        return None
    by_hand = [word for word in words if word.by_hand]
    if by_hand:
        return by_hand[0]
    strictest = max(words, key=lambda word: (STRICTNESS[word.value], SURENESS[word.confidence]))
    surest = max((_now(word) for word in words), key=lambda confidence: SURENESS[confidence])
    return Word(
        about=AUDIENCE,
        value=strictest.value,
        confidence=surest,
        source=strictest.source,
        source_name=strictest.source_name,
        fresh=False,
    )


def _now(word: Word) -> str:
    """How sure a word is now: what a moderator said of another text is a hint."""
    return Confidence.LOW if word.source == Source.MODERATOR and not word.fresh else word.confidence


def _at_least_adult(audience: Word | None, found: Iterable[Word]) -> Word:
    """Who says that an item with findings is for adults: the audience's own source, or the surest finding's."""
    if audience is not None and audience.value == Audience.ADULT:
        return audience
    surest = max(found, key=lambda word: SURENESS[word.confidence])
    return replace(surest, about=AUDIENCE, value=Audience.ADULT)


def _may_count(audience: Word, said: Sequence[Word], classifier: str) -> bool:
    """Whether nothing stands between an item without findings and its audience."""
    return audience.value == Audience.ADULT or audience.by_hand or _cleared(said, classifier)


def _finding(words: Sequence[Word], category: str) -> Word | None:
    """Who found this category, the surest; None where nobody did, or where a person looked and did not."""
    about = [word for word in words if word.about == category]
    by_hand = [word for word in about if word.by_hand]
    found = [word for word in by_hand or about if word.value == Verdict.UNSAFE]
    return max(found, key=lambda word: SURENESS[word.confidence], default=None)


def _cleared(words: Sequence[Word], classifier: str) -> bool:
    """Whether the classifier read the text as it is now and saw nothing, or a person looked at what it saw."""
    if not classifier:
        return True
    by_hand = {word.about for word in words if word.by_hand}
    said = [word for word in words if word.source == Source.CLASSIFIER and word.source_name == classifier]
    return bool(said) and all(word.about in by_hand or (word.fresh and word.value == Verdict.CLEAR) for word in said)
