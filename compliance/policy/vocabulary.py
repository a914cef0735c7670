"""What a policy pack may read and say: closed lists of facts, and of effects with the way they are combined.

Every list is finite, so that every state of the router can be looked at (`compliance/policy/checking`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from compliance.subjects.values import ASSURANCES, FEED_MODES, SURFACES, TIERS
from ranking.catalogue.selectors import CONFIDENCES

YES_NO: Final = ("yes", "no")
JURISDICTIONS: Final = ("EU", "UK", "US-CA", "US-NY", "US", "CN", "other", "unknown")
SIZES: Final = ("micro", "platform", "vlop")
HOURS: Final = ("00-06", "06-08", "08-15", "15-22", "22-24")
"""A person's local time, cut wherever a rule of ours begins or ends."""

FACTS: Final[dict[str, tuple[str, ...]]] = {
    "tier": TIERS,
    "assurance": ASSURANCES,
    "jurisdiction": JURISDICTIONS,
    "size": SIZES,
    "consent": ("granted", "none", "objected"),
    "parental_consent": YES_NO,
    "guarded": YES_NO,  # a guardian is linked, whatever they consented to
    "paused": YES_NO,
    "surface": SURFACES,
    "hours": HOURS,
    "school_day": YES_NO,
    "ranker": ("live", "none"),
}
"""What a rule may ask for under `when`. A value that is not listed meets every rule that asks: the strictest."""

ORDERS: Final = ("score", "newest", "popular", "drawn")
SOURCES: Final = ("similar", "following", "topics", "trending", "newest", "drawn")
FEATURES: Final = (
    "history.opens",
    "history.likes",
    "history.watch_time",
    "history.explicit",
    "profile",
    "follows",
    "location",
    "device",
    "context",
)
OBSERVED: Final = ("history.opens", "history.likes", "history.watch_time", "history.explicit", "device")
"""Features that were observed or inferred: none of them is ever an input of a non-profiled order (DSA Art. 38)."""
ENGAGEMENT_HEADS: Final = ("click", "is_click", "long_view", "dwell", "play_time", "watch_time")
"""Heads that predict how long or how often, not whether it was good."""
AUDIENCES: Final = ("child", "young_teen", "teen", "adult")
OBJECTIVES: Final = ("value", "explicit")
ADS: Final = ("profiled", "contextual", "none")
UI_FLAGS: Final = (
    "no_autoplay",
    "no_infinite_scroll",
    "no_like_counts",
    "no_streaks",
    "no_live",
    "monitored_sign",
    "private_by_default",
    "ai_notice",
    "simple_words",
    "ad_labels",
    "order_switch",
    "why_link",
    "non_profiled_switch",
)
"""What every client must show, or must not. The last four are what DSA Art. 26(1), 27 and 38 want beside each list."""
CLOSED: Final = ("asleep", "day_used_up", "break_due")
"""Why a list is not served now although the person asks."""

Combine = Literal["union", "meet", "least", "most", "ranked"]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One thing that a rule may decide, and how the strictest of several decisions is found.

    `union`: everything that any rule names; `meet`: only what all rules name; `least` and `most`: numbers;
    `ranked`: the value that stands last in `values`.
    """

    combine: Combine
    values: tuple[str, ...] = ()  # of union, meet and ranked
    bounds: tuple[float, float] = (0, 1)  # of numbers
    whole: bool = False  # a whole number
    field: str = ""  # of the plan that it decides, where that has another name

    @property
    def everything(self) -> Any:
        """The value where no rule says anything; None for what some rule must decide in every state."""
        return {"union": (), "meet": self.values}.get(self.combine)


EFFECTS: Final[dict[str, Effect]] = {
    "forbid_modes": Effect(combine="union", values=FEED_MODES, field="offered_modes"),
    "default_mode": Effect(
        combine="ranked", values=("personalised", "following", "topics", "explore", "newest", "popular")
    ),
    "forbid_sources": Effect(combine="union", values=SOURCES, field="sources"),
    "forbid_features": Effect(combine="union", values=FEATURES, field="features"),
    "objective": Effect(combine="ranked", values=OBJECTIVES),
    "zero_weights": Effect(combine="union", values=ENGAGEMENT_HEADS, field="weights"),
    "audiences": Effect(combine="meet", values=(*AUDIENCES, "unlabelled")),
    "label_confidence": Effect(combine="ranked", values=CONFIDENCES),
    "explore_probability": Effect(combine="least"),
    "max_topic_share": Effect(combine="least"),
    "max_creator_share": Effect(combine="least"),
    "min_topics": Effect(combine="most", bounds=(0, 50), whole=True),
    "max_promoted_share": Effect(combine="least"),
    "new_creator_share": Effect(combine="most"),
    "essential_places": Effect(combine="least", bounds=(0, 5), whole=True),
    "ads": Effect(combine="ranked", values=ADS),
    "ui": Effect(combine="union", values=UI_FLAGS),
    "daily_minutes": Effect(combine="least", bounds=(1, 1440), whole=True),
    "session_minutes": Effect(combine="least", bounds=(1, 1440), whole=True),
    "break_minutes": Effect(combine="most", bounds=(0, 120), whole=True),
    "close": Effect(combine="union", values=CLOSED, field="closed"),
    "push": Effect(combine="ranked", values=("allowed", "forbidden")),
    "push_per_day": Effect(combine="least", bounds=(0, 100), whole=True),
    "logging": Effect(combine="ranked", values=("standard", "enhanced")),
    "survey": Effect(combine="ranked", values=("asked", "never")),
    "hidden_from_guardian": Effect(combine="union", values=("topics", "items", "controls")),
}
"""What a rule may decide. Rules of several packs meet here, and the strictest wins."""


def jurisdiction_of(code: str) -> str:
    """The jurisdiction that rules speak of, for a country or a country's state ("DE", "US-CA"); see ISO 3166."""
    if code in JURISDICTIONS:
        return code
    if code in EUROPEAN_ECONOMIC_AREA:
        return "EU"
    if code in {"GB", "CN"}:
        return {"GB": "UK"}.get(code, code)
    if code.startswith("US-"):
        return "US"
    return "other" if len(code) in {2, 5, 6} and code[:2].isalpha() and code[:2].isupper() else "unknown"


EUROPEAN_ECONOMIC_AREA: Final = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
