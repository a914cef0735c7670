"""The principles by name: the law behind each, what it asks in words, and whether a slate keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Principle:
    """A rule that every slate keeps. `verifier` counts it and `rows` holds it as rows, both under its id."""

    id: str
    law: str
    words: str  # to the person whose list it is


PRINCIPLES: Final = (
    Principle(
        id="principle.audience",
        law="DSA Art. 28(1) (D28); guidelines on minors (M5)",
        words="Every item is labelled for your age group.",
    ),
    Principle(
        id="principle.minor-safety",
        law="DSA Art. 28(1) (D28); guidelines on minors (M5)",
        words="Nothing unsafe, and nothing whose label is not sure enough, stands in a minor's list.",
    ),
    Principle(
        id="principle.hidden",
        law="DSA Art. 27(3) (D27); guidelines on minors (M2)",
        words="What you hid does not come back.",
    ),
    Principle(
        id="principle.muted",
        law="DSA Art. 27(3) (D27); guidelines on minors (M2)",
        words="No creator, no topic and no word that you muted is shown.",
    ),
    Principle(
        id="principle.promotion-label",
        law="DSA Art. 26(1)(a) (D26); guidelines on minors (M7)",
        words="Whatever somebody paid for says so.",
    ),
    Principle(
        id="principle.special-categories",
        law="DSA Art. 26(3) (D26); GDPR Art. 9(1)",
        words="Nothing is aimed at you by religion, health, politics or another special category, or by a stand-in.",
    ),
    Principle(
        id="principle.minor-targeting",
        law="DSA Art. 28(2) (D28)",
        words="Nothing paid for is aimed at a minor.",
    ),
    Principle(
        id="principle.size",
        law="our own rule: the list is no longer than asked for",
        words="The list has no more places than were asked for.",
    ),
    Principle(
        id="principle.once",
        law="our own rule: no item twice",
        words="No item stands twice.",
    ),
    Principle(
        id="principle.creator-share",
        law="DSA Art. 34(1)(b): pluralism (D34)",
        words="No creator has more than their share of the places of a full list.",
    ),
    Principle(
        id="principle.topic-share",
        law="DSA Art. 34(1)(b): pluralism (D34)",
        words="No topic has more than its share of the places of a full list.",
    ),
    Principle(
        id="principle.topics",
        law="DSA Art. 34(1)(b): pluralism (D34)",
        words="The list is about several topics, as far as there are items of several.",
    ),
    Principle(
        id="principle.promoted-share",
        law="DSA Art. 26 (D26); guidelines on minors (M7)",
        words="No more than a set share of the list is paid for.",
    ),
    Principle(
        id="principle.new-creators",
        law="our own rule: new creators are seen; DSA Art. 34(1)(b) (D34)",
        words="Creators who are new here have places, as far as they have items that fit.",
    ),
    Principle(
        id="principle.essential",
        law="our own rule: what everyone needs is capped",
        words="Only a few places go to what everyone needs to know.",
    ),
)

BY_ID: Final = {principle.id: principle for principle in PRINCIPLES}
