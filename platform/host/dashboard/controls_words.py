"""What the page of controls calls things, and says about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from compliance.policy.controls import LEVELS


@dataclass(frozen=True, kw_only=True)
class Said:
    """A name, and a sentence about what it does."""

    label: str
    sentence: str


SIGNALS: Final = {
    "watch_time": Said(label="How long you watch", sentence="Long views, and how long you stayed."),
    "likes": Said(label="Your likes", sentence="What you liked here."),
    "follows": Said(
        label="Whom you follow", sentence="The orders “Following” and “My topics” rest on it all the same."
    ),
    "location": Said(label="Your region", sentence="What is popular near you; not used, what is popular everywhere."),
}
OBJECTIVES: Final = {
    "less_politics": Said(label="Less politics", sentence="Films about politics, news and elections come later."),
    "close_friends": Said(label="Close ones first", sentence="Creators whom you follow closely come earlier."),
    "shorter": Said(label="Shorter", sentence="Films of up to ten minutes come earlier."),
    "new_creators": Said(label="More new creators", sentence="Creators of the last 90 days come earlier."),
}
LEVEL_WORDS: Final = ("Off", "A little", "More", "Most")
"""What the levels of an objective are called, from 0."""
STANCES: Final = {"more": "More", "less": "Less", "mute": "Mute"}
assert len(LEVEL_WORDS) == LEVELS + 1  # noqa: S101 - the page offers every level that the policy knows
